"""The delivery pipeline: a commit goes through dev, stage and prod, past gates, with a snapshot before each."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import pipelines
from constructs import Construct

from stacks.approvals import Approvals
from stacks.artifact_copies import copies_by_region, limit_to_keys_of_copies
from stacks.assets.packages import LambdaPlatform, Packages
from stacks.assets.release import AUDIT_VARIABLE, CONTENT_VARIABLE, VERSION_VARIABLE, digest_variable
from stacks.build_access import PIPELINE_LETTERS, TYPES_CACHE, narrow_builds
from stacks.builds import (
    CHECK_COMPUTE,
    DEPLOY_COMPUTE,
    IMAGE,
    NPM_FILES,
    PUBLISH,
    SYNTH_COMMANDS,
    cdk_buildspec,
    review_commands,
    update_pipeline,
)
from stacks.component import KEEP
from stacks.dashboards import add_environments_dashboard
from stacks.environment import EnvironmentStage
from stacks.pipeline_access import (
    PipelineAccess,
    artifacts_key,
    crosses_accounts,
    invoked_function,
    let_publish_across_accounts,
    limit_self_mutation,
)
from stacks.pipeline_audit import acknowledge_nag_findings
from stacks.pipeline_boundary import bootstrap_versions, bound_roles
from stacks.places import require_named_accounts
from stacks.release_variables import ReleaseVariables
from stacks.review import Review
from vectora_constructs.lambda_step import LambdaStep
from vectora_constructs.notifications import Notifications
from vectora_ops.names import Names, OperationsTask, PipelineBucketContent
from vectora_ops.settings import ENVIRONMENT_NAMES, EnvironmentSettings, Settings, environment_before
from vectora_shared.errors import VectoraError

# A gate reads a few facts; a snapshot of millions of objects may take hours.
GATE_MINUTES, SNAPSHOT_MINUTES, SMOKE_TEST_MINUTES, RECORD_MINUTES = 10, 240, 30, 10
ARTIFACTS_DAYS = 90
CHECK_MINUTES, PUBLISH_MINUTES = 30, 30


class PipelineStack(cdk.Stack):
    """Stack `{project}-pipeline`; its pipeline has the same name, its stages those of the environments."""

    def __init__(self, scope: Construct, *, root: Path, settings: Settings, platform: LambdaPlatform) -> None:
        """Build the pipeline; raises ConfigurationError when accounts or regions differ and one is not named."""
        require_named_accounts(settings)
        place = settings.pipeline_place
        self._names = settings.pipeline_names
        name = self._names.pipeline
        super().__init__(
            scope,
            name,
            stack_name=name,
            description="Vectora Inbox, delivery: a commit goes through dev, stage and prod.",
            env=cdk.Environment(account=place.account, region=place.region),
            synthesizer=cdk.DefaultStackSynthesizer(
                qualifier=self._names.pipeline_bootstrap_qualifier, generate_bootstrap_version_rule=False
            ),
        )
        for key, value in (("Project", settings.project), ("Component", "pipeline"), ("ManagedBy", "aws-cdk")):
            cdk.Tags.of(self).add(key, value)
        self._settings = settings
        topic = Notifications(
            self, "PipelineTopic", topic_name=name, emails=settings.environment(ENVIRONMENT_NAMES[-1]).operators
        )
        self._topic = sns.Topic.from_topic_arn(self, "Approvers", topic.resource.ref)
        self._source = self._source_of_commits()
        self._approvals = Approvals(settings=settings, source=self._source, topic=self._topic)
        # Written by this build alone, below its artifacts.
        cache = f"s3://{self._names.pipeline_bucket('artifacts')}/{TYPES_CACHE}"
        self._synth = _synth(self._source, cache)
        logs = self._bucket("ArtifactsAccessLogsBucket", "access-logs")
        # The records of the review do not expire.
        folders = (f"{name[:PIPELINE_LETTERS]}/", f"{TYPES_CACHE}/")
        self._artifacts = self._bucket(
            "ArtifactsBucket", "artifacts", access_logs=logs, key=artifacts_key(self, settings), prefixes=folders
        )
        package = Packages(root, platform).review()
        review = Review(
            self, "Review", settings=settings, package=package, artifacts=self._artifacts, topic_arn=topic.resource.ref
        )
        delivery = self._delivery(name, root)
        for env in ENVIRONMENT_NAMES:
            self._add(delivery, EnvironmentStage(self, env, root=root, settings=settings, platform=platform), env)
        delivery.build_pipeline()
        self._let_the_source_use_the_connection()
        _install_the_locked_cdk_cli(delivery, root, self._names.review_function)
        self._let_the_cli_read_the_bootstraps_version(delivery)
        review.let_invoke(delivery)
        review.let_one_role_write_assemblies(self._artifacts, delivery.synth_project.role, name)
        narrow_builds(delivery, self._artifacts, name, self._source_action)
        self._approvals.limit_builds(review, self._artifacts, name, self._source_action)
        limit_self_mutation(delivery, settings)
        limit_to_keys_of_copies(delivery.pipeline.role, settings)
        add_environments_dashboard(self, settings)
        PipelineAccess(self, settings=settings, packages=Packages(root, platform), topic_arn=topic.resource.ref)
        bound_roles(self, self._names)
        acknowledge_nag_findings(delivery, self._artifacts, self._source_action, self._approvals.projects)

    # --- source, build and artifacts

    def _source_of_commits(self) -> pipelines.CodePipelineSource:
        chosen = self._settings.pipeline
        connection = cdk.CfnParameter(
            self,
            "ConnectionArn",
            type="AWS::SSM::Parameter::Value<String>",
            default=chosen.connection_arn_parameter,
            description="ARN of the CodeConnections connection to the repository",
        )
        self._connection_arn = connection.value_as_string
        return pipelines.CodePipelineSource.connection(
            chosen.repository,
            chosen.branch,
            connection_arn=self._connection_arn,
            trigger_on_push=True,
            action_name=self._source_action,
        )

    @property
    def _source_action(self) -> str:
        """Name of the source action: the repository's, in characters that every part of CodePipeline accepts."""
        return re.sub(r"[^A-Za-z0-9_-]", "_", self._settings.pipeline.repository)

    def _bucket(
        self,
        construct_id: str,
        content: PipelineBucketContent,
        *,
        access_logs: s3.IBucket | None = None,
        key: kms.IKey | None = None,
        prefixes: Sequence[str | None] = (None,),
    ) -> s3.Bucket:
        """Add a bucket whose objects below `prefixes` expire."""
        return s3.Bucket(
            self,
            construct_id,
            bucket_name=self._names.pipeline_bucket(content),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=access_logs,
            lifecycle_rules=[_expire(each) for each in prefixes],
            removal_policy=KEEP,
        )

    def _delivery(self, name: str, root: Path) -> pipelines.CodePipeline:
        crosses = crosses_accounts(self._settings)
        copies = copies_by_region(self, settings=self._settings, rules=[_expire()], is_shared=crosses)
        pipeline = codepipeline.Pipeline(
            self,
            "Pipeline",
            pipeline_name=name,
            pipeline_type=codepipeline.PipelineType.V2,
            # The newest commit overtakes those that wait, and never one that is being deployed or approved.
            execution_mode=codepipeline.ExecutionMode.SUPERSEDED,
            restart_execution_on_update=True,
            cross_account_keys=crosses,
            artifact_bucket=None if copies else self._artifacts,
            cross_region_replication_buckets=(
                {self._settings.pipeline_place.region: self._artifacts, **copies} if copies else None
            ),
        )
        return pipelines.CodePipeline(
            self,
            "Delivery",
            code_pipeline=pipeline,
            synth=self._synth,
            self_mutation=True,
            # One build for all assets: a new account runs few builds concurrently.
            publish_assets_in_parallel=False,
            cli_version=_pinned(root, "aws-cdk"),
            code_build_defaults=pipelines.CodeBuildOptions(
                build_environment=codebuild.BuildEnvironment(build_image=IMAGE, compute_type=DEPLOY_COMPUTE),
                timeout=cdk.Duration.minutes(PUBLISH_MINUTES),
            ),
        )

    def _let_the_cli_read_the_bootstraps_version(self, delivery: pipelines.CodePipeline) -> None:
        """Let the CLI check, before it publishes, whether the bootstrap is new enough: it uses the build's own role."""
        publishing = delivery.node.find_child("Assets").node.find_child("FileRole")
        assert isinstance(publishing, iam.Role)  # noqa: S101
        if versions := bootstrap_versions(self._settings):
            publishing.add_to_policy(iam.PolicyStatement(actions=["ssm:GetParameter"], resources=versions))
        let_publish_across_accounts(publishing, self._settings)

    def _let_the_source_use_the_connection(self) -> None:
        """Grant by the service's new prefix what CDK grants by its old one only.

        Connections made since July 2024 have ARNs of codeconnections, and IAM checks the prefix of the ARN (Developer
        Tools console user guide, "Connections rename").
        """
        action = self.node.find_child("Pipeline").node.find_child("Source").node.find_child(self._source_action)
        role = action.node.find_child("CodePipelineActionRole")
        assert isinstance(role, iam.Role)  # noqa: S101
        use = iam.PolicyStatement(actions=["codeconnections:UseConnection"], resources=[self._connection_arn])
        role.add_to_policy(use)

    # --- environments

    def _release(self, env: str) -> ReleaseVariables:
        return ReleaseVariables(
            digest=self._synth.exported_variable(digest_variable(env)),
            content_digest=self._synth.exported_variable(CONTENT_VARIABLE),
            version=self._synth.exported_variable(VERSION_VARIABLE),
            commit=self._source.source_attribute("CommitId"),
        )

    def _add(self, delivery: pipelines.CodePipeline, stage: EnvironmentStage, env: str) -> None:
        """Add an environment: gates, approval, operations stack, snapshot, other stacks, smoke test, record."""
        names, release = self._settings.names(env), self._release(env)
        first_after_operations = stage.stacks[1]
        snapshot = self._step(
            f"snapshot-{env}",
            names,
            "snapshot",
            timeout_minutes=SNAPSHOT_MINUTES,
            parameters=release.parameters("snapshot"),
        )
        smoke_test = self._step(
            f"smoke-test-{env}",
            names,
            "smoke-test",
            timeout_minutes=SMOKE_TEST_MINUTES,
            parameters=release.parameters("smoke-test"),
        )
        permission = self._permission(env, self._settings.environment(env), release)
        record = self._step(
            f"record-{env}",
            names,
            "promotion",
            timeout_minutes=RECORD_MINUTES,
            parameters={
                **release.parameters("record"),
                "snapshot": snapshot.variable("snapshot"),
                "smoke_test": smoke_test.variable("result"),
                "audit": self._synth.exported_variable(AUDIT_VARIABLE),
                **_bypass_variables(permission),
            },
        )
        delivery.add_stage(
            stage,
            pre=pipelines.Step.sequence(permission),
            # The operations stack brings the function that takes the snapshot.
            stack_steps=[pipelines.StackSteps(stack=first_after_operations, pre=[snapshot])],
            post=pipelines.Step.sequence([smoke_test, record]),
        )

    def _permission(self, env: str, settings: EnvironmentSettings, release: ReleaseVariables) -> list[pipelines.Step]:
        """Return the steps that must pass before anything in the environment changes."""
        before = environment_before(env)
        if before is None:
            return []
        source: Names = self._settings.names(before)
        gate = self._gate(f"gate-{env}", source, release)
        if not settings.promotion.requires_approval:
            return [gate]
        audit = self._synth.exported_variable(AUDIT_VARIABLE)
        approval = self._approvals.steps(env, gate, release, audit)
        # An approval may take days, in which a run may fail where the release soaks.
        return [gate, *approval, self._gate(f"gate-after-approval-{env}", source, release)]

    def _gate(self, name: str, source: Names, release: ReleaseVariables) -> LambdaStep:
        return self._step(
            name, source, "promotion", timeout_minutes=GATE_MINUTES, parameters=release.parameters("gate")
        )

    def _step(
        self,
        step_id: str,
        names: Names,
        task: OperationsTask,
        *,
        timeout_minutes: int,
        parameters: Mapping[str, str],
    ) -> LambdaStep:
        function_name, more = invoked_function(self._settings, names, task)
        return LambdaStep(
            step_id,
            function_name=function_name,
            timeout_minutes=timeout_minutes,
            parameters={**parameters, **more},
        )


