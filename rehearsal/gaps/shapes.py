"""Template properties in the form of the APIs' answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.gaps.table import BUCKET, FUNCTION, LAYER, STATE_MACHINE, GapError
from rehearsal.templates import Properties


def api_value(resource_type: str, name: str, properties: Properties) -> Any:
    """Return a property's value as the reader of its resource type returns it."""
    shape = SHAPES.get((resource_type, name))
    return shape(properties) if shape else properties[name]


def _lifecycle_rules(properties: Properties) -> list[dict[str, Any]]:
    return [_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    expiration: dict[str, Any] = {}
    for name, value in rule.items():
        match name:
            case "Status" | "Prefix":
                continue
            case "Id":
                result["ID"] = value
            case "ExpirationInDays":
                expiration["Days"] = value
            case "ExpiredObjectDeleteMarker":
                expiration[name] = value
            case "NoncurrentVersionExpiration" | "AbortIncompleteMultipartUpload":
                result[name] = value
            case "Transitions":
                result[name] = [{"Days": t["TransitionInDays"], "StorageClass": t["StorageClass"]} for t in value]
            case "NoncurrentVersionTransitions":
                result[name] = [
                    {"NoncurrentDays": t["TransitionInDays"], "StorageClass": t["StorageClass"]} for t in value
                ]
            case _:
                raise GapError(f"rehearsal/gaps/shapes.py does not support the lifecycle key {name}: add it there.")
    return result | ({"Expiration": expiration} if expiration else {})


def _encryption_rules(properties: Properties) -> list[dict[str, Any]]:
    rules = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    return [
        {
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
        }
        for rule in rules
    ]


def _logging(properties: Properties) -> dict[str, Any]:
    logging = properties["LoggingConfiguration"]
    return {"TargetBucket": logging["DestinationBucketName"], "TargetPrefix": logging.get("LogFilePrefix", "")}


def _replication(properties: Properties) -> dict[str, Any]:
    configuration = properties["ReplicationConfiguration"]
    rules = [{"ID" if key == "Id" else key: value for key, value in rule.items()} for rule in configuration["Rules"]]
    return {"Role": configuration["Role"], "Rules": rules}


def _notifications(properties: Properties) -> list[dict[str, Any]]:
    configurations = properties["NotificationConfiguration"]["TopicConfigurations"]
    return [{"TopicArn": each["Topic"], "Events": [each["Event"]]} for each in configurations]


def _definition(properties: Properties) -> Any:
    text = json.dumps(properties["Definition"])
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", value)
    return json.loads(text)


def _camel(value: Any) -> Any:
    """Return a value with keys in Step Functions' spelling: CloudFormation's `Level` is `level`."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel(entry) for key, entry in value.items()}
    return [_camel(entry) for entry in value] if isinstance(value, list) else value


SHAPES: Mapping[tuple[str, str], Callable[[Properties], Any]] = {
    (BUCKET, "LifecycleConfiguration"): _lifecycle_rules,
    (BUCKET, "BucketEncryption"): _encryption_rules,
    (BUCKET, "LoggingConfiguration"): _logging,
    (BUCKET, "ReplicationConfiguration"): _replication,
    (BUCKET, "NotificationConfiguration"): _notifications,
    (FUNCTION, "Code"): lambda properties: "as deployed",
    (LAYER, "Content"): lambda properties: "as deployed",
    (STATE_MACHINE, "Definition"): _definition,
    (STATE_MACHINE, "DefinitionSubstitutions"): lambda properties: "substituted",
    (STATE_MACHINE, "LoggingConfiguration"): lambda properties: _camel(properties["LoggingConfiguration"]),
    (STATE_MACHINE, "TracingConfiguration"): lambda properties: _camel(properties["TracingConfiguration"]),
}
