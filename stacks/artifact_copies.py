"""Copies of the pipeline's artifacts in the regions of environments apart, from which CodePipeline deploys there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from stacks.component import KEEP
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
        super().__init__(
            pipeline.node.scope,
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
            encryption_key=self._key(f"alias/{names.pipeline}-copies") if is_shared else None,
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