def _synth(source: pipelines.CodePipelineSource, types_cache: str) -> pipelines.CodeBuildStep:
    """Check the project, and build everything that is deployed from the commit alone."""
    return pipelines.CodeBuildStep(
        "Synth",
        input=source,
        commands=list(SYNTH_COMMANDS),
        env={"TYPES_CACHE": types_cache},
        primary_output_directory="cdk.out",
        build_environment=codebuild.BuildEnvironment(compute_type=CHECK_COMPUTE),
        timeout=cdk.Duration.minutes(CHECK_MINUTES),
    )


def _bypass_variables(permission: list[pipelines.Step]) -> dict[str, str]:
    # Those of the last gate, which judged at the time of the deployment.
    gates = (each for each in permission if isinstance(each, LambdaStep))
    return {name: gate.variable(name) for gate in gates for name in ("bypassed", "bypass_reason")}


def _install_the_locked_cdk_cli(delivery: pipelines.CodePipeline, root: Path, review: str) -> None:
    """Let the builds that deploy and publish install the CDK CLI by package-lock.json, whose hashes npm verifies.

    CDK Pipelines would install it by its version alone, and publish by the package cdk-assets, whose newest, 4.7.3,
    refuses this library's asset manifests ("Maximum schema version supported is 54.x.x, but found 55.0.0"; compare
    aws/aws-cdk#32744). The publishing build reads its buildspec from the assembly, where CDK Pipelines has just
    written it; both builds find npm's files there too.
    """
    stack = cdk.Stack.of(delivery)
    assembly = Path(cdk.Stage.of(stack).outdir)  # type: ignore[union-attr]
    for name in NPM_FILES:
        shutil.copyfile(root / name, assembly / name)
    [file] = assembly.glob("buildspec-*-FileAsset.yaml")
    file.write_text(cdk_buildspec(PUBLISH) + "\n", encoding="utf-8")
    project = delivery.self_mutation_project.node.default_child
    assert isinstance(project, codebuild.CfnProject)  # noqa: S101
    project.add_property_override(
        "Source.BuildSpec", cdk_buildspec(update_pipeline(stack.stack_name), review_commands(review))
    )


def _expire(prefix: str | None = None) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        expiration=cdk.Duration.days(ARTIFACTS_DAYS),
        noncurrent_version_expiration=cdk.Duration.days(ARTIFACTS_DAYS),
        abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
        prefix=prefix,
    )


def _pinned(root: Path, package: str) -> str:
    """Return the version that package.json pins an npm package to; raises VectoraError when it pins none."""
    pinned: dict[str, str] = json.loads((root / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    if package not in pinned:
        raise VectoraError(f"package.json does not pin {package}, which the pipeline installs: add its version.")
    return pinned[package]
