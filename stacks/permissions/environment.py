"""ARNs and permissions that the operations functions of an environment share."""

from __future__ import annotations

from typing import Any

from stacks.elsewhere import Elsewhere
from stacks.permissions.common import assets_bucket_arn
from vectora_constructs.service_role import Grant
from vectora_ops.names import ANCHORS, HOLD, WITHHOLDING_KEY, Names, OperationsTask
from vectora_shared.keys import ANALYSES_PREFIX

ACCOUNT = "${AWS::AccountId}"
CONTENT_BY_KEY = "Files of this content have keys that are not known when the role is made; the prefix is fixed."
VAULT_BY_DIGEST = "Objects of the vault are named by the digest of their content."
ANCHORS_BY_SNAPSHOT = "Anchors are named after the snapshots; the path is fixed."
STACKS_OF_THE_ENVIRONMENT = "CloudFormation appends an id to a stack's name; the layer and the environment are fixed."
# All of STACK_LAYERS but the operations stack's. A pattern for each layer makes room in the role of function rollback,
# whose policies have at most 10,240 characters (IAM quotas).
RESTORED_LAYERS: tuple[Any, ...] = ("s0-core", "s0-iam", "s1-*", "s2-*")


class EnvironmentGrants:
    """ARNs of one environment, and the grants to read it and to write its vault.

    Releases are promoted from the environment `preceding`, and into the environment `following`.
    """

    def __init__(
        self, *, names: Names, region: str, preceding: Names | None, following: Names | None, elsewhere: Elsewhere
    ) -> None:
        self._names = names
        self._region = region
        self._preceding = preceding
        self._following = following
        self._elsewhere = elsewhere

    def _function_arn(self, task: OperationsTask, names: Names | None = None) -> str:
        return f"arn:aws:lambda:{self._region}:${{AWS::AccountId}}:function:{(names or self._names).function(task)}"

    @property
    def _stack_arns(self) -> tuple[str, ...]:
        prefix = f"arn:aws:cloudformation:{self._region}:${{AWS::AccountId}}:stack"
        return tuple(f"{prefix}/{self._names.stack(layers)}/*" for layers in RESTORED_LAYERS)

    @property
    def _content_arns(self) -> tuple[str, ...]:
        config, data, newsletters = self._buckets
        return (
            f"{config}/clients/*",
            f"{config}/canonical/*",
            f"{config}/published.json",
            f"{data}/*",  # also the folders of the system that ran before this app
            f"{newsletters}/*",
        )

    @property
    def _buckets(self) -> tuple[str, ...]:
        return tuple(f"arn:aws:s3:::{self._names.bucket(each)}" for each in ("config", "data", "newsletters"))

    @property
    def _code_buckets(self) -> tuple[str, ...]:
        return (
            assets_bucket_arn(self._names, self._region),
            f"arn:aws:s3:::{self._names.bucket('lambda-code')}",
        )

    def _read_environment(self, task: OperationsTask) -> tuple[Grant, ...]:
        """Return the grants to read the environment, write its vault, and continue in a new invocation."""
        return (
            *self._write_vault(),
            *self._read_content_and_code(),
            *self._read_deployed(),
            Grant(sid="TellOperators", actions=("sns:Publish",), resources=(self._topic_arn,)),
            # Only function promotion creates anchors, and records deployments.
            Grant(
                sid="GoOnAndAskForAnchors",
                actions=("lambda:InvokeFunction",),
                resources=(self._function_arn(task), self._function_arn("promotion")),
            ),
        )

    def _write_vault(self) -> tuple[Grant, ...]:
        return (
            *self._read_vault(),
            Grant(
                sid="FillVault",
                actions=("s3:PutObject", "s3:GetObjectRetention", "s3:PutObjectRetention", "s3:DeleteObject"),
                resources=(f"{self._vault}/*",),
                wildcard_reason=VAULT_BY_DIGEST,
            ),
        )

    def _read_vault(self) -> tuple[Grant, ...]:
        """Return the grants to read the vault, and the anchors of its snapshots."""
        return (
            Grant(
                sid="LookIntoVault",
                actions=("s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketObjectLockConfiguration"),
                resources=(self._vault,),
            ),
            Grant(
                sid="ReadVault",
                actions=("s3:GetObject", "s3:GetObjectVersion"),
                resources=(f"{self._vault}/*",),
                wildcard_reason=VAULT_BY_DIGEST,
            ),
            Grant(
                sid="ReadAnchors",
                actions=("ssm:GetParameters", "ssm:GetParametersByPath"),
                resources=(self._parameter(ANCHORS), self._anchors),
                wildcard_reason=ANCHORS_BY_SNAPSHOT,
            ),
        )

    @property
    def _vault(self) -> str:
        return f"arn:aws:s3:::{self._names.bucket('snapshots')}"

    @property
    def _anchors(self) -> str:
        return self._parameter(f"{ANCHORS}/*")

    def _read_content_and_code(self) -> tuple[Grant, ...]:
        return (
            Grant(sid="ListContent", actions=("s3:ListBucket", "s3:ListBucketVersions"), resources=self._buckets),
            Grant(
                sid="ReadContent",
                actions=("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
                resources=self._content_arns,
                wildcard_reason=CONTENT_BY_KEY,
            ),
            Grant(
                sid="LeaveAnalyses",
                effect="Deny",
                actions=("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"),
                resources=(f"{self._buckets[1]}/{ANALYSES_PREFIX}*",),
                wildcard_reason="No snapshot holds stored analyses, which can be made again.",
            ),
            self._list_code,
            Grant(
                sid="ReadCode",
                actions=("s3:GetObject", "s3:GetObjectVersion"),
                resources=tuple(f"{bucket}/*" for bucket in self._code_buckets),
                wildcard_reason="Assets are named by the digest of their content, a new one each release.",
            ),
        )

    @property
    def _list_code(self) -> Grant:
        return Grant(sid="ListCode", actions=("s3:ListBucket",), resources=self._code_buckets)

    def _read_deployed(self) -> tuple[Grant, ...]:
        """Return the grants to read functions, layers, stacks and the release."""
        region, account = self._region, ACCOUNT
        return (
            Grant(
                sid="ReadFunctions",
                # Without ListTags, GetFunction answers a TagsError instead of tags (Lambda API reference).
                actions=("lambda:GetFunction", "lambda:ListTags"),
                resources=(f"arn:aws:lambda:{region}:{account}:function:{self._names.project}-*-{self._names.env}",),
                wildcard_reason="A snapshot holds every function of the environment, also those of other releases.",
            ),
            Grant(
                sid="ReadLayers",
                actions=("lambda:GetLayerVersion",),
                # Includes layers of other accounts whose owner permits it, such as Powertools for AWS Lambda.
                resources=(f"arn:aws:lambda:{region}:*:layer:*:*",),
                wildcard_reason="A function may have been given any layer by hand; what runs must be saved.",
            ),
            Grant(
                sid="ReadStacks",
                actions=(
                    "cloudformation:DescribeStacks",
                    "cloudformation:GetTemplate",
                    "cloudformation:ListStackResources",
                ),
                resources=self._stack_arns,
                wildcard_reason=STACKS_OF_THE_ENVIRONMENT,
            ),
            Grant(
                sid="ReadRelease",
                actions=("ssm:GetParameter",),
                # The key is a SecureString of the AWS managed key aws/ssm, whose policy lets all callers of Systems
                # Manager in the account decrypt (KMS developer guide, AWS managed keys).
                resources=tuple(self._parameter(path) for path in ("release", HOLD, WITHHOLDING_KEY)),
            ),
            Grant(sid="ReadWorkflow", actions=("states:DescribeStateMachine",), resources=(self.machine_arn,)),
        )

    def _read_records(self, *paths: str) -> Grant:
        return Grant(
            sid="ReadPromotion",
            actions=("ssm:GetParameter", "ssm:GetParameterHistory"),
            resources=tuple(self._parameter(path) for path in paths),
        )

    @property
    def _topic_arn(self) -> str:
        return f"arn:aws:sns:{self._region}:${{AWS::AccountId}}:{self._names.topic('operations')}"

    def _parameter(self, path: str, names: Names | None = None) -> str:
        return f"arn:aws:ssm:{self._region}:{ACCOUNT}:parameter{(names or self._names).parameter(path)}"

    def _stage_arn(self, env: str) -> str:
        return f"arn:aws:codepipeline:{self._region}:{ACCOUNT}:{self._names.pipeline}/{env}"

    @property
    def _pipeline_arn(self) -> str:
        return f"arn:aws:codepipeline:{self._region}:{ACCOUNT}:{self._names.pipeline}"

    @property
    def machine_arn(self) -> str:
        """ARN of the newsletter workflow."""
        return f"arn:aws:states:{self._region}:{ACCOUNT}:stateMachine:{self._names.state_machine}"

    @property
    def _machine_grants(self) -> tuple[Grant, ...]:
        machine = self._names.state_machine
        return (
            Grant(
                sid="RunCanary",
                actions=("states:StartExecution",),
                resources=(self.machine_arn,),
            ),
            Grant(
                sid="FollowCanary",
                actions=("states:DescribeExecution", "states:GetExecutionHistory"),
                resources=(f"arn:aws:states:{self._region}:{ACCOUNT}:execution:{machine}:*",),
                wildcard_reason="Step Functions names the executions; the state machine is fixed.",
            ),
        )
