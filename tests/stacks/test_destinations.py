"""Callers in a template may call their targets: rules, schedules, alarms, destinations, actions, change sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.stacks.deployed import ACCOUNT, Account, Body, Stack, Statement, golden_account

EVENTS, SCHEDULER, ALARMS = "events.amazonaws.com", "scheduler.amazonaws.com", "cloudwatch.amazonaws.com"
ALARMS_INVOKE = "lambda.alarms.cloudwatch.amazonaws.com"
BUDGETS, STATES, LAMBDA = "budgets.amazonaws.com", "states.amazonaws.com", "lambda.amazonaws.com"
# By the service in an ARN: what it takes to send something there.
SENDING = {
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "events": "events:PutEvents",
    "states": "states:StartExecution",
}
# Services whose targets decide by a policy of their own, not by a role (EventBridge user guide).
DECIDE_THEMSELVES = ("lambda", "sns", "sqs")
KEY_OF_AWS = "alias/aws/sns"
# Services that do not tell KMS for which account they publish (SNS developer guide, key management).
WITHOUT_SOURCE_ACCOUNT = (EVENTS,)
USE_KEY = ("kms:Decrypt", "kms:GenerateDataKey")
ANSWER_JOBS = ("codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult")
RUN_BUILDS = ("codebuild:StartBuild", "codebuild:BatchGetBuilds")
CONNECTION_PREFIXES = ("codestar-connections", "codeconnections")
SSM_VALUE = "AWS::SSM::Parameter::Value<"
DELIVER_LOGS = ("logs:CreateLogDelivery", "logs:UpdateLogDelivery", "logs:PutResourcePolicy", "logs:DescribeLogGroups")


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
        _is_for(statement, service, action, arn) and _lets_through(statement.condition, source)
        for statement in account.statements
    )


def _is_for(statement: Statement, service: str, action: str, arn: str) -> bool:
    principal = statement.principal.get("Service", []) if isinstance(statement.principal, dict) else []
    services = [principal] if isinstance(principal, str) else principal
    return (
        statement.effect == "Allow"
        and service in services
        and any(fnmatchcase(action, pattern) for pattern in statement.actions)
        and any(fnmatchcase(arn, pattern) for pattern in statement.resources)
    )


def _lets_through(condition: Mapping[str, Mapping[str, Any]], source: str) -> bool:
    """Whether a call of this account for the resource `source` fits; other conditions never do."""
    known = {"aws:sourcearn": source, "aws:sourceaccount": ACCOUNT}
    for keys in condition.values():
        for key, expected in keys.items():
            patterns = [expected] if isinstance(expected, str) else expected
            if not any(fnmatchcase(known.get(key.lower(), ""), pattern) for pattern in patterns):
                return False
    return True


# --- rules: each gives a sentence for every caller that AWS would refuse


def failure_destinations(account: Account) -> Iterator[str]:
    """Lambda refuses a destination that the function's role may not use (PutFunctionEventInvokeConfig)."""
    for stack, logical_id, found in account.of_type("AWS::Lambda::EventInvokeConfig"):
        role = _role_of_function(account, found["FunctionName"])
        for kind in found.get("DestinationConfig", {}).values():
            action = SENDING[_service(kind["Destination"])]
            if not account.allows(role, action, kind["Destination"]):
                yield f"{stack.name}/{logical_id}: {role} lacks {action} on {kind['Destination']}"
            yield from _encrypted(account, stack, logical_id, kind["Destination"], None)


def _role_of_function(account: Account, name: str) -> str:
    for _, _, found in account.of_type("AWS::Lambda::Function"):
        if found["FunctionName"] == name:
            return str(found["Role"])
    raise AssertionError(f"no template has a function {name}")


def rule_targets(account: Account) -> Iterator[str]:
    for stack, logical_id, found in account.of_type("AWS::Events::Rule"):
        source = stack.arn(logical_id)
        for target in found["Targets"]:
            if _service(target["Arn"]) in DECIDE_THEMSELVES:
                yield from _called_by_service(account, stack, logical_id, EVENTS, target["Arn"], source)
            else:
                yield from _called_by_role(account, stack, logical_id, EVENTS, target)


def _called_by_service(
    account: Account, stack: Stack, logical_id: str, service: str, arn: str, source: str
) -> Iterator[str]:
    action = SENDING[_service(arn)]
    if not _resource_policy_allows(account, service, action, arn, source):
        yield f"{stack.name}/{logical_id}: no policy of {arn} lets {service} do {action} for {source}"
    yield from _encrypted(account, stack, logical_id, arn, service)


