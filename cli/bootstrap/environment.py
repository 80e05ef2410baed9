"""Permissions boundary and execution policy of one environment.

No pattern has a wildcard before the environment's name if what follows it may be chosen by others: `*` matches slashes
too, so `arn:aws:s3:::{project}-*-dev/*` would match the object `a-dev/b` in a bucket of prod.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cli.bootstrap.policies import (
    ACCOUNT,
    DELIVER_LOGS,
    REGION,
    USE_KEYS_THROUGH_SERVICES,
    Document,
    Statement,
    allow,
    deny,
    deny_except,
    document,
    keys_with_tags,
)
from cli.cdk_bootstrap import EXECUTION_ROLE
from vectora_ops.names import BUCKETS, Names
from vectora_ops.settings import Settings, environment_after, environment_before

# Changes of content, configuration and code, which a role of an environment makes in its own environment only.
CHANGES = (
    "cloudformation:Create*",
    "cloudformation:Delete*",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:Update*",
    "lambda:Add*",
    "lambda:Create*",
    "lambda:Delete*",
    "lambda:Put*",
    "lambda:Update*",
    "s3:DeleteObject*",
    "s3:PutBucket*",
    "s3:PutObject*",
    "ssm:DeleteParameter*",
    "ssm:PutParameter",
)


@dataclass(frozen=True)
class EnvironmentPolicies:
    """Policies of environment `names`; releases come from `preceding` and go into `following`.

    An environment that `is_adopted` has roles of the system that ran before, without a path.
    """

    names: Names
    preceding: Names | None
    following: Names | None
    is_adopted: bool

    def boundary(self) -> Document:
        """Return the most that any role of the environment may do, regardless of its own policies.

        Only CloudFormation's execution role changes IAM, and only the bootstrap's roles may be assumed by people and
        the pipeline: a role of the environment does neither.
        """
        execution_role = self._bootstrap_role(EXECUTION_ROLE)
        return document(
            allow([*DELIVER_LOGS, "xray:Get*", "xray:Put*", "codepipeline:PutJob*", "cloudwatch:DescribeAlarms"], "*"),
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], self._log_groups(":*")),
            self._use_content(),
            # Beyond the account: the copy of the vault may be in another one.
            allow([*REPLICATE, "s3:PutObject"], [self._copy]),
            self._use_parameters(),
            allow(
                ["lambda:GetFunction*", "lambda:InvokeFunction", "lambda:ListTags"], [*self._functions(), *self._asks()]
            ),
            allow("lambda:GetLayerVersion", "arn:aws:lambda:*:*:layer:*"),
            allow(
                ["states:Describe*", "states:GetExecutionHistory", "states:ListExecutions", "states:StartExecution"],
                [self._arn("states", f"{kind}:{self.names.state_machine}{end}") for kind, end in _RUNS],
            ),
            allow(
                [
                    *(f"cloudformation:{each}*" for each in ("Continue", "Describe", "Get", "List", "Rollback", "Tag")),
                    "cloudformation:*ChangeSet",
                    "cloudformation:DeleteStack",
                ],
                self._stacks(),
            ),
            allow("iam:PassRole", execution_role, _passed_to("cloudformation")),
            allow("sns:Publish", self._arn("sns", f"{self.names.project}-*-{self.names.env}")),
            USE_KEYS_THROUGH_SERVICES,
            allow(
                "bedrock:InvokeModel*",
                ["arn:aws:bedrock:*::foundation-model/*", f"arn:aws:bedrock:*:{ACCOUNT}:inference-profile/*"],
            ),
            allow("ses:Send*", f"arn:aws:ses:{REGION}:{ACCOUNT}:*"),
            self._use_pipeline(),
            allow("sts:AssumeRole", self._roles_elsewhere()),
            # Denials hold for grants of resources' own policies too, which a boundary's allowances do not limit for
            # every principal ("Permissions boundaries for IAM entities", IAM user guide).
            deny_except("iam:*", execution_role),
            deny("sts:AssumeRole", "arn:aws:iam::*:role/cdk-*"),
            deny_except(
                CHANGES,
                [*self._content(), self._copy, *self._functions(), *self._stacks(), self._parameter("*")],
            ),
        )

    def execution(self) -> Document:
        """Return what CloudFormation may do in stacks of the environment: the handlers' calls, on its own names.

        The actions are those of the handlers in the schemas of CloudFormation's registry.
        """
        return document(*self._data_and_code(), *self._roles(), *self._runs_and_notifications())

    # --- resources

    @property
    def _thing(self) -> str:
        return f"{self.names.project}-*-{self.names.env}"

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"

    def _bootstrap_role(self, kind: str) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/cdk-{self.names.bootstrap_qualifier}-{kind}-role-{ACCOUNT}-{REGION}"

    @property
    def _assets(self) -> str:
        return f"arn:aws:s3:::cdk-{self.names.bootstrap_qualifier}-assets-{ACCOUNT}-{REGION}"

    @property
    def _copy(self) -> str:
        return f"arn:aws:s3:::{self.names.copy_bucket('snapshots-copy')}/*"

    def _content(self) -> list[str]:
        return [*(f"arn:aws:s3:::{self.names.bucket(each)}*" for each in BUCKETS), f"{self._assets}*"]

    def _functions(self) -> list[str]:
        return [self._arn("lambda", f"function:{self._thing}")]

    def _asks(self) -> list[str]:
        """Return the functions that judge a commit, and promotions into this environment."""
        judges = [self.names.review_function, *([self.preceding.function("promotion")] if self.preceding else [])]
        return [self._arn("lambda", f"function:{name}") for name in judges]

    def _log_groups(self, end: str) -> list[str]:
        names = (f"/aws/lambda/{self._thing}", self.names.state_machine_log_group)
        return [self._arn("logs", f"log-group:{name}{end}") for name in names]

    def _stacks(self) -> list[str]:
        return [self._arn("cloudformation", f"stack/{self.names.project}-s?-*-{self.names.env}/*")]

    def _parameter(self, path: str) -> str:
        return self._arn("ssm", f"parameter{self.names.parameter(path)}")

    # --- statements of the boundary

    def _use_content(self) -> Statement:
        following = (
            [] if self.following is None else [f"arn:aws:s3:::{self.following.bucket('config')}{end}" for end in _READ]
        )
        return allow(
            [
                "s3:AbortMultipartUpload",
                "s3:DeleteObject*",
                "s3:Get*",
                "s3:ListBucket*",
                "s3:PutObject",
                "s3:PutObjectRetention",
                "s3:PutObjectTagging",
            ],
            [*self._content(), *following],
            {"StringEquals": {"aws:ResourceAccount": ACCOUNT}},
        )

    def _use_parameters(self) -> Statement:
        own = [self._parameter("*"), self._arn("ssm", f"parameter{self.names.pubmed_api_key_parameter}")]
        target = [self._arn("ssm", f"parameter{self.following.parameter('promotion/*')}")] if self.following else []
        return allow(["ssm:DeleteParameter", "ssm:GetParameter*", "ssm:PutParameter"], [*own, *target])

    def _use_pipeline(self) -> Statement:
        pipeline = f"arn:aws:codepipeline:*:{ACCOUNT}:{self.names.pipeline}"
        stages = [self.names.env, *([self.following.env] if self.following else [])]
        return allow(
            ["codepipeline:DisableStageTransition", "codepipeline:Get*", "codepipeline:List*", "codepipeline:Retry*"],
            [pipeline, *(f"{pipeline}/{stage}" for stage in stages)],
        )

    def _roles_elsewhere(self) -> list[str]:
        """Return the roles that let this environment into others, and into a pipeline, in other accounts."""
        access, roles = f"arn:aws:iam::*:role/{self.names.project}/access/", []
        if self.preceding:
            roles.append(access + self.preceding.role("asks-promotion"))
        if self.following:
            roles.append(access + self.following.role("promotion-reader"))
        operates = self.names.role("operates-pipeline")
        return [*roles, f"arn:aws:iam::*:role{self.names.pipeline_role_path}{operates}"]

    # --- statements of the execution policy

    def _data_and_code(self) -> tuple[Statement, ...]:
        suffix = f"-{self.names.bucket_suffix}" if self.names.bucket_suffix else ""
        layer = self._arn("lambda", f"layer:{self._thing}")
        return (
            # Bucket names hold no slash, so the pattern matches no object.
            allow(
                [
                    "s3:CreateBucket",
                    "s3:DeleteBucket*",
                    "s3:GetBucket*",
                    "s3:Get*Configuration",
                    "s3:ListBucket",
                    "s3:ListTagsForResource",
                    "s3:PutBucket*",
                    "s3:Put*Configuration",
                    "s3:TagResource",
                    "s3:UntagResource",
                ],
                f"arn:aws:s3:::{self._thing}{suffix}",
            ),
            allow("s3:GetObject*", f"{self._assets}/*"),
            allow(
                [
                    "lambda:*Permission",
                    "lambda:*tagResource",
                    "lambda:CreateFunction",
                    "lambda:DeleteFunction*",
                    "lambda:Get*",
                    "lambda:InvokeFunction",
                    "lambda:ListTags",
                    "lambda:PublishVersion",
                    "lambda:PutFunction*",
                    "lambda:PutRuntimeManagementConfig",
                    "lambda:TagResource",
                    "lambda:UpdateFunction*",
                ],
                self._functions(),
            ),
            allow(["lambda:PublishLayerVersion", "lambda:DeleteLayerVersion"], [layer, f"{layer}:*"]),
            allow(
                [
                    "ssm:*TagsToResource",
                    "ssm:DeleteParameter",
                    "ssm:GetParameters",
                    "ssm:ListTagsForResource",
                    "ssm:PutParameter",
                    "ssm:RemoveTagsFromResource",
                ],
                self._parameter("*"),
            ),
        )

    def _roles(self) -> tuple[Statement, ...]:
        """Return the statements on roles: CloudFormation gives them the boundary, and never takes it away."""
        own = [f"arn:aws:iam::{ACCOUNT}:role{self.names.role_path}*"]
        if self.is_adopted:
            # CloudFormation generated their names from the stack's.
            own.append(f"arn:aws:iam::{ACCOUNT}:role/{self.names.stack('s0-iam')}-*")
        boundary = f"arn:aws:iam::{ACCOUNT}:policy/{self.names.boundary}"
        services = ("lambda", "states", "scheduler", "events", "s3")
        return (
            *bounded_roles(own, boundary, services),
            # Roles that an older version made without the path, before the boundary. Their tags are their stack's.
            allow(
                REMOVE_ROLES,
                f"arn:aws:iam::{ACCOUNT}:role/{self.names.project}-*",
                {
                    "StringEquals": {
                        "aws:ResourceTag/Env": self.names.env,
                        "aws:ResourceTag/Component": ["iam", "operations"],
                    }
                },
            ),
        )

    def _runs_and_notifications(self) -> tuple[Statement, ...]:
        thing = self._thing
        return (
            allow(
                [*DELIVER_LOGS, "sns:*SubscriptionAttributes", "sns:Unsubscribe", *ACCOUNTS_COST, *WITHOUT_RESOURCES],
                "*",
            ),
            allow("lambda:GetLayerVersion", "arn:aws:lambda:*:*:layer:*"),
            allow(
                ["logs:*LogGroup*", "logs:*Policy", "logs:*tagResource", "logs:ListTagsForResource"],
                [each for end in ("", ":*") for each in self._log_groups(end)],
            ),
            allow(
                [*_all_of("states", "StateMachine"), "states:*agResource", "states:ListTagsForResource"],
                self._arn("states", f"stateMachine:{self.names.state_machine}"),
            ),
            allow(["scheduler:*Schedule"], self._arn("scheduler", f"schedule/default/{thing}")),
            allow(
                ["events:*Rule", "events:*Targets*", "events:*agResource", "events:ListTagsForResource"],
                self._arn("events", f"rule/{thing}"),
            ),
            allow(
                ["sns:*Topic*", "sns:Subscribe", "sns:*agResource", "sns:ListTagsForResource", "sns:*Policy"],
                self._arn("sns", thing),
            ),
            allow(
                ["cloudwatch:*Alarm*", "cloudwatch:*Dashboard*", "cloudwatch:*agResource", "cloudwatch:ListTags*"],
                [self._arn("cloudwatch", f"alarm:{thing}"), f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{thing}"],
            ),
            # CloudFormation names the budget.
            allow(
                ["budgets:*Budget", "budgets:*agResource", "budgets:ListTags*"], f"arn:aws:budgets::{ACCOUNT}:budget/*"
            ),
            allow(
                ["ses:*ConfigurationSet*", "ses:*agResource", "ses:ListTagsForResource"],
                self._arn("ses", f"configuration-set/{self.names.mail_configuration_set}"),
            ),
            *keys_with_tags({"Project": self.names.project, "Env": self.names.env}),
        )


REPLICATE = ("s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateObject", "s3:ReplicateTags")
_RUNS = (("stateMachine", ""), ("execution", ":*"))
_READ = ("", "/*")
# Cost Explorer names its monitors and subscriptions, which are of the account.
ACCOUNTS_COST = ("billing:GetBillingViewData", "ce:*Anomaly*", "ce:ListTagsForResource", "ce:TagResource")
# Actions of the handlers without resource types (service authorization reference).
WITHOUT_RESOURCES = ("ses:DescribeConfigurationSet", "states:ValidateStateMachineDefinition", "kms:ListAliases")
REMOVE_ROLES = (
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:Get*Role*",
    "iam:ListRole*",
    "iam:ListAttachedRolePolicies",
)


def bounded_roles(own: Sequence[str], boundary: str, services: tuple[str, ...]) -> tuple[Statement, ...]:
    """Return the statements with which CloudFormation manages and passes the roles `own`, each with the boundary.

    iam:PermissionsBoundary is the boundary that the request sets, or the role has (service authorization reference).
    Managed policies are not attached, and a boundary is never removed.
    """
    return (
        allow(
            ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"),
            own,
            {"StringEquals": {"iam:PermissionsBoundary": boundary}},
        ),
        allow((*REMOVE_ROLES, "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole*"), own),
        allow("iam:PassRole", own, _passed_to(*services)),
    )


def _all_of(service: str, kind: str) -> list[str]:
    return [f"{service}:{verb}{kind}" for verb in ("Create", "Delete", "Describe", "Update")]


def _passed_to(*services: str) -> dict[str, dict[str, str | list[str]]]:
    named = [f"{service}.amazonaws.com" for service in services]
    return {"StringEquals": {"iam:PassedToService": named if len(named) > 1 else named[0]}}


def environment_policies(settings: Settings, env: str) -> EnvironmentPolicies:
    """Return the policies of an environment; raise ConfigurationError if there is no such environment."""
    names = settings.names(env)
    before, after = environment_before(names.env), environment_after(names.env)
    return EnvironmentPolicies(
        names=names,
        preceding=settings.names(before) if before else None,
        following=settings.names(after) if after else None,
        is_adopted=settings.environment(env).is_adopted,
    )
