"""Readers that return a resource of the emulator as properties of its CloudFormation type."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.gaps.table import (
    ALARM,
    BUCKET,
    BUCKET_POLICY,
    BUDGET,
    CONFIGURATION,
    DASHBOARD,
    FUNCTION,
    GUARD,
    INVOKE_CONFIG,
    KEY,
    LAYER,
    LOG_GROUP,
    MAIL_EVENTS,
    MAIL_SET,
    PARAMETER,
    PERMISSION,
    ROLE,
    RULE,
    SCHEDULE,
    STATE_MACHINE,
    SUBSCRIPTION,
    TOPIC,
    TOPIC_POLICY,
    Aws,
)
from rehearsal.templates import Properties

# CloudFormation adds tags of its own to those of the template.
RESERVED_PREFIX = "aws:"


def _unless_absent(call: Callable[[], Any]) -> Any:
    """Return the call's result, or None when the service has no such configuration."""
    try:
        return call()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return None


def _read_bucket(aws: Aws, bucket: str, properties: Properties) -> dict[str, Any]:
    s3 = aws("s3")
    readers: dict[str, Callable[[], Any]] = {
        "BucketName": lambda: bucket,
        "VersioningConfiguration": lambda: {"Status": s3.get_bucket_versioning(Bucket=bucket).get("Status")},
        "BucketEncryption": lambda: [
            {"BucketKeyEnabled": False, **rule}
            for rule in s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        ],
        "PublicAccessBlockConfiguration": lambda: s3.get_public_access_block(Bucket=bucket)[
            "PublicAccessBlockConfiguration"
        ],
        "OwnershipControls": lambda: s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"],
        "LifecycleConfiguration": lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"],
        "LoggingConfiguration": lambda: s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled"),
        "Tags": lambda: s3.get_bucket_tagging(Bucket=bucket)["TagSet"],
        "ObjectLockEnabled": lambda: bool(s3.get_object_lock_configuration(Bucket=bucket)),
        "ReplicationConfiguration": lambda: s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"],
        "NotificationConfiguration": lambda: [
            {key: value for key, value in each.items() if key != "Id"}
            for each in s3.get_bucket_notification_configuration(Bucket=bucket).get("TopicConfigurations", [])
        ],
        "ObjectLockConfiguration": lambda: s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"],
    }
    return {name: _unless_absent(read) for name, read in readers.items() if name in properties}


def _read_bucket_policy(aws: Aws, _: str, properties: Properties) -> dict[str, Any]:
    bucket = properties["Bucket"]
    return {"Bucket": bucket, "PolicyDocument": json.loads(aws("s3").get_bucket_policy(Bucket=bucket)["Policy"])}


def _read_role(aws: Aws, name: str, _: Properties) -> dict[str, Any]:
    iam = aws("iam")
    role = iam.get_role(RoleName=name)["Role"]
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {
        "RoleName": name,
        "Path": role.get("Path"),
        "Description": role.get("Description"),
        "AssumeRolePolicyDocument": role["AssumeRolePolicyDocument"],
        "Policies": [
            {
                "PolicyName": policy,
                "PolicyDocument": iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"],
            }
            for policy in policies
        ],
        "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
        "MaxSessionDuration": role.get("MaxSessionDuration"),
        "PermissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "Tags": _as_list({tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}),
    }


def _read_function(aws: Aws, name: str, properties: Properties) -> dict[str, Any]:
    function = aws("lambda").get_function(FunctionName=name)
    found = function["Configuration"]
    code = properties["Code"]
    same_code = found["CodeSha256"] == _sha256_of_object(aws, code["S3Bucket"], code["S3Key"])
    plain = ("FunctionName", "Description", "Runtime", "Architectures", "Handler", "Role", "MemorySize", "Timeout")
    return {
        **{key: found.get(key) for key in plain},
        "Code": "as deployed" if same_code else f"another zip, {found['CodeSha256']}",
        "Layers": [layer["Arn"] for layer in found.get("Layers", [])],
        "Environment": found.get("Environment"),
        "TracingConfig": found.get("TracingConfig"),
        "LoggingConfig": found.get("LoggingConfig"),
        "EphemeralStorage": found.get("EphemeralStorage"),
        "DeadLetterConfig": found.get("DeadLetterConfig"),
        "KmsKeyArn": found.get("KMSKeyArn"),
        "ReservedConcurrentExecutions": function.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        "Tags": _as_list(function.get("Tags", {})),
    }


