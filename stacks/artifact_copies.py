"""Copies of the pipeline's artifacts in the regions of environments apart, from which CodePipeline deploys there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.build_access import policy_of
from stacks.component import KEEP
from vectora_ops.names import Names
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings


class ArtifactCopiesStack(cdk.Stack):
    """Stack `{project}-pipeline-copies-{region}`, with a bucket, and with a key when other accounts read it.

    CDK would add such a stack by itself, whose bucket and key have generated names that no policy can name.
    """

    def __init__(
        self,
        pipeline: cdk.Stack,
        *,
        settings: Settings,
        region: str,
        rules: Sequence[s3.LifecycleRule],
        is_shared: bool,
    ) -> None:
        """Add the stack to the app of `pipeline`, which is deployed after it; `is_shared` with other accounts."""
        names, place = settings.pipeline_names, settings.pipeline_place
        app = pipeline.node.scope
        assert isinstance(app, Construct)  # noqa: S101
        super().__init__(
            app,
            f"{names.pipeline}-copies-{region}",
            description=f"Vectora Inbox, delivery: copies of artifacts for deployments in {region}.",
            env=cdk.Environment(account=place.account, region=region),
            # The pipeline's bootstrap in this region: the deploy role of a bootstrap deploys to its own region only.
            synthesizer=cdk.DefaultStackSynthesizer(
                qualifier=names.pipeline_bootstrap_qualifier, generate_bootstrap_version_rule=False
            ),
        )
        for key, value in (("Project", settings.project), ("Component", "pipeline"), ("ManagedBy", "aws-cdk")):
            cdk.Tags.of(self).add(key, value)
        self.bucket = s3.Bucket(
            self,
            "Copies",
            bucket_name=names.pipeline_copies_bucket(region),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.KMS if is_shared else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self._key(key_alias(names)) if is_shared else None,
            bucket_key_enabled=True if is_shared else None,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=list(rules),
            removal_policy=KEEP,
        )
        cdk.Validations.of(self.bucket).acknowledge(
            cdk.Acknowledgment(id="AwsSolutions-S1", reason="It has copies; access to the artifacts is logged.")
        )
        pipeline.add_stack_dependency(self)

    def _key(self, alias: str) -> kms.Alias:
        """Return the alias of a new key: the id of a key is not known in the pipeline's region, its alias is."""
        key = kms.Key(
            self,
            "Key",
            description="Encrypts copies of the pipeline's artifacts, which deployments in other accounts read",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        return kms.Alias(self, "KeyAlias", alias_name=alias, target_key=key)


def regions_of_the_pipeline(settings: Settings) -> tuple[str, ...]:
    """Return the regions in which the pipeline has stacks: its own first, then those of environments elsewhere."""
    regions = (settings.pipeline_place.region, *(settings.place(env).region for env in ENVIRONMENT_NAMES))
    return tuple(dict.fromkeys(regions))


def copies_by_region(
    pipeline: cdk.Stack, *, settings: Settings, rules: Sequence[s3.LifecycleRule], is_shared: bool
) -> Mapping[str, s3.IBucket]:
    """Return a bucket for each region of an environment that is not the pipeline's; add its stack to the app."""
    return {
        region: ArtifactCopiesStack(pipeline, settings=settings, region=region, rules=rules, is_shared=is_shared).bucket
        for region in regions_of_the_pipeline(settings)[1:]
    }


def key_alias(names: Names) -> str:
    """Return the alias of the key of each bucket with copies."""
    return f"alias/{names.pipeline}-copies"


def limit_to_keys_of_copies(role: iam.IRole | None, settings: Settings) -> None:
    """Let the pipeline's role use keys in other regions by the alias of those of the copies only.

    CDK lets it use every key, because an alias is no resource of a policy on keys (KMS developer guide, "Specifying KMS
    keys in IAM policy statements" and "Use aliases to control access to KMS keys").
    """
    policy = policy_of(role)
    resource = policy.node.default_child
    assert isinstance(resource, iam.CfnPolicy)  # noqa: S101
    resource.policy_document = cdk.Lazy.any(_KeysByAlias(policy, settings))


@jsii.implements(cdk.IStableAnyProducer)
class _KeysByAlias:
    """A policy document whose statements name keys of other regions by their alias."""

    def __init__(self, policy: iam.Policy, settings: Settings) -> None:
        self._policy = policy
        self._settings = settings

    def produce(self) -> Any:
        document = cdk.Stack.of(self._policy).resolve(self._policy.document)
        return {**document, "Statement": [new for each in document["Statement"] for new in self._statements(each)]}

    def _statements(self, statement: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        if "*" not in resources or "kms:Decrypt" not in statement["Action"]:
            return [statement]
        account = self._settings.pipeline_place.account
        copies = {
            **statement,
            "Resource": [f"arn:aws:kms:{each}:{account}:key/*" for each in regions_of_the_pipeline(self._settings)[1:]],
            "Condition": {
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": key_alias(self._settings.pipeline_names)}
            },
        }
        others = [each for each in resources if each != "*"]
        return [*([{**statement, "Resource": others}] if others else []), copies]
