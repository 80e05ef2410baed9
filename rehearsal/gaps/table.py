"""Table of properties that the emulator drops, and how each is applied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import boto3

from vectora_shared.errors import VectoraError

Instead = Literal["completed by API", "left out"]
BUCKET, BUCKET_POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
FUNCTION, LAYER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion"
ROLE, LOG_GROUP, PARAMETER = "AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::SSM::Parameter"
STATE_MACHINE, SCHEDULE = "AWS::StepFunctions::StateMachine", "AWS::Scheduler::Schedule"
TOPIC, TOPIC_POLICY, INVOKE_CONFIG = "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::Lambda::EventInvokeConfig"
KEY = "AWS::KMS::Key"
RULE, PERMISSION, ALARM = "AWS::Events::Rule", "AWS::Lambda::Permission", "AWS::CloudWatch::Alarm"
CONFIGURATION, GUARD = "Custom::PublishedConfiguration", "Custom::SnapshotBeforeDeployment"
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
