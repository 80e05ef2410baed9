"""Permissions of callers in the templates: rules, schedules, alarms, destinations, pipeline actions, change sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.stacks.deployed import (
    ACCOUNT,
    REGION,
    Account,
    Body,
    Properties,
    Stack,
    Statement,
    TemplateChange,
    golden_account,
)
from tests.stacks.rules import (
    PIPELINE,
    Rule,
    Violation,
    all_of,
    assert_found,
    remove_resource,
    remove_statement_of_policy,
    remove_statement_of_role,
    set_properties,
    stack_name,
    statements_of_role,
)

EVENTS, SCHEDULER, ALARMS = "events.amazonaws.com", "scheduler.amazonaws.com", "cloudwatch.amazonaws.com"
ALARMS_INVOKE = "lambda.alarms.cloudwatch.amazonaws.com"
BUDGETS, STATES, LAMBDA = "budgets.amazonaws.com", "states.amazonaws.com", "lambda.amazonaws.com"
# By the service in an ARN: the action that a caller needs.
CALL_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "events": "events:PutEvents",
    "states": "states:StartExecution",
}
# Services whose targets allow EventBridge by a resource policy instead of a role (EventBridge user guide).
HAVE_RESOURCE_POLICIES = ("lambda", "sns", "sqs")
AWS_MANAGED_KEY = "alias/aws/sns"
# Services that send no aws:SourceAccount to KMS when they publish (SNS developer guide, key management).
WITHOUT_SOURCE_ACCOUNT = (EVENTS,)
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
JOB_RESULT_ACTIONS = ("codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult")
BUILD_ACTIONS = ("codebuild:StartBuild", "codebuild:BatchGetBuilds")
CONNECTION_PREFIXES = ("codestar-connections", "codeconnections")
SSM_VALUE = "AWS::SSM::Parameter::Value<"
LOG_DELIVERY_ACTIONS = (
    "logs:CreateLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:PutResourcePolicy",
    "logs:DescribeLogGroups",
)


def _service(arn: str) -> str:
    return arn.split(":")[2]


def _trusted_services(account: Account, role_arn: str) -> list[str]:
    found = account.by_arn(role_arn)
    if found is None:
        return []
    trust = found[0].properties(found[1])["AssumeRolePolicyDocument"]["Statement"]
    services = [each["Principal"].get("Service", []) for each in trust if each["Effect"] == "Allow"]
    return [name for each in services for name in ([each] if isinstance(each, str) else each)]


def _resource_policy_allows(account: Account, service: str, action: str, arn: str, source: str) -> bool:
    return any(
        _allows_service(statement, service, action, arn) and _condition_is_met(statement.condition, source)
        for statement in account.statements
    )


def _allows_service(statement: Statement, service: str, action: str, arn: str) -> bool:
    principal = statement.principal.get("Service", []) if isinstance(statement.principal, dict) else []
    services = [principal] if isinstance(principal, str) else principal
    return (
        statement.effect == "Allow"
        and service in services
        and any(fnmatchcase(action, pattern) for pattern in statement.actions)
        and any(fnmatchcase(arn, pattern) for pattern in statement.resources)
    )


def _condition_is_met(condition: Mapping[str, Mapping[str, Any]], source: str) -> bool:
    """Return True if a call from this account for resource `source` meets it; unknown condition keys are never met."""
    known = {"aws:sourcearn": source, "aws:sourceaccount": ACCOUNT}
    for keys in condition.values():
        for key, expected in keys.items():
            patterns = [expected] if isinstance(expected, str) else expected
            if not any(fnmatchcase(known.get(key.lower(), ""), pattern) for pattern in patterns):
                return False
    return True


# --- rules: each yields a message for each call that AWS would refuse


def failure_destinations(account: Account) -> Iterator[str]:
    """Yield destinations that the function's role may not use: Lambda refuses them (PutFunctionEventInvokeConfig)."""
    for stack, logical_id, properties in account.of_type("AWS::Lambda::EventInvokeConfig"):
        _, function = _resource_named(account, "AWS::Lambda::Function", properties["FunctionName"])
        role = function["Role"]
        for configured in properties.get("DestinationConfig", {}).values():
            arn = configured["Destination"]
            action = CALL_ACTIONS[_service(arn)]
            if not account.allows(role, action, arn):
                yield f"{stack.name}/{logical_id}: {role} lacks {action} on {arn}"
            yield from _encryption_problems(account, stack, logical_id, arn, None)


