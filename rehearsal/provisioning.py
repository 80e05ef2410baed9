"""Permissions that CloudFormation needs to create, change and delete resources of a stack.

From the handlers in the schemas of CloudFormation's registry, for the types and properties that this project uses.
This module imports nothing that the emulator's environment lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rehearsal.provisioned import BOUNDARY, PASS, Kind, Need, Operation, Resource


def needs(resource: Resource, operation: Operation) -> list[Need]:
    """Return the permissions for an operation; a type that is not listed here needs all of its service's."""
    kind = KINDS.get(resource.resource_type)
    if resource.resource_type.startswith("Custom::"):
        kind = CUSTOM
    if kind is None:
        service = resource.resource_type.split("::")[1].lower()
        return [Need(f"{service}:{operation.title()}{resource.resource_type.rpartition(':')[2]}", "*")]
    arn = kind.arn(resource)
    actions = {"create": kind.create, "update": kind.update, "delete": kind.delete}[operation]
    if operation != "delete":
        actions += tuple(action for name, action in kind.for_properties.items() if resource.has(name))
        actions += (kind.tagging,) if kind.tagging and resource.tags else ()
    tags = {f"aws:ResourceTag/{key}": value for key, value in resource.tags.items()}
    found = [Need(action, arn, tags) for action in actions]
    return [*found, *(kind.others(resource, operation) if kind.others else ())]


def _pass(role: Any, service: str) -> Iterator[Need]:
    if role:
        yield Need(PASS, str(role), {"iam:PassedToService": f"{service}.amazonaws.com"})


def _read_code(code: Any) -> Iterator[Need]:
    if code and "S3Bucket" in code:
        yield Need("s3:GetObject", f"arn:aws:s3:::{code['S3Bucket']}/{code['S3Key']}")


def _of_function(resource: Resource, operation: Operation) -> Iterator[Need]:
    if operation == "delete":
        return
    given = resource.properties
    yield from _pass(given.get("Role"), "lambda")
    yield from _read_code(given.get("Code"))
    for layer in given.get("Layers") or []:
        yield Need("lambda:GetLayerVersion", str(layer))


def _of_layer(resource: Resource, operation: Operation) -> Iterator[Need]:
    if operation != "delete":
        yield from _read_code(resource.properties.get("Content"))


def _of_role(resource: Resource, operation: Operation) -> Iterator[Need]:
    arn, given = _role_arn(resource), resource.properties
    boundary = given.get("PermissionsBoundary")
    if operation == "delete":
        if given.get("ManagedPolicyArns"):
            yield Need("iam:DetachRolePolicy", arn)
        return
    bounded = {BOUNDARY: str(boundary)} if boundary else {}
    if operation == "create":
        yield Need("iam:CreateRole", arn, bounded)
    elif boundary != resource.before.get("PermissionsBoundary"):
        yield Need("iam:PutRolePermissionsBoundary" if boundary else "iam:DeleteRolePermissionsBoundary", arn, bounded)
    if given.get("Policies"):
        yield Need("iam:PutRolePolicy", arn, bounded)
    for policy in given.get("ManagedPolicyArns") or []:
        yield Need("iam:AttachRolePolicy", arn, {**bounded, "iam:PolicyARN": str(policy)})


def _of_policy(resource: Resource, operation: Operation) -> Iterator[Need]:
    action = "iam:DeleteRolePolicy" if operation == "delete" else "iam:PutRolePolicy"
    for role in resource.properties.get("Roles") or []:
        yield Need(action, f"arn:aws:iam::{resource.account}:role/{role}")


def _of_machine(resource: Resource, operation: Operation) -> Iterator[Need]:
    if operation != "delete":
        yield from _pass(resource.properties.get("RoleArn"), "states")


def _of_schedule(resource: Resource, operation: Operation) -> Iterator[Need]:
    if operation != "delete":
        yield from _pass(resource.properties.get("Target", {}).get("RoleArn"), "scheduler")


def _of_rule(resource: Resource, operation: Operation) -> Iterator[Need]:
    if operation != "delete":
        for target in resource.properties.get("Targets") or []:
            yield from _pass(target.get("RoleArn"), "events")


def _of_topic_policy(resource: Resource, operation: Operation) -> Iterator[Need]:
    for topic in resource.properties.get("Topics") or []:
        yield Need("sns:SetTopicAttributes", str(topic))


