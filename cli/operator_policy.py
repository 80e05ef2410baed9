"""Least-privilege IAM policy of an operator, for the calls of `./vectora` and `cdk deploy`."""

from __future__ import annotations

import json
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from cli.cdk_bootstrap import ASSUMED_ROLES, EXECUTION_ROLE, CdkBootstrap, bootstrap_of
from vectora_ops.names import BYPASS, CLIENTS, FREEZE, HOLD, LEDGER, BucketContent, OperationsTask
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings

POLICY_FILE = "docs/reference/operator-policy.json"
# One document is for all environments and accounts. Typed Any, because it stands for every name of a few.
ANY: Any = "*"
# IAM counts no white space (IAM and AWS STS quotas, "IAM and STS character limits"): 6,144 for a managed policy.
LONGEST_MANAGED_POLICY = 6144
# All of STACK_LAYERS: s0-core, s1-runtime and so on.
LAYERS: Any = "s?-*"
REMOTE_TASKS: tuple[OperationsTask, ...] = ("snapshot", "rollback", "promotion")
CONTENT: tuple[BucketContent, ...] = ("config", "data", "newsletters")
# Prefix that a rehearsed restore writes to (cli.snapshot.drill).
SCRATCH = "restore-rehearsal/"
# New connections have ARNs of the first since July 2024 ("Connections rename", Developer Tools console guide).
CONNECTION_SERVICES = ("codeconnections", "codestar-connections")
# The role that the first-deployment runbook creates with this policy.
OPERATOR_ROLE = "operator"

Statement = dict[str, Any]


def operator_policy(settings: Settings, account_id: str, region: str) -> dict[str, Any]:
    """Return the policy document for an account and region, each a name or `*`."""
    statements = _Statements(settings, account_id, region)
    return {
        "Version": "2012-10-17",
        "Statement": [
            *statements.deploying(),
            *statements.stacks(),
            *statements.functions_and_runs(),
            *statements.vault(),
            *statements.content(),
            *statements.promotion(),
            *statements.doctor(),
        ],
    }


def policy_text(settings: Settings) -> str:
    """Return the document in the repository: for any account, in the environments' region."""
    regions = {settings.environment(env).region for env in ENVIRONMENT_NAMES}
    region = regions.pop() if len(regions) == 1 else ANY
    return json.dumps(operator_policy(settings, ANY, region), indent=2) + "\n"


def length_without_spaces(document: dict[str, Any]) -> int:
    """Return the length as IAM counts it."""
    return len("".join(json.dumps(document).split()))


