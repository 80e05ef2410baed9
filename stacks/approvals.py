"""Approvals of the pipeline: a build reports what the release changes, and a person decides."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import pipelines

from stacks.build_access import narrow_report_build
from stacks.builds import DEPLOY_COMPUTE, REPORT_COMMANDS
from stacks.release_variables import ReleaseVariables
from stacks.review import RELEASES_PREFIX, REPORTS_PREFIX, Review
from vectora_constructs.approval_step import ApprovalStep
from vectora_constructs.lambda_step import LambdaStep
from vectora_ops.names import REVIEW_VERDICT
from vectora_ops.notifications import REASON_TO_REJECT
from vectora_ops.settings import Settings

# It installs the checkout's tools; the report itself takes seconds.
REPORT_MINUTES = 15


class Approvals:
    """Steps of an approval, for each environment that requires one."""

    def __init__(self, *, settings: Settings, source: pipelines.CodePipelineSource, topic: sns.ITopic) -> None:
        self._settings = settings
        self._source = source
        self._topic = topic
        self._reports: list[pipelines.CodeBuildStep] = []

    @property
    def projects(self) -> tuple[codebuild.IProject, ...]:
        """Projects that make the reports, once the pipeline is built."""
        return tuple(each.project for each in self._reports)

    def steps(self, env: str, gate: LambdaStep, release: ReleaseVariables, audit: str) -> list[pipelines.Step]:
        """Return the steps after `gate`, which knows what is deployed: a report for the approver, and the approval."""
        pipeline = self._settings.pipeline
        since = gate.variable("since")
        key = f"{REPORTS_PREFIX}{release.commit}-since-{since}"
        report = self._report(env, since, release.commit, key)
        approval = ApprovalStep(
            f"approval-{env}",
            information=(
                f"Release {release.version}, digest {release.digest}, commit {release.commit}, into {env}. "
                f"{gate.variable('changes')} Review: {report.exported_variable(REVIEW_VERDICT)} "
                f"Gates bypassed: {gate.variable('bypassed')}. Known vulnerabilities: {audit}. "
                f"Verdicts: ./vectora promote explain --to {env}; approve: ./vectora promote approve --to {env}; "
                f'reject: ./vectora promote reject --to {env} --reason "{REASON_TO_REJECT}"'
            ),
            link=self._address(f"{key}.html"),
            topic=self._topic,
            expires_after_days=pipeline.approval_days,
        )
        return [report, approval]

    def limit_builds(self, review: Review, artifacts: s3.Bucket, pipeline: str, source_action: str) -> None:
        """Let the builds of the finished pipeline read what they compare with, and no one else write reports."""
        roles: list[iam.IRole] = []
        for project in self.projects:
            role = project.role
            assert role is not None  # noqa: S101
            keys = {"reads": f"{RELEASES_PREFIX}*", "writes": f"{REPORTS_PREFIX}*"}
            narrow_report_build(role, artifacts, pipeline, source_action, **keys)
            roles.append(role)
        if roles:
            review.let_builds_write_reports(artifacts, roles)

    def _report(self, env: str, since: str, commit: str, key: str) -> pipelines.CodeBuildStep:
        step = pipelines.CodeBuildStep(
            f"report-{env}",
            input=self._source,
            commands=list(REPORT_COMMANDS),
            env={
                "BUCKET": self._bucket,
                "SINCE": since,
                "COMMIT": commit,
                "KEY": key,
                "LINES_AT": f"{self._settings.pipeline.web_address}/compare/{since}...{commit}",
            },
            build_environment=codebuild.BuildEnvironment(compute_type=DEPLOY_COMPUTE),
            timeout=cdk.Duration.minutes(REPORT_MINUTES),
        )
        self._reports.append(step)
        return step

    @property
    def _bucket(self) -> str:
        return self._settings.pipeline_names.pipeline_bucket("artifacts")

    def _address(self, key: str) -> str:
        """Return the address of an object in the S3 console, which opens it for people who may read it."""
        region = self._settings.pipeline_place.region
        return f"https://{region}.console.aws.amazon.com/s3/object/{self._bucket}?region={region}&prefix={key}"