def _of_subscription(resource: Resource, operation: Operation) -> Iterator[Need]:
    if operation == "create":
        yield Need("sns:Subscribe", str(resource.properties["TopicArn"]))
    else:
        yield Need("sns:SetSubscriptionAttributes" if operation == "update" else "sns:Unsubscribe", "*")


def _of_key(resource: Resource, operation: Operation) -> Iterator[Need]:
    requested = {f"aws:RequestTag/{key}": value for key, value in resource.tags.items()}
    if operation == "create":
        yield Need("kms:CreateKey", "*", requested)
        yield Need("kms:TagResource", resource.arn("kms", "key/new"), requested)


def _of_log_group(resource: Resource, operation: Operation) -> Iterator[Need]:
    yield Need("logs:DescribeLogGroups", "*")


def _of_bucket(resource: Resource, operation: Operation) -> Iterator[Need]:
    if operation != "delete":
        yield from _pass((resource.properties.get("ReplicationConfiguration") or {}).get("Role"), "s3")


def _of_pipeline(resource: Resource, operation: Operation) -> Iterator[Need]:
    if operation == "delete":
        return
    yield from _pass(resource.properties.get("RoleArn"), "codepipeline")
    for stage in resource.properties.get("Stages") or []:
        for action in stage.get("Actions") or []:
            if arn := (action.get("Configuration") or {}).get("ConnectionArn"):
                service = str(arn).split(":")[2]
                yield Need(f"{service}:PassConnection", str(arn))


def _of_budget(resource: Resource, operation: Operation) -> Iterator[Need]:
    if operation != "delete":
        yield Need("billing:GetBillingViewData", "*")


def _of_project(resource: Resource, operation: Operation) -> Iterator[Need]:
    if operation != "delete":
        yield from _pass(resource.properties.get("ServiceRole"), "codebuild")


def _role_arn(resource: Resource) -> str:
    path = resource.properties.get("Path") or resource.before.get("Path") or "/"
    return f"arn:aws:iam::{resource.account}:role{path}{resource.name}"


def _function_arn(resource: Resource) -> str:
    name = str(resource.properties.get("FunctionName") or resource.name)
    return name if name.startswith("arn:") else resource.arn("lambda", f"function:{name}")


def _bucket_arn(resource: Resource) -> str:
    return f"arn:aws:s3:::{resource.properties.get('Bucket') or resource.name}"


def _parameter_arn(resource: Resource) -> str:
    return resource.arn("ssm", f"parameter/{resource.name.lstrip('/')}")


def _named(service: str, prefix: str = "") -> Callable[[Resource], str]:
    """Return a function for the ARN of a resource whose physical name is a name or its ARN."""
    return lambda resource: (
        resource.name if resource.name.startswith("arn:") else resource.arn(service, f"{prefix}{resource.name}")
    )


