"""Permissions of the pipeline's builds, narrower than those that CDK Pipelines gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import pipelines

TYPES_CACHE = "types-cache"
SYNTH_OUTPUT = "Synth_Output"
# CodePipeline keeps so many characters of a pipeline's and an artifact's name in the key of an artifact (AWS re:Post,
# "Code Pipeline truncates folder names in output artifact S3 bucket"; its user guide shows keys with SourceArti/).
PIPELINE_LETTERS, ARTIFACT_LETTERS = 20, 10
OWN_POLICY = "OwnArtifacts"
Statement = Mapping[str, Any]
Keep = Callable[[Statement], bool]


def artifact_keys(pipeline: str, artifact: str) -> str:
    """Return the pattern of the keys of one of a pipeline's artifacts, of every execution."""
    return f"{pipeline[:PIPELINE_LETTERS]}/{artifact[:ARTIFACT_LETTERS]}*"


def source_artifact(action: str) -> str:
    """Return the name that CDK Pipelines gives to the output of a source action."""
    return re.sub(r"[^A-Za-z0-9_]", "_", action) + "_Source"


def narrow_builds(
    delivery: pipelines.CodePipeline, artifacts: s3.Bucket, pipeline_name: str, source_action: str
) -> None:
    """Let Synth, which runs the commit's code, use its own artifacts alone, and let no build start another one.

    CDK lets every build read and write all artifacts of all executions, and its publishing role start any project,
    whose buildspec StartBuild may override (CodeBuild API reference, StartBuild, buildspecOverride).
    """
    source = artifact_keys(pipeline_name, source_artifact(source_action))
    output, cache = artifact_keys(pipeline_name, SYNTH_OUTPUT), f"{TYPES_CACHE}/*"
    _let_use(delivery.synth_project.role, artifacts, reads=(source, cache), writes=(output, cache))
    publishing = delivery.node.find_child("Assets").node.find_child("FileRole")
    _keep(policy_of(publishing), lambda each: not _uses(each, "codebuild:StartBuild"))


def narrow_report_build(
    role: iam.IRole | None, artifacts: s3.Bucket, pipeline_name: str, source_action: str, *, reads: str, writes: str
) -> None:
    """Let a build that makes reports, and runs the commit's code, read the source and `reads`, and write `writes`."""
    source = artifact_keys(pipeline_name, source_artifact(source_action))
    _let_use(role, artifacts, reads=(source, reads), writes=(writes,))
    # Without it, S3 answers 403 instead of 404 for an object that is missing.
    _own_policy(role).add_statements(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[artifacts.bucket_arn]))


def _let_use(role: iam.IRole | None, artifacts: s3.Bucket, *, reads: Sequence[str], writes: Sequence[str]) -> None:
    """Replace what CDK lets a build do with objects by some keys to read and some to write."""
    _keep(policy_of(role), lambda each: not _uses(each, "s3:"))
    for actions, resources in (
        # CodeBuild reads location and owner of an artifact's bucket (CodeBuild user guide, service role).
        (("s3:GetBucketAcl", "s3:GetBucketLocation"), (artifacts.bucket_arn,)),
        (("s3:GetObject", "s3:GetObjectVersion"), tuple(map(artifacts.arn_for_objects, reads))),
        (("s3:PutObject",), tuple(map(artifacts.arn_for_objects, writes))),
    ):
        # Not through the role's default policy, whose statements on S3 are those that are removed.
        _own_policy(role).add_statements(iam.PolicyStatement(actions=list(actions), resources=list(resources)))


def _own_policy(role: iam.IRole | None) -> iam.Policy:
    assert role is not None  # noqa: S101
    policy = role.node.try_find_child(OWN_POLICY) or iam.Policy(role, OWN_POLICY, roles=[role])  # type: ignore[arg-type]
    assert isinstance(policy, iam.Policy)  # noqa: S101
    return policy


def policy_of(role: object) -> iam.Policy:
    """Return the policy that CDK attaches to a role."""
    policy = role.node.find_child("DefaultPolicy")  # type: ignore[attr-defined]
    assert isinstance(policy, iam.Policy)  # noqa: S101
    return policy


def _keep(policy: iam.Policy, keep: Keep) -> None:
    resource = policy.node.default_child
    assert isinstance(resource, iam.CfnPolicy)  # noqa: S101
    resource.policy_document = cdk.Lazy.any(_KeptStatements(policy, keep))


@jsii.implements(cdk.IStableAnyProducer)
class _KeptStatements:
    """A policy document without some statements, read when the template is written: CDK adds statements until then."""

    def __init__(self, policy: iam.Policy, keep: Keep) -> None:
        self._policy = policy
        self._keep = keep

    def produce(self) -> Any:
        document = cdk.Stack.of(self._policy).resolve(self._policy.document)
        return {**document, "Statement": [each for each in document["Statement"] if self._keep(each)]}


def _uses(statement: Statement, prefix: str) -> bool:
    actions: Sequence[str] | str = statement["Action"]
    return any(each.startswith(prefix) for each in ([actions] if isinstance(actions, str) else actions))
