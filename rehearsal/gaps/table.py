"""Tables of differences between the emulator and AWS, and what the rehearsal does about each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import boto3
from botocore.exceptions import ClientError

from vectora_shared.aws_errors import error_code
from vectora_shared.errors import VectoraError

Treatment = Literal["completed by API", "skipped"]
BUCKET, BUCKET_POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
FUNCTION, LAYER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion"
ROLE, LOG_GROUP, PARAMETER = "AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::SSM::Parameter"
STATE_MACHINE, SCHEDULE = "AWS::StepFunctions::StateMachine", "AWS::Scheduler::Schedule"
SUBSCRIPTION = "AWS::SNS::Subscription"
TOPIC, TOPIC_POLICY, INVOKE_CONFIG = "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::Lambda::EventInvokeConfig"
KEY = "AWS::KMS::Key"
MAIL_SET, MAIL_EVENTS = "AWS::SES::ConfigurationSet", "AWS::SES::ConfigurationSetEventDestination"
DASHBOARD, BUDGET = "AWS::CloudWatch::Dashboard", "AWS::Budgets::Budget"
RULE, PERMISSION, ALARM = "AWS::Events::Rule", "AWS::Lambda::Permission", "AWS::CloudWatch::Alarm"
CONFIGURATION, GUARD = "Custom::PublishedConfiguration", "Custom::SnapshotBeforeDeployment"
Apply = Callable[["Aws", str, Any], None]


class GapError(VectoraError):
    """A property differs from the template, and the table does not name it."""


class Aws:
    """Clients of one session, each created once."""

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
    treatment: Treatment
    reason: str
    apply: Apply | None = None
    # The emulator reports the value although it did not apply it: set it in any case.
    reads_back_unapplied: bool = False

    @property
    def name(self) -> str:
        """Resource type and property, or * for the whole resource."""
        return f"{self.resource_type} {self.property_name}"


@dataclass(frozen=True)
class BehaviourGap:
    """A difference in behaviour between the emulator and AWS, and what the project does about it."""

    difference: str
    treatment: str


def _put_encryption(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": value})


def _put_lifecycle(aws: Aws, bucket: str, value: Any) -> None:
    with _without_policy(aws("s3"), bucket):
        aws("s3").put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": value})


@contextmanager
def _without_policy(s3: Any, bucket: str) -> Iterator[None]:
    """Remove the bucket's policy meanwhile: on AWS a bucket has its rules before a policy can deny to change them."""
    try:
        policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    except ClientError as error:
        if error_code(error) != "NoSuchBucketPolicy":
            raise
        yield
        return
    s3.delete_bucket_policy(Bucket=bucket)
    try:
        yield
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)