class _Statements:
    def __init__(self, settings: Settings, account_id: str, region: str) -> None:
        self._settings = settings
        self._account = account_id
        self._region = region
        self._names = replace(settings.names(ENVIRONMENT_NAMES[0]), env=ANY)
        self._bootstrap: CdkBootstrap = bootstrap_of(self._names, account_id, region)

    def deploying(self) -> list[Statement]:
        """Return statements for `cdk deploy`, `cdk diff` and `cdk destroy`, which use the roles of a bootstrap.

        With every environment in one document, the pattern of the qualifier covers the bootstraps of this project.
        """
        return [
            _allow("UseBootstrap", ["sts:AssumeRole"], [self._bootstrap.role_arn(r) for r in ASSUMED_ROLES]),
            # `adopt`, and a rollback that creates a deleted stack again, pass CloudFormation's execution role.
            {
                **_allow("PassRole", ["iam:PassRole"], [self._bootstrap.role_arn(EXECUTION_ROLE)]),
                "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
            },
        ]

    def stacks(self) -> list[Statement]:
        """Return statements for `status`, `snapshot`, `adopt` and `rollback`."""
        pipeline = self._arn("cloudformation", f"stack/{self._names.pipeline}/*")
        return [
            _allow(
                "UseStacks",
                _of(
                    "cloudformation",
                    "ContinueUpdateRollback CreateChangeSet DeleteChangeSet DeleteStack DescribeChangeSet "
                    "DescribeStackEvents DescribeStacks ExecuteChangeSet GetTemplate ListStackResources RollbackStack "
                    "TagResource",
                ),
                [self._arn("cloudformation", f"stack/{self._names.stack(LAYERS)}/*")],
            ),
            _allow(
                "ReadPipeline",
                _of("cloudformation", "DescribeStacks GetTemplate ListStackResources"),
                [pipeline],
            ),
        ]

    def functions_and_runs(self) -> list[Statement]:
        """Return statements for `run`, `logs`, `status`, `cost`, `snapshot`, and commands that invoke functions."""
        machine = self._names.state_machine
        functions = self._arn("lambda", f"function:{self._names.function(ANY)}")
        return [
            _allow(
                "UseRuns",
                _of(
                    "states", "DescribeExecution DescribeStateMachine GetExecutionHistory ListExecutions StartExecution"
                ),
                [self._arn("states", f"stateMachine:{machine}"), self._arn("states", f"execution:{machine}:*")],
            ),
            # GetFunction returns tags only with ListTags (Lambda API reference, GetFunction). Includes layers of other
            # accounts, such as Lambda Insights: a snapshot contains their content. DescribeAlarms with a prefix is a
            # call on all alarms: CloudWatch names the resource alarm:* when it denies one.
            _allow(
                "ReadFunctions",
                [
                    "cloudwatch:DescribeAlarms",
                    *_of("lambda", "GetFunction GetFunctionConfiguration GetLayerVersion ListTags"),
                    "logs:FilterLogEvents",
                ],
                [
                    self._arn("cloudwatch", "alarm:*"),
                    functions,
                    f"arn:aws:lambda:{self._region}:*:layer:*",
                    self._arn("logs", f"log-group:/aws/lambda/{self._settings.project}-*"),
                ],
            ),
            _allow("AskFunctions", ["lambda:InvokeFunction"], [self._function(task) for task in REMOTE_TASKS]),
        ]

    def vault(self) -> list[Statement]:
        """Return statements for the vault, which `snapshot` and `rollback` use."""
        return [
            _allow(
                "UseVault",
                _of(
                    "s3",
                    "DeleteObject DeleteObjectVersion GetObject GetObjectRetention GetObjectVersion PutObject "
                    "PutObjectRetention",
                ),
                [f"{self._bucket('snapshots')}/*"],
            ),
            *self._copy(),
        ]

    def _copy(self) -> list[Statement]:
        if not any(self._settings.environment(env).backup for env in ENVIRONMENT_NAMES):
            return []
        copy = f"arn:aws:s3:::{self._names.copy_bucket('snapshots-copy')}"
        return [_allow("ReadCopy", ["s3:GetObject"], [f"{copy}/*"])]

    def content(self) -> list[Statement]:
        """Return statements for the content that `snapshot`, `rollback`, `client`, `adopt` and `doctor` use."""
        assets, code = f"arn:aws:s3:::{self._bootstrap.assets_bucket}", self._bucket("lambda-code")
        content = [self._bucket(each) for each in CONTENT]
        return [
            _allow(
                "ReadBuckets",
                # `adopt` states the settings of a bucket that it imports.
                _of(
                    "s3",
                    "GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy "
                    "GetBucketPublicAccessBlock GetBucketTagging GetBucketVersioning GetEncryptionConfiguration "
                    "ListBucket ListBucketVersions",
                ),
                [f"arn:aws:s3:::{self._settings.project}-*", assets],
            ),
            _allow(
                "UseContent",
                _of(
                    "s3",
                    "AbortMultipartUpload GetObject GetObjectTagging GetObjectVersion GetObjectVersionTagging "
                    "PutObject PutObjectTagging",
                ),
                [f"{bucket}/*" for bucket in (*content, assets, code)],
            ),
            _allow("RemoveContent", ["s3:DeleteObject"], [f"{bucket}/*" for bucket in content]),
            _allow("CleanRehearsals", ["s3:DeleteObjectVersion"], [f"{self._bucket('data')}/{SCRATCH}*"]),
        ]

    def promotion(self) -> list[Statement]:
        """Return statements for `release`, `status` and `promote`."""
        pipeline = self._arn("codepipeline", self._names.pipeline)
        return [
            # GetParameters: CreateChangeSet resolves a template's SSM-typed parameters.
            _allow(
                "ReadRecords",
                _of("ssm", "GetParameter GetParameterHistory GetParameters GetParametersByPath"),
                [self._parameter(self._names.parameter(ANY))],
            ),
            _allow(
                "WriteRecords",
                ["ssm:PutParameter"],
                [self._parameter(self._names.parameter(path)) for path in (BYPASS, CLIENTS, FREEZE, HOLD, LEDGER)],
            ),
            # The first action is on the pipeline, the others are on its stages.
            _allow(
                "UsePipeline",
                _of("codepipeline", "EnableStageTransition GetPipelineExecution GetPipelineState RetryStageExecution"),
                [pipeline, f"{pipeline}/*"],
            ),
        ]

    def doctor(self) -> list[Statement]:
        """Return statements for `doctor`, which only reads."""
        connection = self._settings.pipeline.connection_arn_parameter
        parameters = [self._bootstrap.parameter(ANY)]
        # The default name is one of those that the statement ReadRecords permits.
        if not fnmatchcase(connection, self._names.parameter(ANY)):
            parameters.append(connection)
        operator = f"arn:aws:iam::{self._account}:role/{self._settings.project}-{OPERATOR_ROLE}*"
        bootstrap = f"arn:aws:iam::{self._account}:role/cdk-{self._bootstrap.qualifier}-*"
        return [
            _allow("ReadBootstrap", ["ssm:GetParameter"], [self._parameter(each) for each in parameters]),
            _allow("KnowRoles", _of("iam", "GetRole SimulatePrincipalPolicy"), [operator, bootstrap]),
            _allow(
                "ReadConnections",
                ["bedrock:GetInferenceProfile", *(f"{service}:GetConnection" for service in CONNECTION_SERVICES)],
                [
                    self._arn("bedrock", "inference-profile/*", region=ANY),
                    *(self._arn(service, "connection/*", region=ANY) for service in CONNECTION_SERVICES),
                ],
            ),
            # None of these supports resources, except a quota of the account and an identity of SES (service
            # authorization reference).
            _allow(
                "ReadAccount",
                [
                    *_of("bedrock", "GetFoundationModelAvailability GetUseCaseForModelAccess"),
                    *_of("cloudformation", "DescribeAccountLimits ListStacks ValidateTemplate"),
                    "iam:GetAccountSummary",
                    "lambda:GetAccountSettings",
                    "logs:DescribeLogGroups",
                    "servicequotas:GetServiceQuota",
                    *_of("ses", "GetAccount GetEmailIdentity"),
                ],
                [ANY],
            ),
        ]

    def _arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        return f"arn:aws:{service}:{region or self._region}:{self._account}:{resource}"

    def _bucket(self, content: BucketContent) -> str:
        return f"arn:aws:s3:::{self._names.bucket(content)}"

    def _function(self, task: OperationsTask) -> str:
        return self._arn("lambda", f"function:{self._names.function(task)}")

    def _parameter(self, name: str) -> str:
        return self._arn("ssm", f"parameter{name}")


def _of(service: str, actions: str) -> list[str]:
    return [f"{service}:{action}" for action in actions.split()]


def _allow(sid: str, actions: list[str], resources: list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": _short(actions), "Resource": _short(resources)}


def _short(texts: list[str]) -> list[str] | str:
    """Return one text instead of a list with one, because every character counts."""
    return texts[0] if len(texts) == 1 else texts
