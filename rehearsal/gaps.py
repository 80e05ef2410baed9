"""Where the local AWS falls short of the templates: the one table of gaps, and what is done about each."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import boto3
from botocore.exceptions import ClientError

from rehearsal.templates import DeployedStack, Properties, read_stack
from vectora_core.errors import VectoraError

Instead = Literal["completed by API", "left out"]
BUCKET, BUCKET_POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
FUNCTION, LAYER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion"
ROLE, LOG_GROUP, PARAMETER = "AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::SSM::Parameter"
STATE_MACHINE, SCHEDULE = "AWS::StepFunctions::StateMachine", "AWS::Scheduler::Schedule"
TOPIC, TOPIC_POLICY, INVOKE_CONFIG = "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::Lambda::EventInvokeConfig"
KEY = "AWS::KMS::Key"
RULE, PERMISSION, ALARM = "AWS::Events::Rule", "AWS::Lambda::Permission", "AWS::CloudWatch::Alarm"
CONFIGURATION, GUARD = "Custom::PublishedConfiguration", "Custom::SnapshotBeforeDeployment"
# CloudFormation adds tags of its own to those of the template.
CLOUDFORMATIONS_OWN = "aws:"

Complete = Callable[["Aws", str, Any], None]


class GapError(VectoraError):
    """A property did not arrive as the template says, and the table does not name it."""


class Aws:
    """Clients of one session, each made once."""

    def __init__(self, session: boto3.Session) -> None:
        self._make: Any = session.client
        self._clients: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._make(service)
        return self._clients[service]


@dataclass(frozen=True)
class Gap:
    """One property that the emulator's CloudFormation does not apply."""

    resource_type: str
    property_name: str
    instead: Instead
    reason: str
    complete: Complete | None = None
    # What the emulator claims when asked says nothing: set it in any case.
    reads_back_anyway: bool = False

    @property
    def name(self) -> str:
        return f"{self.resource_type} {self.property_name}"


@dataclass(frozen=True)
class BehaviourGap:
    """Something that works on AWS in a way in which it does not work here."""

    what: str
    instead: str