def rule_targets(account: Account) -> Iterator[str]:
    for stack, logical_id, properties in account.of_type("AWS::Events::Rule"):
        source = stack.arn(logical_id)
        for target in properties["Targets"]:
            if _service(target["Arn"]) in HAVE_RESOURCE_POLICIES:
                yield from _service_problems(account, stack, logical_id, EVENTS, target["Arn"], source)
            else:
                yield from _role_problems(account, stack, logical_id, EVENTS, target)


def _service_problems(
    account: Account, stack: Stack, logical_id: str, service: str, arn: str, source: str
) -> Iterator[str]:
    action = CALL_ACTIONS[_service(arn)]
    if not _resource_policy_allows(account, service, action, arn, source):
        yield f"{stack.name}/{logical_id}: no policy of {arn} allows {action} to {service} for {source}"
    yield from _encryption_problems(account, stack, logical_id, arn, service)


def _role_problems(
    account: Account, stack: Stack, logical_id: str, service: str, target: Mapping[str, Any]
) -> Iterator[str]:
    arn, role = target["Arn"], target.get("RoleArn", "no role")
    if service not in _trusted_services(account, role):
        yield f"{stack.name}/{logical_id}: {role} does not trust {service}"
    if not account.allows(role, CALL_ACTIONS[_service(arn)], arn):
        yield f"{stack.name}/{logical_id}: {role} lacks {CALL_ACTIONS[_service(arn)]} on {arn}"


def schedule_targets(account: Account) -> Iterator[str]:
    for stack, logical_id, properties in account.of_type("AWS::Scheduler::Schedule"):
        yield from _role_problems(account, stack, logical_id, SCHEDULER, properties["Target"])


