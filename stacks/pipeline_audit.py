"""Acknowledgments of cdk-nag findings on the roles and projects of CDK Pipelines, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import pipelines

from stacks.build_access import OWN_POLICY, SYNTH_OUTPUT, TYPES_CACHE, artifact_keys, source_artifact
from stacks.review import RELEASES_PREFIX, REPORTS_PREFIX

ARTIFACTS = "Artifacts are named by the execution, and the bucket holds nothing else (CDK's grantRead, grantReadWrite)."
BUILD_LOGS = "CodeBuild names the log streams, and for the publishing role, which CDK shares, also the projects."
REPORTS = "CodeBuild names report groups after the project; none are made."
BOOTSTRAP_ROLES = "A denial limits it to the pipeline's own bootstrap, whose roles do the work."
LOOKS_FOR_STACKS = (
    "cdk deploy looks for the bootstrap's stack and bucket before it assumes its roles; it may only read."
)
OWN_ARTIFACTS = "CodePipeline ends the key of an artifact with random letters; the folder is that of one artifact."
KEPT = "Files of releases and reports are named by commits, source artifacts by random letters; the folders are fixed."
NOT_KMS = "Artifacts are encrypted with S3's own key: they hold what is in the repository, and no secret."
KEY_ACTIONS = ("kms:GenerateDataKey*", "kms:ReEncrypt*")
KEY_OF_ANOTHER_REGION = (
    "The id of a key in another region is unknown at synthesis: a condition names the key by its alias."
)
ARTIFACTS_KEY = "The key encrypts artifacts and nothing else (CDK's grantEncryptDecrypt)."
READ_ACTIONS = ("s3:GetObject*", "s3:GetBucket*", "s3:List*")
WRITE_ACTIONS = ("s3:DeleteObject*", "s3:Abort*")
LOGS = "arn:aws:logs:{region}:{account}:log-group:/aws/codebuild/{project}"
REPORT_GROUPS = "arn:aws:codebuild:{region}:{account}:report-group/{project}"


def acknowledge_nag_findings(
    delivery: pipelines.CodePipeline,
    artifacts: s3.Bucket,
    source_action: str,
    report_projects: Sequence[codebuild.IProject],
) -> None:
    """Acknowledge the findings of a pipeline that is built; a wildcard that is not listed here stays a finding."""
    stack = cdk.Stack.of(delivery)
    region = stack.region
    # cdk-nag writes the account of a stack that names none as a pseudo parameter.
    account = "<AWS::AccountId>" if cdk.Token.is_unresolved(stack.account) else stack.account
    place = {"region": region, "account": account}
    copies = (each.replication_bucket for each in delivery.pipeline.cross_region_support.values())
    buckets = (
        f"<{stack.get_logical_id(_resource(artifacts))}.Arn>/*",
        *(str(stack.resolve(copy.arn_for_objects("*"))) for copy in copies),
    )
    for construct in stack.node.find_all():
        if isinstance(construct, codebuild.CfnProject):
            _accept(construct, {"AwsSolutions-CB4": NOT_KMS})
        if not isinstance(construct, iam.CfnPolicy) or isinstance(construct.node.scope, cdk.Stage):
            continue
        path = construct.node.path.removeprefix(f"{stack.node.path}/")
        if path.startswith(("Pipeline/", "Delivery/")):
            _accept(construct, _iam5(action=READ_ACTIONS, resource=buckets, reason=ARTIFACTS))
            _accept(construct, _iam5(action=KEY_ACTIONS, reason=ARTIFACTS_KEY))
        if path.startswith("Pipeline/"):
            _accept(construct, _iam5(action=WRITE_ACTIONS, resource=(), reason=ARTIFACTS))
    for other in delivery.pipeline.cross_region_support:
        key = f"arn:aws:kms:{other}:{account}:key/*"
        _accept(_policy(delivery.pipeline.role), _iam5(resource=(key,), reason=KEY_OF_ANOTHER_REGION))
    own = delivery.synth_project.role.node.find_child(OWN_POLICY)  # type: ignore[union-attr]
    source_artifact_keys = artifact_keys(stack.stack_name, source_artifact(source_action))
    folders = (artifact_keys(stack.stack_name, SYNTH_OUTPUT), source_artifact_keys, f"{TYPES_CACHE}/*")
    keys = tuple(buckets[0].replace("*", each) for each in folders)
    _accept(_resource(own), _iam5(resource=keys, reason=OWN_ARTIFACTS))
    for each in report_projects:
        kept = (source_artifact_keys, f"{RELEASES_PREFIX}*", f"{REPORTS_PREFIX}*")
        own = each.role.node.find_child(OWN_POLICY)  # type: ignore[union-attr]
        _accept(_resource(own), _iam5(resource=tuple(buckets[0].replace("*", key) for key in kept), reason=KEPT))
    for project in (delivery.synth_project, delivery.self_mutation_project, *report_projects):
        role = project.role
        name = f"<{stack.get_logical_id(_resource(project))}>"
        policy = _policy(role)
        _accept(policy, _iam5(resource=(LOGS.format(**place, project=f"{name}:*"),), reason=BUILD_LOGS))
        _accept(policy, _iam5(resource=(REPORT_GROUPS.format(**place, project=f"{name}-*"),), reason=REPORTS))
    _accept(
        _policy(delivery.self_mutation_project.role),
        _iam5(resource=(f"arn:*:iam::{account}:role/*",), reason=BOOTSTRAP_ROLES),
    )
    _accept(_policy(delivery.self_mutation_project.role), _iam5(resource=("*",), reason=LOOKS_FOR_STACKS))
    publishing = delivery.node.find_child("Assets").node.find_child("FileRole")
    _accept(_policy(publishing), _iam5(resource=(LOGS.format(**place, project="*"),), reason=BUILD_LOGS))
    _accept(_policy(publishing), _iam5(resource=(REPORT_GROUPS.format(**place, project="*"),), reason=REPORTS))


def _iam5(*, reason: str, action: tuple[str, ...] = (), resource: tuple[str, ...] = ()) -> dict[str, str]:
    found = [f"Action::{each}" for each in action] + [f"Resource::{each}" for each in resource]
    return {f"AwsSolutions-IAM5[{each}]": reason for each in found}


def _accept(construct: cdk.CfnResource, reasons: dict[str, str]) -> None:
    acknowledgments = [cdk.Acknowledgment(id=rule, reason=reason) for rule, reason in reasons.items()]
    cdk.Validations.of(construct).acknowledge(*acknowledgments)


def _policy(role: object) -> cdk.CfnResource:
    assert isinstance(role, cdk.Resource | iam.Role)  # noqa: S101
    return _resource(role.node.find_child("DefaultPolicy"))


def _resource(construct: object) -> cdk.CfnResource:
    resource = construct.node.default_child  # type: ignore[attr-defined]
    assert isinstance(resource, cdk.CfnResource)  # noqa: S101
    return resource