CUSTOM = Kind(
    lambda resource: str(resource.properties.get("ServiceToken", "*")),
    create=("lambda:InvokeFunction",),
    update=("lambda:InvokeFunction",),
    delete=("lambda:InvokeFunction",),
)
KINDS: Mapping[str, Kind] = {
    "AWS::Budgets::Budget": Kind(
        lambda resource: f"arn:aws:budgets::{resource.account}:budget/{resource.name}",
        ("budgets:ModifyBudget", "budgets:TagResource", "budgets:ViewBudget"),
        ("budgets:ModifyBudget", "budgets:TagResource", "budgets:ViewBudget"),
        ("budgets:ModifyBudget",),
        others=_of_budget,
    ),
    "AWS::CE::AnomalyMonitor": Kind(
        lambda resource: "*",
        ("ce:CreateAnomalyMonitor", "ce:TagResource"),
        ("ce:UpdateAnomalyMonitor",),
        ("ce:DeleteAnomalyMonitor",),
    ),
    "AWS::CE::AnomalySubscription": Kind(
        lambda resource: "*",
        ("ce:CreateAnomalySubscription", "ce:TagResource"),
        ("ce:UpdateAnomalySubscription",),
        ("ce:DeleteAnomalySubscription",),
    ),
    "AWS::CloudFormation::CustomResource": CUSTOM,
    "AWS::CloudWatch::Alarm": Kind(
        _named("cloudwatch", "alarm:"),
        ("cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"),
        ("cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"),
        ("cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"),
        tagging="cloudwatch:TagResource",
    ),
    "AWS::CloudWatch::Dashboard": Kind(
        lambda resource: f"arn:aws:cloudwatch::{resource.account}:dashboard/{resource.name}",
        ("cloudwatch:PutDashboard", "cloudwatch:GetDashboard"),
        ("cloudwatch:PutDashboard",),
        ("cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard"),
        tagging="cloudwatch:TagResource",
    ),
    "AWS::CodeBuild::Project": Kind(
        _named("codebuild", "project/"),
        ("codebuild:CreateProject",),
        ("codebuild:UpdateProject",),
        ("codebuild:DeleteProject",),
        others=_of_project,
    ),
    "AWS::CodePipeline::Pipeline": Kind(
        _named("codepipeline"),
        ("codepipeline:CreatePipeline", "codepipeline:GetPipeline", "codepipeline:GetPipelineState"),
        (
            "codepipeline:UpdatePipeline",
            "codepipeline:GetPipeline",
            "codepipeline:GetPipelineState",
            "codepipeline:StartPipelineExecution",
        ),
        ("codepipeline:DeletePipeline", "codepipeline:GetPipeline"),
        tagging="codepipeline:TagResource",
        others=_of_pipeline,
    ),
    "AWS::Events::Rule": Kind(
        _named("events", "rule/"),
        ("events:PutRule", "events:PutTargets", "events:DescribeRule"),
        ("events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:DescribeRule"),
        ("events:DeleteRule", "events:RemoveTargets", "events:ListTargetsByRule", "events:DescribeRule"),
        tagging="events:TagResource",
        others=_of_rule,
    ),
    "AWS::IAM::Policy": Kind(lambda resource: "*", others=_of_policy),
    "AWS::IAM::Role": Kind(
        _role_arn,
        ("iam:GetRole",),
        ("iam:UpdateAssumeRolePolicy", "iam:UpdateRole"),
        (
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:GetRole",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
        ),
        tagging="iam:TagRole",
        others=_of_role,
    ),
    "AWS::KMS::Alias": Kind(
        lambda resource: resource.arn("kms", str(resource.properties.get("AliasName", resource.name))),
        ("kms:CreateAlias",),
        ("kms:UpdateAlias",),
        ("kms:DeleteAlias",),
    ),
    "AWS::KMS::Key": Kind(
        _named("kms", "key/"),
        ("kms:PutKeyPolicy", "kms:EnableKeyRotation", "kms:DescribeKey"),
        ("kms:PutKeyPolicy", "kms:EnableKeyRotation", "kms:UpdateKeyDescription", "kms:DescribeKey"),
        ("kms:DescribeKey", "kms:ScheduleKeyDeletion"),
        others=_of_key,
    ),
    "AWS::Lambda::EventInvokeConfig": Kind(
        _function_arn,
        ("lambda:PutFunctionEventInvokeConfig",),
        ("lambda:UpdateFunctionEventInvokeConfig",),
        ("lambda:DeleteFunctionEventInvokeConfig",),
    ),
    "AWS::Lambda::Function": Kind(
        _function_arn,
        ("lambda:CreateFunction", "lambda:GetFunction"),
        ("lambda:UpdateFunctionConfiguration", "lambda:UpdateFunctionCode", "lambda:GetFunction"),
        ("lambda:DeleteFunction", "lambda:GetFunction"),
        {
            "RecursiveLoop": "lambda:PutFunctionRecursionConfig",
            "ReservedConcurrentExecutions": "lambda:PutFunctionConcurrency",
            "RuntimeManagementConfig": "lambda:PutRuntimeManagementConfig",
        },
        "lambda:TagResource",
        _of_function,
    ),
    "AWS::Lambda::LayerVersion": Kind(
        lambda resource: (
            resource.name
            if resource.name.startswith("arn:")
            else resource.arn("lambda", f"layer:{resource.properties.get('LayerName') or resource.name}")
        ),
        ("lambda:PublishLayerVersion",),
        ("lambda:PublishLayerVersion",),
        ("lambda:DeleteLayerVersion", "lambda:GetLayerVersion"),
        others=_of_layer,
    ),
    "AWS::Lambda::Permission": Kind(
        _function_arn, ("lambda:AddPermission",), ("lambda:AddPermission",), ("lambda:RemovePermission",)
    ),
    "AWS::Logs::LogGroup": Kind(
        _named("logs", "log-group:"),
        ("logs:CreateLogGroup",),
        (),
        ("logs:DeleteLogGroup",),
        {"RetentionInDays": "logs:PutRetentionPolicy"},
        "logs:TagResource",
        _of_log_group,
    ),
    "AWS::S3::Bucket": Kind(
        lambda resource: f"arn:aws:s3:::{resource.name}",
        ("s3:CreateBucket", "s3:ListBucket"),
        ("s3:ListBucket",),
        ("s3:DeleteBucket", "s3:ListBucket"),
        {
            "BucketEncryption": "s3:PutEncryptionConfiguration",
            "LifecycleConfiguration": "s3:PutLifecycleConfiguration",
            "LoggingConfiguration": "s3:PutBucketLogging",
            "NotificationConfiguration": "s3:PutBucketNotification",
            "ObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
            "OwnershipControls": "s3:PutBucketOwnershipControls",
            "PublicAccessBlockConfiguration": "s3:PutBucketPublicAccessBlock",
            "ReplicationConfiguration": "s3:PutReplicationConfiguration",
            "VersioningConfiguration": "s3:PutBucketVersioning",
        },
        "s3:PutBucketTagging",
        _of_bucket,
    ),
    "AWS::S3::BucketPolicy": Kind(
        _bucket_arn,
        ("s3:PutBucketPolicy", "s3:GetBucketPolicy"),
        ("s3:PutBucketPolicy", "s3:GetBucketPolicy"),
        ("s3:DeleteBucketPolicy", "s3:GetBucketPolicy"),
    ),
    "AWS::SES::ConfigurationSet": Kind(
        _named("ses", "configuration-set/"),
        ("ses:CreateConfigurationSet", "ses:GetConfigurationSet"),
        ("ses:PutConfigurationSetSuppressionOptions", "ses:GetConfigurationSet"),
        ("ses:DeleteConfigurationSet",),
        tagging="ses:TagResource",
    ),
    "AWS::SES::ConfigurationSetEventDestination": Kind(
        lambda resource: resource.arn(
            "ses", f"configuration-set/{resource.properties.get('ConfigurationSetName') or resource.name}"
        ),
        ("ses:CreateConfigurationSetEventDestination", "ses:GetConfigurationSetEventDestinations"),
        ("ses:UpdateConfigurationSetEventDestination", "ses:GetConfigurationSetEventDestinations"),
        ("ses:DeleteConfigurationSetEventDestination",),
    ),
    "AWS::SNS::Subscription": Kind(lambda resource: "*", others=_of_subscription),
    "AWS::SNS::Topic": Kind(
        _named("sns"),
        ("sns:CreateTopic", "sns:GetTopicAttributes"),
        ("sns:SetTopicAttributes", "sns:GetTopicAttributes"),
        ("sns:DeleteTopic", "sns:GetTopicAttributes"),
        tagging="sns:TagResource",
    ),
    "AWS::SNS::TopicPolicy": Kind(lambda resource: "*", others=_of_topic_policy),
    "AWS::SSM::Parameter": Kind(
        _parameter_arn,
        ("ssm:PutParameter", "ssm:GetParameters"),
        ("ssm:PutParameter", "ssm:GetParameters"),
        ("ssm:DeleteParameter",),
        tagging="ssm:AddTagsToResource",
    ),
    "AWS::Scheduler::Schedule": Kind(
        _named("scheduler", "schedule/default/"),
        ("scheduler:CreateSchedule", "scheduler:GetSchedule"),
        ("scheduler:UpdateSchedule", "scheduler:GetSchedule"),
        ("scheduler:DeleteSchedule", "scheduler:GetSchedule"),
        others=_of_schedule,
    ),
    "AWS::StepFunctions::StateMachine": Kind(
        _named("states", "stateMachine:"),
        ("states:CreateStateMachine", "states:DescribeStateMachine"),
        ("states:UpdateStateMachine", "states:DescribeStateMachine"),
        ("states:DeleteStateMachine", "states:DescribeStateMachine"),
        tagging="states:TagResource",
        others=_of_machine,
    ),
}