def alarm_actions(account: Account) -> Iterator[str]:
    for stack, logical_id, properties in account.of_type("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for arn in properties.get(name, []):
                service = ALARMS_INVOKE if _service(arn) == "lambda" else ALARMS
                source = stack.arn(logical_id)
                yield from _service_problems(account, stack, logical_id, service, arn, source)


def budget_notifications(account: Account) -> Iterator[str]:
    for stack, logical_id, properties in account.of_type("AWS::Budgets::Budget"):
        for notification in properties.get("NotificationsWithSubscribers", []):
            for subscriber in notification["Subscribers"]:
                if subscriber["SubscriptionType"] == "SNS":
                    source = f"arn:aws:budgets::{ACCOUNT}:budget/{properties['Budget'].get('BudgetName', 'generated')}"
                    yield from _service_problems(account, stack, logical_id, BUDGETS, subscriber["Address"], source)


def _encryption_problems(
    account: Account, stack: Stack, logical_id: str, arn: str, service: str | None
) -> Iterator[str]:
    """Yield a message if the publisher cannot use the key of the topic `arn`.

    The publisher is `service`, or a role if `service` is None.
    """
    found = account.by_arn(arn) if _service(arn) == "sns" else None
    key = found[0].properties(found[1]).get("KmsMasterKeyId") if found else None
    if found is None or key is None or (service is None and key == AWS_MANAGED_KEY):
        return
    location = f"{stack.name}/{logical_id}"
    if key == AWS_MANAGED_KEY:
        yield f"{location}: {service} cannot use {AWS_MANAGED_KEY}, which encrypts {arn}"
        return
    policies = [
        each for each in account.statements if each.location.startswith(f"{found[0].name}/{_key_id(found, key)}")
    ]
    for action in KEY_ACTIONS:
        if service and not any(_service_may_use(each, service, action) for each in policies):
            yield f"{location}: the key of {arn} does not allow {action} to {service}"
        if service is None and not any(_account_may_use(each, action) for each in policies):
            yield f"{location}: the key of {arn} does not allow {action} to publishers of this account"


def _key_id(topic: tuple[Stack, str], key: str) -> str:
    stack, _ = topic
    return next(
        logical_id for logical_id, _ in stack.of_type("AWS::KMS::Key") if stack.physical_name(logical_id) == key
    )


def _service_may_use(statement: Statement, service: str, action: str) -> bool:
    if service in WITHOUT_SOURCE_ACCOUNT and statement.condition:
        return False
    return _allows_service(statement, service, action, "*") and _condition_is_met(statement.condition, "")


def _account_may_use(statement: Statement, action: str) -> bool:
    equals = statement.condition.get("StringEquals", {})
    through_sns = str(equals.get("kms:ViaService", "")).startswith("sns.")
    whole_account = statement.principal == {"AWS": "*"} and equals.get("kms:CallerAccount") == ACCOUNT
    return through_sns and whole_account and any(fnmatchcase(action, pattern) for pattern in statement.actions)


def topics(account: Account) -> Iterator[str]:
    """Yield topics without encryption, without access for services, or with access for services of any account.

    A topic's policy replaces the default one: no service can publish without an Allow statement (AWS re:Post).
    """
    for stack, logical_id, properties in account.of_type("AWS::SNS::Topic"):
        if not properties.get("KmsMasterKeyId"):
            yield f"{stack.name}/{logical_id} is not encrypted"
        for service in (ALARMS, EVENTS, BUDGETS):
            arn = stack.arn(logical_id)
            yield from _service_problems(account, stack, logical_id, service, arn, "")
        yield from _encryption_problems(account, stack, logical_id, stack.arn(logical_id), None)
    for statement in account.statements:
        to_services = isinstance(statement.principal, dict) and "Service" in statement.principal
        of_this_account = statement.condition.get("StringEquals", {}).get("aws:SourceAccount") == ACCOUNT
        if to_services and "sns:Publish" in statement.actions and not of_this_account:
            yield f"{statement.location} allows services to publish for any account"


def workflows(account: Account) -> Iterator[str]:
    """Yield permissions that the state machine's role lacks, to invoke functions and to deliver logs.

    The emulator does not check them.
    """
    for stack, logical_id, properties in account.of_type("AWS::StepFunctions::StateMachine"):
        role, location = properties["RoleArn"], f"{stack.name}/{logical_id}"
        if STATES not in _trusted_services(account, role):
            yield f"{location}: {role} does not trust {STATES}"
        for name in properties.get("DefinitionSubstitutions", {}).values():
            functions = [s.arn(i) for s, i, f in account.of_type("AWS::Lambda::Function") if f["FunctionName"] == name]
            if not functions or not account.allows(role, "lambda:InvokeFunction", functions[0]):
                yield f"{location}: {role} lacks lambda:InvokeFunction on {name}"
        for action in LOG_DELIVERY_ACTIONS if properties.get("LoggingConfiguration") else ():
            if not account.allows(role, action, "*"):
                yield f"{location}: {role} lacks {action}"


def function_roles(account: Account) -> Iterator[str]:
    for stack, logical_id, properties in account.of_type("AWS::Lambda::Function"):
        role, location = properties["Role"], f"{stack.name}/{logical_id}"
        if LAMBDA not in _trusted_services(account, role):
            yield f"{location}: {role} does not trust {LAMBDA}"
        group = properties["LoggingConfig"]["LogGroup"]
        stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:x"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            if not account.allows(role, action, stream):
                yield f"{location}: {role} lacks {action} on {group}"


def actions_of_pipelines(account: Account) -> Iterator[str]:
    for stack, logical_id, properties in account.of_type("AWS::CodePipeline::Pipeline"):
        for stage in properties["Stages"]:
            for action in stage["Actions"]:
                location = f"{stack.name}/{logical_id} {stage['Name']}/{action['Name']}"
                role = action["RoleArn"]
                if not account.allows(properties["RoleArn"], "sts:AssumeRole", role):
                    yield f"{location}: {properties['RoleArn']} lacks sts:AssumeRole on {role}"
                for needed, arn, needing_role in _needed_permissions(account, action):
                    if not account.allows(needing_role, needed, arn):
                        yield f"{location}: {needing_role} lacks {needed} on {arn}"


def _needed_permissions(account: Account, action: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the permissions that a pipeline action needs: IAM action, resource and role."""
    configuration, role = action["Configuration"], action["RoleArn"]
    match action["ActionTypeId"]["Provider"]:
        case "CodeStarSourceConnection":
            for prefix in CONNECTION_PREFIXES:
                yield f"{prefix}:UseConnection", configuration["ConnectionArn"], role
        case "CodeBuild":
            project, _ = _resource_named(account, "AWS::CodeBuild::Project", configuration["ProjectName"])
            for needed in BUILD_ACTIONS:
                yield needed, project, role
        case "Lambda":
            function, properties = _resource_named(account, "AWS::Lambda::Function", configuration["FunctionName"])
            yield "lambda:InvokeFunction", function, role
            for needed in JOB_RESULT_ACTIONS:
                yield needed, "*", properties["Role"]
        case "Manual" if "NotificationArn" in configuration:
            yield "sns:Publish", configuration["NotificationArn"], role
        case "CloudFormation" | "Manual":
            return
        case unknown:
            raise AssertionError(f"tests/stacks/test_destinations.py does not know what {unknown} needs: add it")


def _resource_named(account: Account, resource_type: str, name: str) -> tuple[str, Properties]:
    """Return ARN and properties of the resource with the physical name `name`."""
    return next(
        (stack.arn(logical_id), properties)
        for stack, logical_id, properties in account.of_type(resource_type)
        if stack.physical_name(logical_id) == name
    )


def change_sets(account: Account) -> Iterator[str]:
    """Yield permissions that a role lacks to create change sets: to read a stack's parameters, and to pass a role.

    The deploy role of the CDK bootstrap template has both.
    """
    for role, stack in _changed_stacks(account):
        for name, parameter in stack.body.get("Parameters", {}).items():
            arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{parameter['Default']}"
            if parameter["Type"].startswith(SSM_VALUE) and not account.allows(role, "ssm:GetParameters", arn):
                yield f"{role} creates change sets of {stack.name} and lacks ssm:GetParameters on its parameter {name}"
        passes = [e for e in account.statements if "iam:PassRole" in e.actions and _belongs_to(account, e, role)]
        to = [e.condition.get("StringEquals", {}).get("iam:PassedToService") for e in passes]
        if "cloudformation.amazonaws.com" not in to:
            yield f"{role} creates change sets of {stack.name} and cannot pass a role to CloudFormation"


def _changed_stacks(account: Account) -> Iterator[tuple[str, Stack]]:
    for owner, logical_id, _ in account.of_type("AWS::IAM::Role"):
        role = owner.arn(logical_id)
        for stack in account.stacks:
            arn = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack.name}/id"
            if account.allows(role, "cloudformation:CreateChangeSet", arn):
                yield role, stack


def _belongs_to(account: Account, statement: Statement, role_arn: str) -> bool:
    found = account.by_arn(role_arn)
    return found is not None and f"{found[0].name}/{found[1]}" in statement.roles


def tags_of_functions(account: Account) -> Iterator[str]:
    """Yield statements by which GetFunction returns no tags (GetFunction, API reference)."""
    for statement in account.statements:
        if "lambda:GetFunction" in statement.actions and "lambda:ListTags" not in statement.actions:
            yield f"{statement.location} allows lambda:GetFunction without lambda:ListTags"


RULES = (
    failure_destinations,
    rule_targets,
    schedule_targets,
    alarm_actions,
    budget_notifications,
    topics,
    workflows,
    function_roles,
    actions_of_pipelines,
    change_sets,
    tags_of_functions,
)


@pytest.mark.parametrize("rule", RULES)
def test_every_caller_has_the_permissions_that_its_calls_need(rule: Rule) -> None:
    assert list(rule(golden_account())) == []


# --- templates that break each rule

OPERATIONS, RUNTIME, IAM = (stack_name(layer, "stage") for layer in ("s0-operations", "s1-runtime", "s0-iam"))


def _add_budget(bodies: dict[str, Body]) -> None:
    subscriber = {"SubscriptionType": "SNS", "Address": {"Ref": "OperationsTopic"}}
    properties = {"Budget": {"BudgetName": "b"}, "NotificationsWithSubscribers": [{"Subscribers": [subscriber]}]}
    bodies[OPERATIONS]["Resources"]["Budget"] = {"Type": "AWS::Budgets::Budget", "Properties": properties}


def _add_alarm(bodies: dict[str, Body]) -> None:
    properties = {"AlarmName": "a", "AlarmActions": [{"Ref": "OperationsTopic"}]}
    bodies[OPERATIONS]["Resources"]["Alarm"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def _add_destination(bodies: dict[str, Body]) -> None:
    on_failure = {"OnFailure": {"Destination": {"Ref": "OperationsTopic"}}}
    properties = {"FunctionName": {"Ref": "SmokeTestFunction"}, "DestinationConfig": on_failure}
    bodies[OPERATIONS]["Resources"]["Failures"] = {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": properties}


def _send_failures_to_the_topic(bodies: dict[str, Body]) -> None:
    bodies[OPERATIONS]["Resources"]["DeploymentFailed"]["Properties"]["Targets"][0]["Arn"] = {"Ref": "OperationsTopic"}


def _send_failures_to_the_workflow(bodies: dict[str, Body]) -> None:
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:vectora-inbox-newsletter-stage"
    target = bodies[OPERATIONS]["Resources"]["DeploymentFailed"]["Properties"]["Targets"][0]
    target.update(Arn=arn, RoleArn={"Fn::GetAtt": ["SnapshotScheduleRole", "Arn"]})


def _remove_action_from_pipeline_roles(action: str) -> TemplateChange:
    def change(bodies: dict[str, Body]) -> None:
        for document in _policies_of_pipeline_roles(bodies):
            for statement in document["Statement"]:
                actions = statement["Action"]
                listed = [actions] if isinstance(actions, str) else actions
                statement["Action"] = [each for each in listed if each != action] or ["sts:GetCallerIdentity"]

    return change


def _policies_of_pipeline_roles(bodies: dict[str, Body]) -> Iterator[Properties]:
    for resource in bodies[PIPELINE]["Resources"].values():
        properties = resource["Properties"]
        yield from (each["PolicyDocument"] for each in properties.get("Policies", []))
        if resource["Type"] == "AWS::IAM::Policy":
            yield properties["PolicyDocument"]


def _read_functions_without_tags(bodies: dict[str, Body]) -> None:
    statements = statements_of_role(bodies, OPERATIONS, "SnapshotRole")
    [read] = [each for each in statements if each["Sid"] == "ReadFunctions"]
    assert read["Action"] == ["lambda:GetFunction", "lambda:ListTags"]
    read["Action"] = ["lambda:GetFunction"]


def _allow_publishing_for_any_account(bodies: dict[str, Body]) -> None:
    policy = bodies[PIPELINE]["Resources"]["PipelineTopicPolicy"]["Properties"]["PolicyDocument"]
    _, allow_services = policy["Statement"]
    del allow_services["Condition"]


SERVICES_MAY_NOT_PUBLISH = remove_statement_of_policy(OPERATIONS, "OperationsTopicPolicy", "AllowServicesOfThisAccount")


def _forbid_key(sid: str) -> TemplateChange:
    return remove_statement_of_policy(OPERATIONS, "OperationsTopicKey", sid, property_name="KeyPolicy")


def _daily_snapshot(function: str, *, role: str) -> TemplateChange:
    target = {"Arn": {"Fn::GetAtt": [function, "Arn"]}, "RoleArn": {"Fn::GetAtt": [role, "Arn"]}}
    return set_properties(OPERATIONS, "DailySnapshot", Target=target)


VIOLATIONS_OF_EVENT_SOURCES = {
    "a destination that the function's role may not use": Violation(
        failure_destinations,
        all_of(_add_destination, remove_statement_of_role(OPERATIONS, "SmokeTestRole", "TellOperators")),
        "smoke-test-role-stage lacks sns:Publish on arn:aws:sns",
    ),
    "a destination whose key publishers may not use": Violation(
        failure_destinations,
        all_of(_add_destination, _forbid_key("AllowPublishersOfThisAccount")),
        "does not allow kms:GenerateDataKey to publishers of this account",
    ),
    "a rule that no permission allows to invoke its function": Violation(
        rule_targets,
        remove_resource(OPERATIONS, "DeploymentFailedPermission"),
        "allows lambda:InvokeFunction to events.amazonaws.com",
    ),
    "a permission for another rule": Violation(
        rule_targets,
        set_properties(OPERATIONS, "DeploymentFailedPermission", SourceArn=f"arn:aws:events:{REGION}:{ACCOUNT}:rule/x"),
        "DeploymentFailed: no policy of",
    ),
    "a rule that may not publish to its topic": Violation(
        rule_targets,
        all_of(_send_failures_to_the_topic, SERVICES_MAY_NOT_PUBLISH),
        "allows sns:Publish to events.amazonaws.com",
    ),
    "a rule whose topic is encrypted with the AWS managed key": Violation(
        rule_targets,
        all_of(
            _send_failures_to_the_topic, set_properties(OPERATIONS, "OperationsTopic", KmsMasterKeyId=AWS_MANAGED_KEY)
        ),
        "events.amazonaws.com cannot use alias/aws/sns",
    ),
    "a rule with a role that EventBridge cannot assume": Violation(
        rule_targets,
        _send_failures_to_the_workflow,
        "does not trust events.amazonaws.com",
    ),
    "a schedule whose role may not invoke its function": Violation(
        schedule_targets,
        _daily_snapshot("RollbackFunction", role="SnapshotScheduleRole"),
        "snapshot-schedule-role-stage lacks lambda:InvokeFunction on",
    ),
    "a schedule with a role that Scheduler cannot assume": Violation(
        schedule_targets,
        _daily_snapshot("SnapshotFunction", role="SnapshotRole"),
        "does not trust scheduler.amazonaws.com",
    ),
    "an alarm that may not publish to its topic": Violation(
        alarm_actions,
        all_of(_add_alarm, SERVICES_MAY_NOT_PUBLISH),
        "allows sns:Publish to cloudwatch.amazonaws.com",
    ),
    "an alarm that may not use its topic's key": Violation(
        alarm_actions,
        all_of(_add_alarm, _forbid_key("AllowService1")),
        "does not allow kms:Decrypt to cloudwatch.amazonaws.com",
    ),
    "a budget that may not publish to its topic": Violation(
        budget_notifications,
        all_of(_add_budget, SERVICES_MAY_NOT_PUBLISH),
        "allows sns:Publish to budgets.amazonaws.com",
    ),
}
VIOLATIONS_OF_TOPICS_AND_ROLES = {
    "a topic whose policy has Deny statements only": Violation(
        topics,
        remove_statement_of_policy(PIPELINE, "PipelineTopicPolicy", "AllowServicesOfThisAccount"),
        "allows sns:Publish to cloudwatch.amazonaws.com",
    ),
    "a topic that is not encrypted": Violation(
        topics,
        lambda bodies: bodies[PIPELINE]["Resources"]["PipelineTopic"]["Properties"].pop("KmsMasterKeyId"),
        "PipelineTopic is not encrypted",
    ),
    "a topic to which services publish for any account": Violation(
        topics,
        _allow_publishing_for_any_account,
        "allows services to publish for any account",
    ),
    "a workflow that may not invoke its functions": Violation(
        workflows,
        remove_statement_of_role(IAM, "WorkflowRole", "InvokeEngine"),
        "lacks lambda:InvokeFunction on vectora-inbox-ingest-v2-stage",
    ),
    "a workflow that may not deliver logs": Violation(
        workflows,
        remove_statement_of_role(IAM, "WorkflowRole", "DeliverLogs"),
        "lacks logs:CreateLogDelivery",
    ),
    "a function that may not write its log": Violation(
        function_roles,
        remove_statement_of_role(OPERATIONS, "SnapshotRole", "WriteLogs"),
        "lacks logs:CreateLogStream on /aws/lambda/vectora-inbox-snapshot-stage",
    ),
    "a rollback that may not read the parameters of a stack": Violation(
        change_sets,
        remove_statement_of_role(OPERATIONS, "RollbackRole", "ReadParametersOfStacks"),
        "lacks ssm:GetParameters on its parameter NewsletterV2RoleParameter",
    ),
    "a rollback that may not pass a role": Violation(
        change_sets,
        remove_statement_of_role(OPERATIONS, "RollbackRole", "LetCloudFormationWork"),
        "cannot pass a role to CloudFormation",
    ),
    "functions that are read without their tags": Violation(
        tags_of_functions,
        _read_functions_without_tags,
        "SnapshotRole ReadFunctions allows lambda:GetFunction without lambda:ListTags",
    ),
}
VIOLATIONS_OF_PIPELINE_ACTIONS = {
    "a source that uses the connection by its old prefix only": Violation(
        actions_of_pipelines,
        _remove_action_from_pipeline_roles("codeconnections:UseConnection"),
        "lacks codeconnections:UseConnection on",
    ),
    "a source that uses the connection by its new prefix only": Violation(
        actions_of_pipelines,
        _remove_action_from_pipeline_roles("codestar-connections:UseConnection"),
        "lacks codestar-connections:UseConnection on",
    ),
    "a function that may not return a job's result": Violation(
        actions_of_pipelines,
        remove_statement_of_role(OPERATIONS, "SmokeTestRole", "AnswerPipeline"),
        "lacks codepipeline:PutJobSuccessResult",
    ),
    "an action that may not invoke its function": Violation(
        actions_of_pipelines,
        _remove_action_from_pipeline_roles("lambda:InvokeFunction"),
        "lacks lambda:InvokeFunction on",
    ),
    "an approval that may not publish": Violation(
        actions_of_pipelines,
        _remove_action_from_pipeline_roles("sns:Publish"),
        "prod/approval-prod",
    ),
    "a build that may not start": Violation(
        actions_of_pipelines,
        _remove_action_from_pipeline_roles("codebuild:StartBuild"),
        "lacks codebuild:StartBuild on",
    ),
}
VIOLATIONS = {**VIOLATIONS_OF_EVENT_SOURCES, **VIOLATIONS_OF_TOPICS_AND_ROLES, **VIOLATIONS_OF_PIPELINE_ACTIONS}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_call_without_permission_is_found(name: str) -> None:
    assert_found(VIOLATIONS[name])


def test_each_rule_has_resources_to_check() -> None:
    account = golden_account()
    assert len(list(_changed_stacks(account))) == 3 * 5, "each rollback changes the other five stacks"
    for resource_type in (
        "AWS::Events::Rule",
        "AWS::Scheduler::Schedule",
        "AWS::SNS::Topic",
        "AWS::StepFunctions::StateMachine",
    ):
        assert any(account.of_type(resource_type)), resource_type