def _put_tags(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": value})


def _put_logging(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": value})


def _put_ownership(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=value)


def _put_object_lock(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=value)


def _put_replication(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_replication(Bucket=bucket, ReplicationConfiguration=value)


def _suspend_or_enable_versioning(aws: Aws, bucket: str, value: Any) -> None:
    aws("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration=value)


def _put_state_machine_logging(aws: Aws, arn: str, value: Any) -> None:
    aws("stepfunctions").update_state_machine(stateMachineArn=arn, loggingConfiguration=value)


def _put_schedule_time_zone(aws: Aws, name: str, value: Any) -> None:
    others = ("Description", "ScheduleExpression", "State", "FlexibleTimeWindow", "Target", "GroupName")
    schedule = aws("scheduler").get_schedule(Name=name)
    unchanged = {key: schedule[key] for key in others if key in schedule}
    aws("scheduler").update_schedule(Name=name, ScheduleExpressionTimezone=value, **unchanged)


def _put_topic_key(aws: Aws, arn: str, value: Any) -> None:
    aws("sns").set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=value)


_DROPPED = "The emulator's CloudFormation does not apply it, but reports CREATE_COMPLETE"
GAPS: tuple[Gap, ...] = (
    Gap(BUCKET, "BucketEncryption", "completed by API", _DROPPED, _put_encryption, reads_back_unapplied=True),
    Gap(BUCKET, "LifecycleConfiguration", "completed by API", _DROPPED, _put_lifecycle),
    Gap(BUCKET, "Tags", "completed by API", _DROPPED, _put_tags),
    Gap(BUCKET, "LoggingConfiguration", "completed by API", _DROPPED, _put_logging),
    Gap(BUCKET, "OwnershipControls", "completed by API", _DROPPED, _put_ownership),
    Gap(BUCKET, "ObjectLockEnabled", "completed by API", f"{_DROPPED}; the lock's configuration enables it"),
    Gap(BUCKET, "ObjectLockConfiguration", "completed by API", _DROPPED, _put_object_lock),
    Gap(BUCKET, "ReplicationConfiguration", "completed by API", _DROPPED, _put_replication),
    Gap(
        BUCKET,
        "VersioningConfiguration",
        "completed by API",
        "The emulator's CloudFormation ignores the status Suspended",
        _suspend_or_enable_versioning,
    ),
    Gap(STATE_MACHINE, "LoggingConfiguration", "completed by API", _DROPPED, _put_state_machine_logging),
    Gap(STATE_MACHINE, "TracingConfiguration", "skipped", "The emulator's Step Functions has no X-Ray tracing"),
    Gap(SCHEDULE, "ScheduleExpressionTimezone", "completed by API", _DROPPED, _put_schedule_time_zone),
    Gap(DASHBOARD, "Tags", "skipped", "The emulator's CloudWatch tags alarms only"),
    Gap(TOPIC, "KmsMasterKeyId", "completed by API", _DROPPED, _put_topic_key),
)
BEHAVIOUR_GAPS: tuple[BehaviourGap, ...] = (
    BehaviourGap(
        "For Converse, IAM checks an action bedrock:Converse on a foundation model, even for an inference profile",
        "the model stand-in checks bedrock:InvokeModel on the profile and on its model in every region it routes to",
    ),
    BehaviourGap(
        "For many calls of Lambda and some of SSM, IAM and Scheduler, IAM checks other actions and resources than AWS",
        "rehearsal/inside/actions.py replaces them by AWS's",
    ),
    BehaviourGap(
        "CloudFormation, Lambda, SNS, EventBridge, Step Functions, Parameter Store and S3 accept requests that AWS "
        "refuses",
        "rehearsal/inside refuses them; rehearsal/strictness.py lists each refusal with its test",
    ),
    BehaviourGap(
        "Conditions of templates do not support Fn::Join and pseudo parameters, which CDK's bootstrap needs to attach "
        "the policies of CloudFormation's role",
        "rehearsal/inside/stacks.py resolves it",
    ),
    BehaviourGap(
        "SES accepts messages that AWS refuses, publishes no bounces, and shows no message",
        "rehearsal/inside/mail.py checks each message, publishes simulated bounces, and keeps the messages",
    ),
    BehaviourGap(
        "CloudFormation has no resource type for budgets, and no budget measures anything",
        "rehearsal/inside/budgets.py creates them by the service's API",
    ),
    BehaviourGap("Bedrock returns a fixed text, without tools or throttling", "the model stand-in replaces it"),
    BehaviourGap(
        "CodePipeline is missing, CodeBuild runs no commands, and CloudFormation has no resource type for pipelines",
        "the stand-in for CodePipeline executes the pipeline, and adds the resource type to CloudFormation",
    ),
    BehaviourGap(
        "Across accounts and regions, event buses, policies of roles, keys of objects and templates are missing",
        "rehearsal/inside/crossing.py and encryption.py add them, with the permissions of both sides",
    ),
    BehaviourGap(
        "Conditions on a role's tags, with which CDK limits the roles that builds may assume, are not resolved",
        "rehearsal/inside/conditions.py resolves them",
    ),
    BehaviourGap("A rehearsal cannot wait for two weeks of soak", "it changes the time in the promotion ledger"),
    BehaviourGap(
        "Permissions of CloudFormation's service role, and permissions boundaries of roles in stacks, are not enforced",
        "rehearsal/inside/execution.py checks each resource with the rights of the role that was passed",
    ),
    BehaviourGap("Schedules ignore their time zone and run in UTC", "the rehearsal starts the state machine itself"),
    BehaviourGap(
        "Functions run on this machine's Python, not on the runtime and architecture that they declare",
        "the rehearsal synthesizes layers for this interpreter, with --context lambda-platform=host",
    ),
    BehaviourGap(
        "CloudWatch extracts no metrics from logs and publishes none about runs",
        "rehearsal/monitoring/ publishes them as AWS does, and fails on a line from which AWS would extract nothing",
    ),
    BehaviourGap(
        "Alarms are evaluated without dimensions, missing data and M out of N",
        "rehearsal/monitoring/ evaluates each by the rules of CloudWatch's user guide, and sets its state",
    ),
    BehaviourGap("CloudWatch draws no dashboards", "rehearsal/monitoring/drawing.py draws them as SVG"),
    BehaviourGap("Access logs are never delivered", "tests check the bucket policy that allows their delivery"),
    BehaviourGap("Memory limits of functions are not enforced", "not checked before AWS"),
)
# Properties that no API returns, and what proves each of them.
UNREADABLE: Mapping[tuple[str, str], str] = {
    (CONFIGURATION, "ServiceToken"): "the published digest proves that this function was called",
    (CONFIGURATION, "ServiceTimeout"): "only limits how long CloudFormation waits",
    (CONFIGURATION, "ContentBucket"): "the published digest equals this content's",
    (CONFIGURATION, "ContentKey"): "the published digest equals this content's",
    (KEY, "PendingWindowInDays"): "only sets how long KMS waits before it deletes the key",
    (GUARD, "ServiceToken"): "the snapshot proves that this function was called",
    (GUARD, "ServiceTimeout"): "only limits how long CloudFormation waits",
}
