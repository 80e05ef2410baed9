"""Operator policy: within IAM's limits, valid, and sufficient for every command."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data
from policy_sentry.util.arns import does_arn_match

from cli.operator_policy import LONGEST_MANAGED_POLICY, POLICY_FILE, length_without_spaces, operator_policy
from tests.repository import ROOT
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings

ACCOUNT, REGION = "000000000000", "eu-west-3"
POLICY = operator_policy(load_settings(ROOT), ACCOUNT, REGION)
STATEMENTS = {statement["Sid"]: statement for statement in POLICY["Statement"]}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _data(action: str) -> list[dict[str, Any]]:
    """Return the rows of the service authorization reference on an action, one for each type of resource."""
    service, _, name = action.partition(":")
    found = get_action_data(service, name)
    assert found, f"{action} does not exist"
    rows: list[dict[str, Any]] = next(iter(found.values()))
    return rows


def _fits(arn: str, formats: list[str]) -> bool:
    return arn != "*" and any(does_arn_match(arn, each) for each in formats if each != "*")


def _allows(action: str, resource: str) -> bool:
    return any(
        action in _listed(statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in _listed(statement["Resource"]))
        for statement in POLICY["Statement"]
    )


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


@pytest.mark.parametrize("account", ["*", ACCOUNT])
def test_the_policy_fits_a_managed_policy_with_reserve(account: str) -> None:
    assert length_without_spaces(operator_policy(load_settings(ROOT), account, REGION)) < LONGEST_MANAGED_POLICY - 200


def test_the_document_in_the_repository_is_for_any_account() -> None:
    text = (ROOT / POLICY_FILE).read_text(encoding="utf-8")
    assert [each["Sid"] for each in json.loads(text)["Statement"]] == list(STATEMENTS)
    # The document has neither policy variables, which only IAM evaluates, nor a real account id.
    assert re.findall(r"\$\{|\d{12}", text) == []


@pytest.mark.parametrize("sid", STATEMENTS)
def test_every_action_exists_and_fits_a_resource_of_its_statement(sid: str) -> None:
    resources = _listed(STATEMENTS[sid]["Resource"])
    for action in _listed(STATEMENTS[sid]["Action"]):
        formats = [row["resource_arn_format"] for row in _data(action)]
        # An action that supports resources is allowed on some; one that does not needs all, or it is never allowed.
        fitting = [arn for arn in resources if _fits(arn, formats)]
        assert fitting or (resources == ["*"] and "*" in formats), f"{action} fits none of {resources}"


@pytest.mark.parametrize("sid", [sid for sid in STATEMENTS if STATEMENTS[sid]["Resource"] != "*"])
def test_every_resource_fits_an_action_of_its_statement(sid: str) -> None:
    formats = [row["resource_arn_format"] for action in _listed(STATEMENTS[sid]["Action"]) for row in _data(action)]
    for arn in _listed(STATEMENTS[sid]["Resource"]):
        assert _fits(arn, formats), f"{arn} fits none of the actions"


def test_only_reading_actions_are_allowed_on_all_resources() -> None:
    on_all = {action for each in POLICY["Statement"] if each["Resource"] == "*" for action in _listed(each["Action"])}
    verbs = ("Get", "Describe", "List", "Validate")
    assert on_all
    assert {action for action in on_all if not action.partition(":")[2].startswith(verbs)} == set()


def _stack(layer: str, env: str) -> str:
    return _arn("cloudformation", f"stack/vectora-inbox-{layer}-{env}/0a1b")


def _needed_of_status(env: str) -> list[tuple[str, str]]:
    """Return the calls of a status in text."""
    records = _arn("ssm", f"parameter/vectora-inbox/{env}/promotion")
    return [
        ("cloudformation:DescribeStacks", _stack("s0-operations", env)),
        ("lambda:GetFunctionConfiguration", _arn("lambda", f"function:vectora-inbox-ingest-v2-{env}")),
        ("ssm:GetParameterHistory", f"{records}/ledger"),
        ("ssm:GetParameter", f"{records}/bypass"),
        ("s3:GetObject", f"arn:aws:s3:::vectora-inbox-config-{env}/published.json"),
    ]


def _needed_of_pages(env: str) -> list[tuple[str, str]]:
    """Return the calls of the commands that read all of an environment."""
    return [
        ("cloudwatch:DescribeAlarms", _arn("cloudwatch", "alarm:*")),
        ("cloudformation:ListStackResources", _stack("s0-operations", env)),
        ("s3:ListBucket", f"arn:aws:s3:::vectora-inbox-access-logs-{env}"),
        ("s3:GetObject", f"arn:aws:s3:::vectora-inbox-newsletters-{env}/lai_weekly/2026/01/30/manifest.json"),
        ("logs:DescribeLogGroups", "*"),
        ("codepipeline:GetPipelineState", _arn("codepipeline", "vectora-inbox-pipeline")),
        ("states:DescribeStateMachine", _arn("states", f"stateMachine:vectora-inbox-newsletter-{env}")),
    ]


def _needed(env: str) -> dict[str, list[tuple[str, str]]]:
    """Return the calls that each command makes in its own process, with resources of an environment."""
    vault, key = f"arn:aws:s3:::vectora-inbox-snapshots-{env}", f"arn:aws:s3:::vectora-inbox-snapshots-{env}/objects/ab"
    config, data = f"arn:aws:s3:::vectora-inbox-config-{env}", f"arn:aws:s3:::vectora-inbox-data-{env}"
    letters = f"arn:aws:s3:::vectora-inbox-newsletters-{env}"
    qualifier = load_settings(ROOT).names(env).bootstrap_qualifier
    assets = f"arn:aws:s3:::cdk-{qualifier}-assets-{ACCOUNT}-{REGION}"
    function = _arn("lambda", f"function:vectora-inbox-ingest-v2-{env}")
    machine = f"vectora-inbox-newsletter-{env}"
    role = f"arn:aws:iam::{ACCOUNT}:role"
    records = _arn("ssm", f"parameter/vectora-inbox/{env}/promotion")
    take = [
        ("s3:GetBucketObjectLockConfiguration", vault),
        ("s3:ListBucket", vault),
        ("s3:PutObject", key),
        ("s3:GetObject", f"{vault}/locks/environment.json"),
        ("s3:DeleteObject", f"{vault}/locks/environment.json"),
        ("s3:PutObjectRetention", key),
        ("s3:GetObjectRetention", key),
        ("s3:ListBucket", config),
        ("s3:ListBucketVersions", data),
        ("s3:GetObjectVersion", f"{letters}/lai_weekly/2026/01/30/newsletter.md"),
        ("s3:GetObjectTagging", f"{letters}/lai_weekly/2026/01/30/newsletter.md"),
        ("s3:GetObjectVersionTagging", f"{config}/clients/lai_weekly.yaml"),
        ("s3:PutObjectTagging", f"{data}/curated/lai_weekly/2026/01/30/items.json"),
        ("s3:ListBucket", assets),
        ("s3:GetObject", f"{assets}/ab.zip"),
        ("lambda:GetFunction", function),
        ("lambda:ListTags", function),
        ("lambda:GetLayerVersion", _arn("lambda", f"layer:vectora-inbox-vectora-core-{env}:7")),
        ("lambda:GetLayerVersion", f"arn:aws:lambda:{REGION}:580247275435:layer:LambdaInsightsExtension:80"),
        ("cloudformation:DescribeStacks", _stack("s0-core", env)),
        ("cloudformation:GetTemplate", _stack("s1-runtime", env)),
        ("cloudformation:ListStackResources", _stack("s1-ingest-v2", env)),
        ("ssm:GetParameter", _arn("ssm", f"parameter/vectora-inbox/{env}/release")),
        ("ssm:GetParameter", f"{records}/hold"),
    ]
    run = [
        ("states:StartExecution", _arn("states", f"stateMachine:{machine}")),
        ("states:DescribeExecution", _arn("states", f"execution:{machine}:0a1b")),
        ("states:GetExecutionHistory", _arn("states", f"execution:{machine}:0a1b")),
    ]
    change = [
        (f"cloudformation:{action}", _stack("s1-runtime", env))
        for action in (
            "CreateChangeSet",
            "DescribeChangeSet",
            "ExecuteChangeSet",
            "DeleteChangeSet",
            "DescribeStackEvents",
        )
    ]
    remote = [
        ("lambda:InvokeFunction", _arn("lambda", f"function:vectora-inbox-{task}-{env}"))
        for task in ("snapshot", "rollback", "promotion")
    ]
    return {
        "cdk deploy": [
            ("sts:AssumeRole", f"{role}/cdk-{qualifier}-deploy-role-{ACCOUNT}-{REGION}"),
            ("sts:AssumeRole", f"{role}/cdk-{qualifier}-file-publishing-role-{ACCOUNT}-{REGION}"),
        ],
        "run": run,
        "logs": [
            *run[1:],
            ("states:ListExecutions", _arn("states", f"stateMachine:{machine}")),
            # A log group's ARN ends with :* in the service authorization reference.
            ("logs:FilterLogEvents", _arn("logs", f"log-group:/aws/lambda/vectora-inbox-ingest-v2-{env}:*")),
        ],
        "status": _needed_of_status(env),
        "status --html and cost": [*remote, *_needed_of_pages(env)],
        "adopt": [
            *change,
            ("s3:ListBucket", f"arn:aws:s3:::vectora-inbox-lambda-code-{env}"),
            ("s3:ListBucket", f"arn:aws:s3:::vectora-inbox-snapshots-access-logs-{env}"),
            ("s3:GetBucketPolicy", f"arn:aws:s3:::vectora-inbox-access-logs-{env}"),
            ("s3:GetBucketPolicy", f"arn:aws:s3:::vectora-inbox-snapshots-access-logs-{env}"),
            ("s3:GetBucketVersioning", f"arn:aws:s3:::vectora-inbox-lambda-code-{env}"),
            ("s3:GetEncryptionConfiguration", f"arn:aws:s3:::vectora-inbox-lambda-code-{env}"),
            ("s3:PutObject", f"{assets}/adopted/ab.zip"),
            ("logs:DescribeLogGroups", "*"),
            ("iam:PassRole", f"{role}/cdk-{qualifier}-cfn-exec-role-{ACCOUNT}-{REGION}"),
        ],
        "snapshot": [*take, *remote, ("s3:DeleteObjectVersion", key), ("s3:ListBucketVersions", vault)],
        "snapshot verify --restore": [
            ("s3:PutObject", f"{data}/restore-rehearsal/a/b"),
            ("s3:DeleteObjectVersion", f"{data}/restore-rehearsal/a/b"),
            ("cloudformation:ValidateTemplate", "*"),
        ],
        "rollback": [
            *take,
            *change,
            *run,
            ("cloudformation:DeleteStack", _stack("s0-iam", env)),
            ("cloudformation:ContinueUpdateRollback", _stack("s0-iam", env)),
            ("cloudformation:RollbackStack", _stack("s0-iam", env)),
            ("cloudformation:TagResource", _stack("s0-iam", env)),
            ("ssm:GetParameters", _arn("ssm", f"parameter/vectora-inbox/{env}/roles/ingest-v2")),
            ("ssm:PutParameter", f"{records}/ledger"),
            ("ssm:PutParameter", f"{records}/clients"),
            ("states:DescribeStateMachine", _arn("states", f"stateMachine:vectora-inbox-newsletter-{env}")),
            ("codepipeline:GetPipelineExecution", _arn("codepipeline", "vectora-inbox-pipeline")),
            ("s3:PutObject", f"{assets}/ab.zip"),
            ("s3:PutObject", f"arn:aws:s3:::vectora-inbox-lambda-code-{env}/a.zip"),
            ("s3:DeleteObject", f"{config}/clients/a.yaml"),
            ("s3:DeleteObject", f"{letters}/lai_weekly/a"),
        ],
        "promote": [
            *remote,
            ("ssm:PutParameter", f"{records}/bypass"),
            ("ssm:PutParameter", f"{records}/hold"),
            ("codepipeline:EnableStageTransition", _arn("codepipeline", f"vectora-inbox-pipeline/{env}")),
            ("codepipeline:RetryStageExecution", _arn("codepipeline", f"vectora-inbox-pipeline/{env}")),
            ("codepipeline:GetPipelineState", _arn("codepipeline", "vectora-inbox-pipeline")),
        ],
        "client": [
            ("s3:ListBucket", config),
            ("s3:GetObject", f"{config}/clients/lai_weekly.yaml"),
            ("s3:GetObject", f"{data}/curated/lai_weekly/2026/01/30/items.json"),
            ("s3:PutObject", f"{data}/ingested/lai_weekly/2026/01/30/items.json"),
            ("ssm:GetParameterHistory", f"{records}/clients"),
            *remote,
        ],
        "doctor": [
            ("iam:SimulatePrincipalPolicy", f"{role}/vectora-inbox-operator"),
            ("iam:GetRole", f"{role}/vectora-inbox-operator"),
            ("iam:GetRole", f"{role}/cdk-{qualifier}-cfn-exec-role-{ACCOUNT}-{REGION}"),
            ("ssm:GetParameter", _arn("ssm", f"parameter/cdk-bootstrap/{qualifier}/version")),
            ("ssm:GetParameter", _arn("ssm", "parameter/vectora-inbox/pipeline/connection-arn")),
            ("codeconnections:GetConnection", _arn("codeconnections", "connection/0a1b")),
            ("codestar-connections:GetConnection", _arn("codestar-connections", "connection/0a1b")),
            ("bedrock:GetInferenceProfile", _arn("bedrock", "inference-profile/eu.anthropic.claude")),
            ("s3:ListBucket", "arn:aws:s3:::vectora-inbox-pipeline-artifacts"),
            ("cloudformation:ListStackResources", _arn("cloudformation", "stack/vectora-inbox-pipeline/0a1b")),
            # `cdk diff` may not assume the lookup role, which reads the whole account.
            ("cloudformation:DescribeStacks", _arn("cloudformation", "stack/vectora-inbox-pipeline/0a1b")),
            ("cloudformation:GetTemplate", _arn("cloudformation", "stack/vectora-inbox-pipeline/0a1b")),
        ],
    }


@pytest.mark.parametrize("env", ENVIRONMENT_NAMES)
@pytest.mark.parametrize("command", _needed("dev"))
def test_the_calls_of_each_command_are_allowed(command: str, env: str) -> None:
    denied = [(action, resource) for action, resource in _needed(env)[command] if not _allows(action, resource)]
    assert denied == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:BypassGovernanceRetention", "arn:aws:s3:::vectora-inbox-snapshots-prod/objects/ab"),
        ("s3:PutBucketPolicy", "arn:aws:s3:::vectora-inbox-snapshots-prod"),
        ("s3:DeleteBucketPolicy", "arn:aws:s3:::vectora-inbox-config-prod"),
        ("s3:DeleteObjectVersion", "arn:aws:s3:::vectora-inbox-data-prod/curated/a"),
        ("s3:GetObject", "arn:aws:s3:::another-project-config-prod/clients/a.yaml"),
        ("logs:FilterLogEvents", _arn("logs", "log-group:/aws/lambda/another-project-ingest-v2-prod:*")),
        ("lambda:UpdateFunctionCode", _arn("lambda", "function:vectora-inbox-ingest-v2-prod")),
        ("lambda:InvokeFunction", _arn("lambda", "function:vectora-inbox-ingest-v2-prod")),
        ("cloudformation:DeleteStack", _arn("cloudformation", "stack/CDKToolkit/0a1b")),
        ("cloudformation:CreateChangeSet", _arn("cloudformation", "stack/vectora-inbox-pipeline/0a1b")),
        ("ssm:PutParameter", _arn("ssm", "parameter/vectora-inbox/prod/promotion/deployment")),
        ("ssm:PutParameter", _arn("ssm", "parameter/vectora-inbox/pipeline/connection-arn")),
        ("codepipeline:PutApprovalResult", _arn("codepipeline", "vectora-inbox-pipeline/prod/approval-prod")),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/a"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/administrator"),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/cdk-vicffprod-cfn-exec-role-{ACCOUNT}-{REGION}"),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-deploy-role-{ACCOUNT}-{REGION}"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}"),
    ],
)
def test_other_calls_are_denied(action: str, resource: str) -> None:
    assert not _allows(action, resource)
