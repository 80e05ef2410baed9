"""Properties whose change replaces a resource, from the registry schemas that cfn-lint contains."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from change_review.values import Path as PropertyPath
from change_review.values import canonical
from vectora_shared.errors import VectoraError

REGION = "us-east-1"
_KMS = "KMS never changes it for an existing key: CloudFormation replaces the key or fails (AWS::KMS::Key)"
_COGNITO = "Cognito never changes it for an existing pool (AWS::Cognito::UserPool)"
_ELASTICSEARCH = "its update replaces the domain unless the version allows it (AWS::Elasticsearch::Domain)"
_VERSION = "without UpdatePolicy.EnableVersionUpgrade a new version replaces the domain (UpdatePolicy attribute)"
# Where a schema names no replacement and the user guide or practice does: the guide's page is that of the type.
MAY_REPLACE: Mapping[str, Mapping[str, str]] = {
    "AWS::S3::Bucket": {
        "ObjectLockEnabled": "the user guide and the schema differ on it: an existing bucket may get no lock",
    },
    "AWS::KMS::Key": dict.fromkeys(("KeySpec", "KeyUsage", "MultiRegion", "Origin"), _KMS),
    "AWS::Cognito::UserPool": dict.fromkeys(
        ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration", "Schema"), _COGNITO
    ),
    "AWS::DynamoDB::Table": {
        "AttributeDefinitions": "another type of a key attribute replaces the table (AWS::DynamoDB::Table)",
        "LocalSecondaryIndexes": "local indexes are part of a table's creation (AWS::DynamoDB::Table)",
    },
    "AWS::Elasticsearch::Domain": {
        **dict.fromkeys(("EncryptionAtRestOptions", "NodeToNodeEncryptionOptions"), _ELASTICSEARCH),
        "ElasticsearchVersion": _VERSION,
    },
    "AWS::OpenSearchService::Domain": {"EngineVersion": _VERSION},
}
# Attributes of UpdatePolicy with which such a change is an update in place (UpdatePolicy attribute).
UNLESS: Mapping[tuple[str, str], str] = {
    ("AWS::Elasticsearch::Domain", "ElasticsearchVersion"): "EnableVersionUpgrade",
    ("AWS::OpenSearchService::Domain", "EngineVersion"): "EnableVersionUpgrade",
}
# Where the schema names a condition and the user guide a replacement without one.
REPLACES: Mapping[str, Mapping[str, str]] = {
    "AWS::DynamoDB::Table": {"KeySchema": "the key schema of a table is fixed at its creation"},
    "AWS::RDS::DBInstance": {"Engine": "another engine is another database"},
}
# Conditional in the schemas, and an update in place in the user guide: no reader needs to look.
UPDATES: Mapping[str, frozenset[str]] = {
    "AWS::RDS::DBInstance": frozenset(
        {
            "AutoMinorVersionUpgrade", "BackupRetentionPeriod", "DBParameterGroupName", "MultiAZ",
            "PerformanceInsightsKMSKeyId", "PreferredMaintenanceWindow",
        }
    ),
}  # fmt: skip


# Fixed at creation, with the value that a missing one has (the user guide's page of each type).
DEFAULTS: Mapping[tuple[str, str], str] = {
    ("AWS::ECR::Repository", "EncryptionConfiguration.EncryptionType"): "AES256",
    ("AWS::EFS::FileSystem", "Encrypted"): "false",
    ("AWS::EFS::FileSystem", "PerformanceMode"): "generalPurpose",
    ("AWS::IAM::Group", "Path"): "/",
    ("AWS::IAM::InstanceProfile", "Path"): "/",
    ("AWS::IAM::ManagedPolicy", "Path"): "/",
    ("AWS::IAM::Role", "Path"): "/",
    ("AWS::IAM::User", "Path"): "/",
    ("AWS::Lambda::Function", "PackageType"): "Zip",
    ("AWS::RDS::DBCluster", "StorageEncrypted"): "false",
    ("AWS::RDS::DBInstance", "StorageEncrypted"): "false",
    ("AWS::SNS::Topic", "FifoTopic"): "false",
    ("AWS::SQS::Queue", "FifoQueue"): "false",
    ("AWS::StepFunctions::StateMachine", "StateMachineType"): "STANDARD",
}


def is_default(resource_type: str, path: PropertyPath, before: Any, after: Any) -> bool:
    """Return whether two values are the same, because a missing one is the default that the other one names."""
    default = DEFAULTS.get((resource_type, ".".join(path)))
    return default is not None and _scalar(before, default) == _scalar(after, default)


def _loses_entries(before: Any, after: Any) -> bool:
    return not isinstance(before, list) or not isinstance(after, list) or any(each not in after for each in before)


def _changes_type(before: Any, after: Any) -> bool:
    types = [{each["AttributeName"]: each["AttributeType"] for each in side} for side in (before, after)]
    return any(name in types[1] and types[1][name] != kind for name, kind in types[0].items())


def _differs_from_default(default: str) -> Callable[[Any, Any], bool]:
    """Return a test whether a value is another one, where a missing one is the default."""
    return lambda before, after: _scalar(before, default) != _scalar(after, default)


def _scalar(value: Any, default: str) -> str:
    return default if value is None else str(canonical(value))


# More than the property's name decides: a new attribute is added in place, a default may be written out, and a database
# keeps its data when the snapshot that it came from is no longer named (cloudformation-coverage-roadmap 775).
ONLY_IF: Mapping[tuple[str, str], Callable[[Any, Any], bool]] = {
    ("AWS::Cognito::UserPool", "Schema"): _loses_entries,
    ("AWS::DynamoDB::Table", "AttributeDefinitions"): _changes_type,
    ("AWS::KMS::Key", "KeySpec"): _differs_from_default("SYMMETRIC_DEFAULT"),
    ("AWS::KMS::Key", "KeyUsage"): _differs_from_default("ENCRYPT_DECRYPT"),
    ("AWS::KMS::Key", "MultiRegion"): _differs_from_default("false"),
    ("AWS::KMS::Key", "Origin"): _differs_from_default("AWS_KMS"),
    ("AWS::RDS::DBInstance", "DBSnapshotIdentifier"): lambda _before, after: after is not None,
}


@dataclass(frozen=True)
class Schema:
    """Rules of a resource type: paths below its properties, in which `*` stands for each entry of a list."""

    replaces: Mapping[PropertyPath, str]
    may_replace: Mapping[PropertyPath, str]
    identifiers: tuple[str, ...]


class Schemas:
    """Schemas of the CloudFormation registry by resource type, read from the files of the package cfn-lint.

    Importing cfn-lint takes seconds, reading its files milliseconds. A test compares both.
    """

    def __init__(self) -> None:
        self._known: dict[str, Schema] = {}

    @cached_property
    def _folder(self) -> Path:
        spec = find_spec("cfnlint")
        folder = Path(str(spec.origin)).parent / "data" / "schemas" if spec else None
        if folder is None or not (folder / "providers" / f"{REGION}.json").is_file():
            raise VectoraError("cfn-lint with the schemas of CloudFormation is missing: run make setup.")
        return folder

    @cached_property
    def _files(self) -> Mapping[str, str]:
        found: dict[str, str] = _json(self._folder / "providers" / f"{REGION}.json")
        return found

    def of(self, resource_type: str) -> Schema:
        """Return the rules of a type; a custom or unknown type has none."""
        if resource_type not in self._known:
            self._known[resource_type] = self._read(resource_type)
        return self._known[resource_type]

    def _read(self, resource_type: str) -> Schema:
        file = self._files.get(resource_type)
        document = _json(self._folder / "resources" / f"{file}.json") if file else {}
        always = dict(_paths(document.get("createOnlyProperties")))
        conditional = dict(_paths(document.get("conditionalCreateOnlyProperties")))
        for key, why in REPLACES.get(resource_type, {}).items():
            conditional.pop((key,), None)
            always[(key,)] = why
        for key in UPDATES.get(resource_type, ()):
            conditional.pop((key,), None)
        conditional |= {(key,): why for key, why in MAY_REPLACE.get(resource_type, {}).items()}
        identifiers = tuple(path[-1] for path in dict(_paths(document.get("primaryIdentifier"))))
        return Schema(always, conditional, identifiers)


def _paths(pointers: Any) -> Iterator[tuple[PropertyPath, str]]:
    for pointer in pointers or ():
        yield tuple(part for part in str(pointer).removeprefix("/properties/").split("/")), ""


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())