def _put_encryption(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": value})


def _put_lifecycle(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": value})


def _put_tags(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": value})


def _put_logging(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": value})


def _put_ownership(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=value)


def _put_object_lock(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=value)


def _suspend_or_enable_versioning(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration=value)


def _put_state_machine_logging(aws: Aws, arn: str, value: Any) -> None:
    aws("stepfunctions").update_state_machine(stateMachineArn=arn, loggingConfiguration=value)


def _put_schedule_time_zone(aws: Aws, name: str, value: Any) -> None:
    kept = ("Description", "ScheduleExpression", "State", "FlexibleTimeWindow", "Target", "GroupName")
    schedule = aws("scheduler").get_schedule(Name=name)
    unchanged = {key: schedule[key] for key in kept if key in schedule}
    aws("scheduler").update_schedule(Name=name, ScheduleExpressionTimezone=value, **unchanged)


def _put_topic_key(aws: Aws, arn: str, value: Any) -> None:
    aws("sns").set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=value)


_DROPPED = "The emulator's CloudFormation says CREATE_COMPLETE and does not apply it"
GAPS: tuple[Gap, ...] = (
    Gap(BUCKET, "BucketEncryption", "completed by API", _DROPPED, _put_encryption, reads_back_anyway=True),
    Gap(BUCKET, "LifecycleConfiguration", "completed by API", _DROPPED, _put_lifecycle),
    Gap(BUCKET, "Tags", "completed by API", _DROPPED, _put_tags),
    Gap(BUCKET, "LoggingConfiguration", "completed by API", _DROPPED, _put_logging),
    Gap(BUCKET, "OwnershipControls", "completed by API", _DROPPED, _put_ownership),
    Gap(BUCKET, "ObjectLockEnabled", "completed by API", f"{_DROPPED}; it comes with the lock's configuration"),
    Gap(BUCKET, "ObjectLockConfiguration", "completed by API", _DROPPED, _put_object_lock),
    Gap(BUCKET, "VersioningConfiguration", "completed by API", "Suspended is ignored", _suspend_or_enable_versioning),
    Gap(STATE_MACHINE, "LoggingConfiguration", "completed by API", _DROPPED, _put_state_machine_logging),
    Gap(STATE_MACHINE, "TracingConfiguration", "left out", "The emulator's Step Functions knows no X-Ray tracing"),
    Gap(SCHEDULE, "ScheduleExpressionTimezone", "completed by API", _DROPPED, _put_schedule_time_zone),
    Gap(TOPIC, "KmsMasterKeyId", "completed by API", _DROPPED, _put_topic_key),
)

BEHAVIOUR_GAPS: tuple[BehaviourGap, ...] = (
    BehaviourGap(
        "IAM on Converse checks an action bedrock:Converse on a foundation model, even for an inference profile",
        "the model stand-in checks bedrock:InvokeModel on the profile and on its model in every region it routes to",
    ),
    BehaviourGap(
        "IAM checks other actions and resources than AWS for many calls of Lambda and some of SSM, IAM and Scheduler",
        "rehearsal/inside/actions.py names those of AWS",
    ),
    BehaviourGap(
        "CloudFormation, Lambda, SNS, EventBridge, Step Functions, Parameter Store and S3 accept what AWS refuses",
        "rehearsal/strictness.py is the table of what is refused here, with the test of each row",
    ),
    BehaviourGap(
        "Conditions of templates know no Fn::Join, by which CDK's bootstrap gives CloudFormation's role its policies",
        "rehearsal/inside/stacks.py joins",
    ),
    BehaviourGap("Bedrock answers a fixed text, without tools or throttling", "the model stand-in answers"),
    BehaviourGap(
        "There is no CodePipeline, CodeBuild runs nothing, and CloudFormation knows no pipelines",
        "the stand-in executes the pipeline, and is a resource type of the emulator's CloudFormation",
    ),
    BehaviourGap(
        "Conditions on a role's tags are not resolved, by which CDK limits what its builds may assume",
        "rehearsal/inside/conditions.py resolves them",
    ),
    BehaviourGap("Nobody can wait for two weeks of soak", "the ledger is made to say that they have passed"),
    BehaviourGap(
        "The role of CloudFormation is not enforced, except for the parameters that it reads",
        "tests check what may be passed to it on the template",
    ),
    BehaviourGap("Schedules fire in UTC whatever their time zone", "the rehearsal starts the state machine itself"),
    BehaviourGap(
        "Functions run on this machine's Python, whatever runtime and architecture they declare",
        "the rehearsal synthesizes with --context lambda-platform=host: layers for this interpreter",
    ),
    BehaviourGap("Access logs are never delivered", "tests check the bucket policy that allows their delivery"),
    BehaviourGap("Memory limits of functions are not enforced", "left to AWS"),
)

# Properties that no API shows. Each is proven by something else.
UNREADABLE: Mapping[tuple[str, str], str] = {
    (CONFIGURATION, "ServiceToken"): "the published digest proves that this function was called",
    (CONFIGURATION, "ServiceTimeout"): "says how long CloudFormation waits",
    (CONFIGURATION, "ContentBucket"): "the published digest is that of this content",
    (CONFIGURATION, "ContentKey"): "the published digest is that of this content",
    (KEY, "PendingWindowInDays"): "says how long KMS waits when the key is deleted",
    (GUARD, "ServiceToken"): "the snapshot proves that this function was called",
    (GUARD, "ServiceTimeout"): "says how long CloudFormation waits",
}


@dataclass(frozen=True)
class StackReport:
    """How the resources of a stack came to be as its template says, by logical id; each stands in one of the three.

    `gaps` are the entries of the table that the stack met.
    """

    stack: str
    unmodified: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def resources(self) -> int:
        return len(self.unmodified) + len(self.completed) + len(self.left_out)


def complete_by_api(session: boto3.Session, stack_name: str, gaps: tuple[Gap, ...] = GAPS) -> StackReport:
    """Apply what CloudFormation dropped, from the template as deployed, and read all of it back.

    Raises GapError naming each property that is not as the template says and that `gaps` does not name.
    """
    aws = Aws(session)
    stack = read_stack(session, stack_name)
    named = {(gap.resource_type, gap.property_name): gap for gap in gaps}
    treated = {logical_id: _treat(aws, stack, logical_id, named) for logical_id in stack.resource_types}
    if problems := [problem for resource in treated.values() for problem in resource.problems]:
        raise GapError(
            f"Stack {stack_name} is not here what its template says, and rehearsal/gaps.py does not know why:\n"
            + "\n".join(f"- {problem}" for problem in problems)
        )
    met = {
        f"{stack.resource_types[logical_id]} {name}"
        for logical_id, resource in treated.items()
        for name in (*resource.completed, *resource.left_out)
    }
    return StackReport(
        stack=stack_name,
        unmodified=tuple(name for name, each in treated.items() if not (each.completed or each.left_out)),
        completed=tuple(name for name, each in treated.items() if each.completed and not each.left_out),
        left_out=tuple(name for name, each in treated.items() if each.left_out),
        gaps=tuple(sorted(met)),
    )


@dataclass
class _Treated:
    completed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _treat(aws: Aws, stack: DeployedStack, logical_id: str, gaps: Mapping[tuple[str, str], Gap]) -> _Treated:
    resource_type = stack.resource_types[logical_id]
    result = _Treated()
    if whole := gaps.get((resource_type, "*")):
        result.left_out.append(whole.property_name)
        return result
    if resource_type not in READERS:
        result.problems.append(f"{logical_id}: nothing here can read back a resource of type {resource_type}")
        return result
    properties = stack.properties(logical_id)
    physical_id = stack.physical_ids[logical_id]
    wanted = {name: _shaped(resource_type, name, properties) for name in properties}
    readable = [name for name in wanted if (resource_type, name) not in UNREADABLE]
    before = READERS[resource_type](aws, physical_id, properties)
    for name in readable:
        gap = gaps.get((resource_type, name))
        arrived = name in before and _same(before[name], wanted[name])
        if arrived and not (gap and gap.reads_back_anyway):
            continue
        if gap is None:
            found = json.dumps(before.get(name, "nothing"), default=str)[:200]
            result.problems.append(f"{logical_id} ({resource_type}): {name} reads back as {found}")
        elif gap.instead == "left out":
            result.left_out.append(name)
        else:
            if gap.complete:
                gap.complete(aws, physical_id, wanted[name])
            result.completed.append(name)
    if result.completed:
        again = properties if resource_type != BUCKET else {name: properties[name] for name in result.completed}
        after = READERS[resource_type](aws, physical_id, again)
        lost = [name for name in result.completed if not _same(after.get(name), wanted[name])]
        result.problems += [f"{logical_id} ({resource_type}): {name} could not be set by API either" for name in lost]
    return result


def _same(found: Any, wanted: Any) -> bool:
    return bool(_unordered(found) == _unordered(wanted))


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return sorted((_unordered(entry) for entry in value), key=lambda entry: json.dumps(entry, sort_keys=True))
    return value


# --- the template's properties in the form in which the services' APIs show them


def _shaped(resource_type: str, name: str, properties: Properties) -> Any:
    shape = SHAPES.get((resource_type, name))
    return shape(properties) if shape else properties[name]


def _lifecycle_rules(properties: Properties) -> list[dict[str, Any]]:
    return [_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    shaped: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    expiration: dict[str, Any] = {}
    for name, value in rule.items():
        match name:
            case "Status" | "Prefix":
                continue
            case "Id":
                shaped["ID"] = value
            case "ExpirationInDays":
                expiration["Days"] = value
            case "ExpiredObjectDeleteMarker":
                expiration[name] = value
            case "NoncurrentVersionExpiration" | "AbortIncompleteMultipartUpload":
                shaped[name] = value
            case "Transitions":
                shaped[name] = [{"Days": t["TransitionInDays"], "StorageClass": t["StorageClass"]} for t in value]
            case "NoncurrentVersionTransitions":
                shaped[name] = [
                    {"NoncurrentDays": t["TransitionInDays"], "StorageClass": t["StorageClass"]} for t in value
                ]
            case _:
                raise GapError(f"rehearsal/gaps.py does not know the lifecycle rule's key {name}: add it there.")
    return shaped | ({"Expiration": expiration} if expiration else {})


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


def _definition(properties: Properties) -> Any:
    text = json.dumps(properties["Definition"])
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", value)
    return json.loads(text)


def _camel(value: Any) -> Any:
    """CloudFormation's Level is Step Functions' level."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel(entry) for key, entry in value.items()}
    return [_camel(entry) for entry in value] if isinstance(value, list) else value


SHAPES: Mapping[tuple[str, str], Callable[[Properties], Any]] = {
    (BUCKET, "LifecycleConfiguration"): _lifecycle_rules,
    (BUCKET, "BucketEncryption"): _encryption_rules,
    (BUCKET, "LoggingConfiguration"): _logging,
    (FUNCTION, "Code"): lambda properties: "as deployed",
    (LAYER, "Content"): lambda properties: "as deployed",
    (STATE_MACHINE, "Definition"): _definition,
    (STATE_MACHINE, "DefinitionSubstitutions"): lambda properties: "substituted",
    (STATE_MACHINE, "LoggingConfiguration"): lambda properties: _camel(properties["LoggingConfiguration"]),
    (STATE_MACHINE, "TracingConfiguration"): lambda properties: _camel(properties["TracingConfiguration"]),
}


# --- what the services' APIs show


def _unless_absent(call: Callable[[], Any]) -> Any:
    """None where the service says that there is no such configuration."""
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
        "Tags": {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith(CLOUDFORMATIONS_OWN)},
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
    # Services add their defaults; what the template leaves open is not compared.
    kept = {key: target.get(key) for key in properties["Target"]}
    return {**{key: schedule.get(key) for key in properties}, "Target": kept}


def _read_configuration(aws: Aws, _: str, properties: Properties) -> dict[str, Any]:
    bucket = properties["ConfigBucket"]
    record = json.loads(aws("s3").get_object(Bucket=bucket, Key="published.json")["Body"].read())
    return {"ConfigBucket": bucket, "ContentDigest": record["digest"] if record["state"] == "published" else None}


def _read_guard(aws: Aws, physical_id: str, properties: Properties) -> dict[str, Any]:
    """The release before whose deployment the newest such snapshot was taken, as its manifest says."""
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
    """The statement of the function's policy that is for this source."""
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


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items() if not key.startswith(CLOUDFORMATIONS_OWN)]


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
    KEY: _read_key,
    TOPIC_POLICY: _read_topic_policy,
    INVOKE_CONFIG: _read_invoke_config,
    RULE: _read_rule,
    PERMISSION: _read_permission,
    ALARM: _read_alarm,
}