def _read_layer(aws: Aws, arn: str, properties: Properties) -> dict[str, Any]:
    layer = aws("lambda").get_layer_version_by_arn(Arn=arn)
    content = properties["Content"]
    same = layer["Content"]["CodeSha256"] == _sha256_of_object(aws, content["S3Bucket"], content["S3Key"])
    return {
        "LayerName": layer["LayerArn"].rpartition(":")[2],
        "Description": layer.get("Description"),
        "CompatibleRuntimes": layer.get("CompatibleRuntimes"),
        "CompatibleArchitectures": layer.get("CompatibleArchitectures"),
        "Content": "as deployed" if same else "another zip",
    }


def _sha256_of_object(aws: Aws, bucket: str, key: str) -> str:
    body = aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")


def _read_log_group(aws: Aws, name: str, _: Properties) -> dict[str, Any]:
    groups = aws("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    group: dict[str, Any] = next((each for each in groups if each["logGroupName"] == name), {})
    return {
        "LogGroupName": group.get("logGroupName"),
        "RetentionInDays": group.get("retentionInDays"),
        "KmsKeyId": group.get("kmsKeyId"),
        "Tags": _as_list(aws("logs").list_tags_log_group(logGroupName=name)["tags"]),
    }


def _read_parameter(aws: Aws, name: str, _: Properties) -> dict[str, Any]:
    ssm = aws("ssm")
    parameter = ssm.get_parameter(Name=name)["Parameter"]
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    described = ssm.describe_parameters(ParameterFilters=filters)["Parameters"]
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    return {
        "Name": parameter["Name"],
        "Type": parameter["Type"],
        "Value": parameter["Value"],
        "Description": described[0].get("Description") if described else None,
        "Tags": {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith(RESERVED_PREFIX)},
    }


def _read_state_machine(aws: Aws, arn: str, _: Properties) -> dict[str, Any]:
    machine = aws("stepfunctions").describe_state_machine(stateMachineArn=arn)
    tags = aws("stepfunctions").list_tags_for_resource(resourceArn=arn)["tags"]
    unsubstituted = re.search(r"\$\{\w+\}", machine["definition"])
    return {
        "StateMachineName": machine["name"],
        "StateMachineType": machine["type"],
        "RoleArn": machine["roleArn"],
        "Definition": json.loads(machine["definition"]),
        "DefinitionSubstitutions": unsubstituted[0] if unsubstituted else "substituted",
        "LoggingConfiguration": machine.get("loggingConfiguration"),
        "TracingConfiguration": machine.get("tracingConfiguration"),
        "Tags": _as_list({tag["key"]: tag["value"] for tag in tags}),
    }


def _read_schedule(aws: Aws, name: str, properties: Properties) -> dict[str, Any]:
    schedule = aws("scheduler").get_schedule(Name=properties.get("Name", name))
    target = schedule["Target"]
    # Services add their defaults: only keys of the template are compared.
    compared = {key: target.get(key) for key in properties["Target"]}
    return {**{key: schedule.get(key) for key in properties}, "Target": compared}


def _read_configuration(aws: Aws, _: str, properties: Properties) -> dict[str, Any]:
    bucket = properties["ConfigBucket"]
    record = json.loads(aws("s3").get_object(Bucket=bucket, Key="published.json")["Body"].read())
    return {"ConfigBucket": bucket, "ContentDigest": record["digest"] if record["state"] == "published" else None}


def _read_guard(aws: Aws, physical_id: str, properties: Properties) -> dict[str, Any]:
    """Return the release of the newest snapshot that was taken before a deployment, by its manifest."""
    bucket = physical_id.partition("/")[0]
    pages = aws("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="snapshots/")
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    manifests = [
        json.loads(aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        for key in keys
        if key.endswith("/manifest.json")
    ]
    guarded = [each for each in manifests if each["occasion"]["kind"] == "deployment"]
    newest = max(guarded, key=lambda each: str(each["started_at"]), default=None)
    return {"ReleaseDigest": newest["occasion"]["detail"] if newest else None}


def _read_subscription(aws: Aws, _: str, properties: Properties) -> dict[str, Any]:
    """Return a subscription by its endpoint; before an e-mail address is confirmed, it has no ARN."""
    pages = aws("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=properties["TopicArn"])
    found = [each for page in pages for each in page["Subscriptions"] if each["Endpoint"] == properties["Endpoint"]]
    return dict(found[0]) if found else {}


def _read_topic(aws: Aws, arn: str, _: Properties) -> dict[str, Any]:
    attributes = aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    tags = aws("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]
    return {
        "TopicName": attributes["TopicArn"].rpartition(":")[2],
        "DisplayName": attributes.get("DisplayName"),
        "KmsMasterKeyId": attributes.get("KmsMasterKeyId"),
        "Tags": _as_list({tag["Key"]: tag["Value"] for tag in tags}),
    }


def _read_key(aws: Aws, key_id: str, _: Properties) -> dict[str, Any]:
    kms = aws("kms")
    tags = kms.list_resource_tags(KeyId=key_id)["Tags"]
    return {
        "Description": kms.describe_key(KeyId=key_id)["KeyMetadata"].get("Description"),
        "EnableKeyRotation": kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"],
        "KeyPolicy": json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]),
        "Tags": _as_list({tag["TagKey"]: tag["TagValue"] for tag in tags}),
    }


def _read_topic_policy(aws: Aws, _: str, properties: Properties) -> dict[str, Any]:
    policies = [aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"] for arn in properties["Topics"]]
    return {"Topics": properties["Topics"], "PolicyDocument": json.loads(policies[0])}


def _read_invoke_config(aws: Aws, _: str, properties: Properties) -> dict[str, Any]:
    name, qualifier = properties["FunctionName"], properties["Qualifier"]
    found = aws("lambda").get_function_event_invoke_config(FunctionName=name, Qualifier=qualifier)
    destinations = {key: value for key, value in found.get("DestinationConfig", {}).items() if value}
    return {
        "FunctionName": name,
        "Qualifier": qualifier,
        "MaximumRetryAttempts": found.get("MaximumRetryAttempts"),
        "DestinationConfig": destinations,
    }


def _read_rule(aws: Aws, _: str, properties: Properties) -> dict[str, Any]:
    name = properties["Name"]
    rule = aws("events").describe_rule(Name=name)
    targets = aws("events").list_targets_by_rule(Rule=name)["Targets"]
    tags = aws("events").list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
    return {
        "Name": rule["Name"],
        "Description": rule.get("Description"),
        "EventPattern": json.loads(rule["EventPattern"]),
        "State": rule["State"],
        "Targets": [{"Id": each["Id"], "Arn": each["Arn"]} for each in targets],
        "Tags": _as_list({tag["Key"]: tag["Value"] for tag in tags}),
    }


def _read_permission(aws: Aws, _: str, properties: Properties) -> dict[str, Any]:
    """Return the statement of the function's policy with this source."""
    name = properties["FunctionName"]
    policy = json.loads(aws("lambda").get_policy(FunctionName=name)["Policy"])
    for statement in policy["Statement"]:
        source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn")
        if source == properties["SourceArn"]:
            return {
                "Action": statement["Action"],
                "FunctionName": statement["Resource"].rpartition(":")[2],
                "Principal": statement["Principal"]["Service"],
                "SourceArn": source,
            }
    return {}


def _read_alarm(aws: Aws, name: str, _: Properties) -> dict[str, Any]:
    [alarm] = aws("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    tags = aws("cloudwatch").list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    return {**alarm, "Tags": _as_list({tag["Key"]: tag["Value"] for tag in tags})}


def _read_dashboard(aws: Aws, name: str, _: Properties) -> dict[str, Any]:
    found = aws("cloudwatch").get_dashboard(DashboardName=name)
    return {"DashboardName": name, "DashboardBody": found["DashboardBody"]}


def _read_budget(aws: Aws, name: str, properties: Properties) -> dict[str, Any]:
    account = aws("sts").get_caller_identity()["Account"]
    client, named = aws("budgets"), {"AccountId": account, "BudgetName": name}
    budget = client.describe_budget(**named)["Budget"]
    limit = {**budget["BudgetLimit"], "Amount": float(budget["BudgetLimit"]["Amount"])}
    notified = [
        {
            "Notification": {key: value for key, value in each.items() if key != "NotificationState"},
            "Subscribers": client.describe_subscribers_for_notification(**named, Notification=each)["Subscribers"],
        }
        for each in client.describe_notifications_for_budget(**named)["Notifications"]
    ]
    arn = f"arn:aws:budgets::{account}:budget/{name}"
    tags = client.list_tags_for_resource(ResourceARN=arn)["ResourceTags"]
    return {
        "Budget": {**{key: budget[key] for key in properties["Budget"]}, "BudgetLimit": limit},
        "NotificationsWithSubscribers": notified,
        "ResourceTags": _as_list({tag["Key"]: tag["Value"] for tag in tags}),
    }


def _read_mail_set(aws: Aws, name: str, _: Properties) -> dict[str, Any]:
    found = aws("sesv2").get_configuration_set(ConfigurationSetName=name)
    return {
        "Name": found["ConfigurationSetName"],
        "SuppressionOptions": found.get("SuppressionOptions"),
        "ReputationOptions": found.get("ReputationOptions"),
        "SendingOptions": found.get("SendingOptions"),
        "Tags": _as_list({tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}),
    }


def _read_mail_events(aws: Aws, _: str, properties: Properties) -> dict[str, Any]:
    name = properties["ConfigurationSetName"]
    found = aws("sesv2").get_configuration_set_event_destinations(ConfigurationSetName=name)["EventDestinations"]
    return {
        "ConfigurationSetName": name,
        "EventDestination": {
            "Name": found[0]["Name"],
            "Enabled": found[0]["Enabled"],
            # The API writes in capitals what templates write in small letters.
            "MatchingEventTypes": [each.lower() for each in found[0]["MatchingEventTypes"]],
            "EventBridgeDestination": found[0].get("EventBridgeDestination"),
        },
    }


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items() if not key.startswith(RESERVED_PREFIX)]


READERS: Mapping[str, Callable[[Aws, str, Properties], dict[str, Any]]] = {
    BUCKET: _read_bucket,
    BUCKET_POLICY: _read_bucket_policy,
    ROLE: _read_role,
    FUNCTION: _read_function,
    LAYER: _read_layer,
    LOG_GROUP: _read_log_group,
    PARAMETER: _read_parameter,
    STATE_MACHINE: _read_state_machine,
    SCHEDULE: _read_schedule,
    CONFIGURATION: _read_configuration,
    GUARD: _read_guard,
    TOPIC: _read_topic,
    SUBSCRIPTION: _read_subscription,
    KEY: _read_key,
    TOPIC_POLICY: _read_topic_policy,
    INVOKE_CONFIG: _read_invoke_config,
    MAIL_SET: _read_mail_set,
    MAIL_EVENTS: _read_mail_events,
    RULE: _read_rule,
    PERMISSION: _read_permission,
    ALARM: _read_alarm,
    DASHBOARD: _read_dashboard,
    BUDGET: _read_budget,
}