def _called_by_role(
    account: Account, stack: Stack, logical_id: str, service: str, target: Mapping[str, Any]
) -> Iterator[str]:
    arn, role = target["Arn"], target.get("RoleArn", "no role")
    if service not in _trusted_services(account, role):
        yield f"{stack.name}/{logical_id}: {role} does not trust {service}"
    if not account.allows(role, SENDING[_service(arn)], arn):
        yield f"{stack.name}/{logical_id}: {role} lacks {SENDING[_service(arn)]} on {arn}"


def schedule_targets(account: Account) -> Iterator[str]:
    for stack, logical_id, found in account.of_type("AWS::Scheduler::Schedule"):
        yield from _called_by_role(account, stack, logical_id, SCHEDULER, found["Target"])


def alarm_actions(account: Account) -> Iterator[str]:
    for stack, logical_id, found in account.of_type("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for arn in found.get(name, []):
                service = ALARMS_INVOKE if _service(arn) == "lambda" else ALARMS
                source = stack.arn(logical_id)
                yield from _called_by_service(account, stack, logical_id, service, arn, source)


def budget_notifications(account: Account) -> Iterator[str]:
    for stack, logical_id, found in account.of_type("AWS::Budgets::Budget"):
        for notification in found.get("NotificationsWithSubscribers", []):
            for subscriber in notification["Subscribers"]:
                if subscriber["SubscriptionType"] == "SNS":
                    source = f"arn:aws:budgets::{ACCOUNT}:budget/{found['Budget']['BudgetName']}"
                    yield from _called_by_service(account, stack, logical_id, BUDGETS, subscriber["Address"], source)


def _encrypted(account: Account, stack: Stack, logical_id: str, arn: str, service: str | None) -> Iterator[str]:
    """Sentences on an encrypted topic whose key a publisher cannot use: `service`, or a role when that is None."""
    found = account.by_arn(arn) if _service(arn) == "sns" else None
    key = found[0].properties(found[1]).get("KmsMasterKeyId") if found else None
    if found is None or key is None or (service is None and key == KEY_OF_AWS):
        return
    place = f"{stack.name}/{logical_id}"
    if key == KEY_OF_AWS:
        yield f"{place}: {service} cannot use {KEY_OF_AWS}, by which {arn} is encrypted"
        return
    policies = [each for each in account.statements if each.place.startswith(f"{found[0].name}/{_key_id(found, key)}")]
    for action in USE_KEY:
        if service and not any(_service_may_use(each, service, action) for each in policies):
            yield f"{place}: the key of {arn} does not let {service} do {action}"
        if service is None and not any(_account_may_use(each, action) for each in policies):
            yield f"{place}: the key of {arn} does not let publishers of this account do {action}"


def _key_id(topic: tuple[Stack, str], key: str) -> str:
    stack, _ = topic
    return next(
        logical_id for logical_id, _ in stack.of_type("AWS::KMS::Key") if stack.physical_name(logical_id) == key
    )


def _service_may_use(statement: Statement, service: str, action: str) -> bool:
    if service in WITHOUT_SOURCE_ACCOUNT and statement.condition:
        return False
    return _is_for(statement, service, action, "*") and _lets_through(statement.condition, "")


def _account_may_use(statement: Statement, action: str) -> bool:
    equals = statement.condition.get("StringEquals", {})
    through_sns = str(equals.get("kms:ViaService", "")).startswith("sns.")
    whole_account = statement.principal == {"AWS": "*"} and equals.get("kms:CallerAccount") == ACCOUNT
    return through_sns and whole_account and any(fnmatchcase(action, pattern) for pattern in statement.actions)


def topics(account: Account) -> Iterator[str]:
    """A topic's policy replaces SNS's own: without an Allow no service publishes (AWS re:Post)."""
    for stack, logical_id, found in account.of_type("AWS::SNS::Topic"):
        if not found.get("KmsMasterKeyId"):
            yield f"{stack.name}/{logical_id} is not encrypted"
        for service in (ALARMS, EVENTS, BUDGETS):
            arn = stack.arn(logical_id)
            yield from _called_by_service(account, stack, logical_id, service, arn, "")
        yield from _encrypted(account, stack, logical_id, stack.arn(logical_id), None)
    for statement in account.statements:
        to_services = isinstance(statement.principal, dict) and "Service" in statement.principal
        of_this_account = statement.condition.get("StringEquals", {}).get("aws:SourceAccount") == ACCOUNT
        if to_services and "sns:Publish" in statement.actions and not of_this_account:
            yield f"{statement.place} lets services publish for any account"


def workflows(account: Account) -> Iterator[str]:
    """Step Functions invokes and logs with the machine's role; the emulator does not check it."""
    for stack, logical_id, found in account.of_type("AWS::StepFunctions::StateMachine"):
        role, place = found["RoleArn"], f"{stack.name}/{logical_id}"
        if STATES not in _trusted_services(account, role):
            yield f"{place}: {role} does not trust {STATES}"
        for name in found.get("DefinitionSubstitutions", {}).values():
            functions = [s.arn(i) for s, i, f in account.of_type("AWS::Lambda::Function") if f["FunctionName"] == name]
            if not functions or not account.allows(role, "lambda:InvokeFunction", functions[0]):
                yield f"{place}: {role} lacks lambda:InvokeFunction on {name}"
        for action in DELIVER_LOGS if found.get("LoggingConfiguration") else ():
            if not account.allows(role, action, "*"):
                yield f"{place}: {role} lacks {action}"


def functions(account: Account) -> Iterator[str]:
    for stack, logical_id, found in account.of_type("AWS::Lambda::Function"):
        role, place = found["Role"], f"{stack.name}/{logical_id}"
        if LAMBDA not in _trusted_services(account, role):
            yield f"{place}: {role} does not trust {LAMBDA}"
        group = found["LoggingConfig"]["LogGroup"]
        stream = f"arn:aws:logs:eu-west-3:{ACCOUNT}:log-group:{group}:log-stream:x"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            if not account.allows(role, action, stream):
                yield f"{place}: {role} lacks {action} on {group}"


def actions_of_pipelines(account: Account) -> Iterator[str]:
    for stack, logical_id, found in account.of_type("AWS::CodePipeline::Pipeline"):
        for stage in found["Stages"]:
            for action in stage["Actions"]:
                place = f"{stack.name}/{logical_id} {stage['Name']}/{action['Name']}"
                role = action["RoleArn"]
                if not account.allows(found["RoleArn"], "sts:AssumeRole", role):
                    yield f"{place}: {found['RoleArn']} lacks sts:AssumeRole on {role}"
                for needed, arn, who in _needs(account, action):
                    if not account.allows(who, needed, arn):
                        yield f"{place}: {who} lacks {needed} on {arn}"


def _needs(account: Account, action: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Actions on resources that somebody must be allowed for an action of a pipeline to work."""
    configuration, role = action["Configuration"], action["RoleArn"]
    match action["ActionTypeId"]["Provider"]:
        case "CodeStarSourceConnection":
            for prefix in CONNECTION_PREFIXES:
                yield f"{prefix}:UseConnection", configuration["ConnectionArn"], role
        case "CodeBuild":
            project = next(
                s.arn(i) for s, i, _ in account.of_type("AWS::CodeBuild::Project")
                if s.physical_name(i) == configuration["ProjectName"]
            )  # fmt: skip
            for needed in RUN_BUILDS:
                yield needed, project, role
        case "Lambda":
            name = configuration["FunctionName"]
            stack, logical_id = next(
                (s, i) for s, i, f in account.of_type("AWS::Lambda::Function") if f["FunctionName"] == name
            )
            yield "lambda:InvokeFunction", stack.arn(logical_id), role
            for needed in ANSWER_JOBS:
                yield needed, "*", stack.properties(logical_id)["Role"]
        case "Manual" if "NotificationArn" in configuration:
            yield "sns:Publish", configuration["NotificationArn"], role
        case "CloudFormation" | "Manual":
            return
        case unknown:
            raise AssertionError(f"tests/stacks/test_destinations.py does not know what {unknown} needs: add it")


def change_sets(account: Account) -> Iterator[str]:
    """Who creates change sets reads the parameters of the stack, and passes a role (CDK bootstrap template)."""
    for role, stack in _changed_stacks(account):
        for name, parameter in stack.body.get("Parameters", {}).items():
            arn = f"arn:aws:ssm:eu-west-3:{ACCOUNT}:parameter{parameter['Default']}"
            if parameter["Type"].startswith(SSM_VALUE) and not account.allows(role, "ssm:GetParameters", arn):
                yield f"{role} creates change sets of {stack.name} and lacks ssm:GetParameters on its parameter {name}"
        passes = [e for e in account.statements if "iam:PassRole" in e.actions and _belongs_to(account, e, role)]
        to = [e.condition.get("StringEquals", {}).get("iam:PassedToService") for e in passes]
        if "cloudformation.amazonaws.com" not in to:
            yield f"{role} creates change sets of {stack.name} and may pass CloudFormation no role"


def _changed_stacks(account: Account) -> Iterator[tuple[str, Stack]]:
    for owner, logical_id, _ in account.of_type("AWS::IAM::Role"):
        role = owner.arn(logical_id)
        for stack in account.stacks:
            arn = f"arn:aws:cloudformation:eu-west-3:{ACCOUNT}:stack/{stack.name}/id"
            if account.allows(role, "cloudformation:CreateChangeSet", arn):
                yield role, stack


def _belongs_to(account: Account, statement: Statement, role_arn: str) -> bool:
    found = account.by_arn(role_arn)
    return found is not None and f"{found[0].name}/{found[1]}" in statement.roles


def tags_of_functions(account: Account) -> Iterator[str]:
    """GetFunction leaves the tags out for whoever may not list them (GetFunction, API reference)."""
    for statement in account.statements:
        if "lambda:GetFunction" in statement.actions and "lambda:ListTags" not in statement.actions:
            yield f"{statement.place} reads functions without their tags"


RULES = (
    failure_destinations,
    rule_targets,
    schedule_targets,
    alarm_actions,
    budget_notifications,
    topics,
    workflows,
    functions,
    actions_of_pipelines,
    change_sets,
    tags_of_functions,
)


@pytest.mark.parametrize("rule", RULES)
def test_whatever_calls_something_may_call_it(rule: Callable[[Account], Iterator[str]]) -> None:
    assert list(rule(golden_account())) == []


# --- each rule refuses what it is for

OPERATIONS, RUNTIME, IAM = (f"vectora-inbox-{layer}-stage" for layer in ("s0-operations", "s1-runtime", "s0-iam"))
DELIVERY = "vectora-inbox-pipeline"
Damage = Callable[[dict[str, Body]], None]


def _role_without(stack: str, role: str, sid: str) -> Damage:
    def damage(bodies: dict[str, Body]) -> None:
        [policy] = bodies[stack]["Resources"][role]["Properties"]["Policies"]
        statements = policy["PolicyDocument"]["Statement"]
        assert any(each["Sid"] == sid for each in statements)
        policy["PolicyDocument"]["Statement"] = [each for each in statements if each["Sid"] != sid]

    return damage


def _without(stack: str, logical_id: str) -> Damage:
    return lambda bodies: bodies[stack]["Resources"].pop(logical_id)


def _set(stack: str, logical_id: str, **properties: Any) -> Damage:
    return lambda bodies: bodies[stack]["Resources"][logical_id]["Properties"].update(properties)


def _policy_without(stack: str, logical_id: str, sid: str, name: str = "PolicyDocument") -> Damage:
    def damage(bodies: dict[str, Body]) -> None:
        document = bodies[stack]["Resources"][logical_id]["Properties"][name]
        assert any(each["Sid"] == sid for each in document["Statement"])
        document["Statement"] = [each for each in document["Statement"] if each["Sid"] != sid]

    return damage


def _all(*damages: Damage) -> Damage:
    def damage(bodies: dict[str, Body]) -> None:
        for each in damages:
            each(bodies)

    return damage


def _budget(bodies: dict[str, Body]) -> None:
    subscriber = {"SubscriptionType": "SNS", "Address": {"Ref": "OperationsTopic"}}
    properties = {"Budget": {"BudgetName": "b"}, "NotificationsWithSubscribers": [{"Subscribers": [subscriber]}]}
    bodies[OPERATIONS]["Resources"]["Budget"] = {"Type": "AWS::Budgets::Budget", "Properties": properties}


def _alarm(bodies: dict[str, Body]) -> None:
    properties = {"AlarmName": "a", "AlarmActions": [{"Ref": "OperationsTopic"}]}
    bodies[OPERATIONS]["Resources"]["Alarm"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def _destination(bodies: dict[str, Body]) -> None:
    on_failure = {"OnFailure": {"Destination": {"Ref": "OperationsTopic"}}}
    properties = {"FunctionName": {"Ref": "SmokeTestFunction"}, "DestinationConfig": on_failure}
    bodies[OPERATIONS]["Resources"]["Failures"] = {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": properties}


def _to_topic(bodies: dict[str, Body]) -> None:
    bodies[OPERATIONS]["Resources"]["DeploymentFailed"]["Properties"]["Targets"][0]["Arn"] = {"Ref": "OperationsTopic"}


def _to_workflow(bodies: dict[str, Body]) -> None:
    arn = f"arn:aws:states:eu-west-3:{ACCOUNT}:stateMachine:vectora-inbox-newsletter-stage"
    target = bodies[OPERATIONS]["Resources"]["DeploymentFailed"]["Properties"]["Targets"][0]
    target.update(Arn=arn, RoleArn={"Fn::GetAtt": ["SnapshotScheduleRole", "Arn"]})


def _pipelines_role_without(action: str) -> Damage:
    """Of all that the roles of the pipeline may do."""

    def damage(bodies: dict[str, Body]) -> None:
        for resource in bodies[DELIVERY]["Resources"].values():
            properties = resource["Properties"]
            inline = [each["PolicyDocument"] for each in properties.get("Policies", [])]
            for document in [
                *inline,
                *([properties["PolicyDocument"]] if resource["Type"] == "AWS::IAM::Policy" else []),
            ]:
                for statement in document["Statement"]:
                    actions = statement["Action"]
                    listed = [actions] if isinstance(actions, str) else actions
                    statement["Action"] = [each for each in listed if each != action] or ["sts:GetCallerIdentity"]

    return damage


DAMAGE: dict[str, tuple[Callable[[Account], Iterator[str]], Damage, str]] = {
    "a destination that the role may not use": (
        failure_destinations,
        _all(_destination, _role_without(OPERATIONS, "SmokeTestRole", "TellOperators")),
        "smoke-test-stage lacks sns:Publish on arn:aws:sns",
    ),
    "a destination whose key publishers may not use": (
        failure_destinations,
        _all(
            _destination, _policy_without(OPERATIONS, "OperationsTopicKey", "AllowPublishersOfThisAccount", "KeyPolicy")
        ),
        "does not let publishers of this account do kms:GenerateDataKey",
    ),
    "a rule without a permission of its function": (
        rule_targets,
        _without(OPERATIONS, "DeploymentFailedPermission"),
        "lets events.amazonaws.com do lambda:InvokeFunction",
    ),
    "a permission for another rule": (
        rule_targets,
        _set(OPERATIONS, "DeploymentFailedPermission", SourceArn="arn:aws:events:eu-west-3:111111111111:rule/x"),
        "DeploymentFailed: no policy of",
    ),
    "a rule on a topic that locks it out": (
        rule_targets,
        _all(_to_topic, _policy_without(OPERATIONS, "OperationsTopicPolicy", "AllowServicesOfThisAccount")),
        "lets events.amazonaws.com do sns:Publish",
    ),
    "a rule on a topic with AWS's key": (
        rule_targets,
        _all(_to_topic, _set(OPERATIONS, "OperationsTopic", KmsMasterKeyId=KEY_OF_AWS)),
        "events.amazonaws.com cannot use alias/aws/sns",
    ),
    "a rule with the role of somebody else": (rule_targets, _to_workflow, "does not trust events.amazonaws.com"),
    "a schedule whose role may not call": (
        schedule_targets,
        _set(
            OPERATIONS,
            "DailySnapshot",
            Target={
                "Arn": {"Fn::GetAtt": ["RollbackFunction", "Arn"]},
                "RoleArn": {"Fn::GetAtt": ["SnapshotScheduleRole", "Arn"]},
            },
        ),
        "snapshot-schedule-stage lacks lambda:InvokeFunction on",
    ),
    "a schedule with a role of Lambda's": (
        schedule_targets,
        _set(
            OPERATIONS,
            "DailySnapshot",
            Target={
                "Arn": {"Fn::GetAtt": ["SnapshotFunction", "Arn"]},
                "RoleArn": {"Fn::GetAtt": ["SnapshotRole", "Arn"]},
            },
        ),
        "does not trust scheduler.amazonaws.com",
    ),
    "an alarm on a topic that locks it out": (
        alarm_actions,
        _all(_alarm, _policy_without(OPERATIONS, "OperationsTopicPolicy", "AllowServicesOfThisAccount")),
        "lets cloudwatch.amazonaws.com do sns:Publish",
    ),
    "an alarm that may not use the key": (
        alarm_actions,
        _all(_alarm, _policy_without(OPERATIONS, "OperationsTopicKey", "AllowService1", "KeyPolicy")),
        "does not let cloudwatch.amazonaws.com do kms:Decrypt",
    ),
    "a budget on a topic that locks it out": (
        budget_notifications,
        _all(_budget, _policy_without(OPERATIONS, "OperationsTopicPolicy", "AllowServicesOfThisAccount")),
        "lets budgets.amazonaws.com do sns:Publish",
    ),
    "a topic that only denies": (
        topics,
        _policy_without(DELIVERY, "PipelineTopicPolicy", "AllowServicesOfThisAccount"),
        "lets cloudwatch.amazonaws.com do sns:Publish",
    ),
    "a topic that is not encrypted": (
        topics,
        lambda bodies: bodies[DELIVERY]["Resources"]["PipelineTopic"]["Properties"].pop("KmsMasterKeyId"),
        "PipelineTopic is not encrypted",
    ),
    "a topic that services of any account may use": (
        topics,
        lambda bodies: bodies[DELIVERY]["Resources"]["PipelineTopicPolicy"]["Properties"]["PolicyDocument"][
            "Statement"
        ][1].pop("Condition"),
        "lets services publish for any account",
    ),
    "a workflow that may not invoke": (
        workflows,
        _role_without(IAM, "WorkflowRole", "InvokeEngine"),
        "lacks lambda:InvokeFunction on vectora-inbox-ingest-v2-stage",
    ),
    "a workflow that may not log": (
        workflows,
        _role_without(IAM, "WorkflowRole", "DeliverLogs"),
        "lacks logs:CreateLogDelivery",
    ),
    "a function that may not log": (
        functions,
        _role_without(OPERATIONS, "SnapshotRole", "WriteLogs"),
        "lacks logs:CreateLogStream on /aws/lambda/vectora-inbox-snapshot-stage",
    ),
    "a source with the old prefix only": (
        actions_of_pipelines,
        _pipelines_role_without("codeconnections:UseConnection"),
        "lacks codeconnections:UseConnection on",
    ),
    "a source with the new prefix only": (
        actions_of_pipelines,
        _pipelines_role_without("codestar-connections:UseConnection"),
        "lacks codestar-connections:UseConnection on",
    ),
    "a function that may not answer the pipeline": (
        actions_of_pipelines,
        _role_without(OPERATIONS, "SmokeTestRole", "AnswerPipeline"),
        "lacks codepipeline:PutJobSuccessResult",
    ),
    "an action that may not invoke its function": (
        actions_of_pipelines,
        _pipelines_role_without("lambda:InvokeFunction"),
        "lacks lambda:InvokeFunction on",
    ),
    "an approval that may not publish": (
        actions_of_pipelines,
        _pipelines_role_without("sns:Publish"),
        "prod/approval-prod",
    ),
    "a build that may not start": (
        actions_of_pipelines,
        _pipelines_role_without("codebuild:StartBuild"),
        "lacks codebuild:StartBuild on",
    ),
    "a rollback that may not read the parameters of a stack": (
        change_sets,
        _role_without(OPERATIONS, "RollbackRole", "ReadParametersOfStacks"),
        "lacks ssm:GetParameters on its parameter NewsletterV2RoleParameter",
    ),
    "a rollback that may pass no role": (
        change_sets,
        _role_without(OPERATIONS, "RollbackRole", "LetCloudFormationWork"),
        "may pass CloudFormation no role",
    ),
    "functions read without their tags": (
        tags_of_functions,
        lambda bodies: bodies[OPERATIONS].update(
            json.loads(
                json.dumps(bodies[OPERATIONS]).replace(
                    '"lambda:GetFunction", "lambda:ListTags"', '"lambda:GetFunction"'
                )
            )
        ),
        "SnapshotRole ReadFunctions reads functions without their tags",
    ),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_what_may_not_be_called_is_refused(case: str) -> None:
    rule, damage, sentence = DAMAGE[case]
    found = list(rule(golden_account(damage)))
    assert any(sentence in each for each in found), found


def test_the_rules_look_at_something() -> None:
    account = golden_account()
    assert len(list(_changed_stacks(account))) == 3 * 4, "each rollback changes the other four stacks"
    for kind in (
        "AWS::Events::Rule",
        "AWS::Scheduler::Schedule",
        "AWS::SNS::Topic",
        "AWS::StepFunctions::StateMachine",
    ):
        assert any(account.of_type(kind)), kind
