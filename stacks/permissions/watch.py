"""Permissions of function watch: reading, and invoking the preceding environment's judge."""

from __future__ import annotations

from stacks.permissions.access import assume
from stacks.permissions.environment import ACCOUNT, CONTENT_BY_KEY, STACKS_OF_THE_ENVIRONMENT, EnvironmentGrants
from vectora_constructs.service_role import Grant
from vectora_ops.names import BYPASS, DEPLOYMENT, FREEZE, LEDGER, OPERATIONS_LAYER, PIPELINE, POLICY, BucketContent
from vectora_shared.keys import STATUS_PAGE_KEY


class WatchGrants(EnvironmentGrants):
    """Grants of function watch of one environment."""

    def watch(self, *, sees_approvals: bool) -> tuple[Grant, ...]:
        """Return the grants of function watch; `sees_approvals` where the pipeline waits for an approval."""
        return (
            *self._read_vault(),
            *self._read_deployed(),
            self._read_records(LEDGER, DEPLOYMENT, BYPASS, FREEZE, POLICY),
            *self._read_runs_and_files(),
            *self._write_status_page(),
            *self.ask_preceding(),
            *(self._see_pipeline() if sees_approvals else ()),
            Grant(sid="TellOperators", actions=("sns:Publish",), resources=(self._topic_arn,)),
        )

    def ask_preceding(self) -> tuple[Grant, ...]:
        """Return the grant to let the preceding environment judge what it gives."""
        if self._preceding is None:
            return ()
        if route := self._elsewhere.routes.get(self._preceding.env):
            return (assume("AskEnvironmentBefore", route.role_arn),)
        judge = self._function_arn("promotion", self._preceding)
        return (Grant(sid="AskEnvironmentBefore", actions=("lambda:InvokeFunction",), resources=(judge,)),)

    def _read_runs_and_files(self) -> tuple[Grant, ...]:
        """Return the grants to read reports of ingestions, manifests of newsletters, and the published files."""
        config, data, newsletters = self._buckets
        return (
            Grant(sid="ListContent", actions=("s3:ListBucket",), resources=self._buckets),
            Grant(
                sid="ReadReports",
                actions=("s3:GetObject",),
                resources=(
                    f"{data}/ingested/*/report.json",
                    f"{newsletters}/*/manifest.json",
                    f"{config}/clients/*",
                    f"{config}/canonical/*",
                    f"{config}/published.json",
                ),
                wildcard_reason=CONTENT_BY_KEY,
            ),
        )

    def _write_status_page(self) -> tuple[Grant, ...]:
        """Return the grants to write the page, and to read what it shows beside the gauges: stacks, alarms, sizes."""
        account, region, names = ACCOUNT, self._region, self._names
        others: tuple[BucketContent, ...] = ("lambda-code", "access-logs", "snapshots-access-logs")
        return (
            Grant(
                sid="WriteStatusPage",
                actions=("s3:PutObject",),
                resources=(f"arn:aws:s3:::{names.bucket('newsletters')}/{STATUS_PAGE_KEY}",),
            ),
            Grant(
                sid="ReadOperationsStack",
                actions=("cloudformation:DescribeStacks", "cloudformation:ListStackResources"),
                resources=(f"arn:aws:cloudformation:{region}:{account}:stack/{names.stack(OPERATIONS_LAYER)}/*",),
                wildcard_reason=STACKS_OF_THE_ENVIRONMENT,
            ),
            Grant(
                sid="MeasureBuckets",
                actions=("s3:ListBucket",),
                resources=tuple(f"arn:aws:s3:::{names.bucket(each)}" for each in others),
            ),
            Grant(
                sid="MeasureFunctions",
                actions=("lambda:GetFunctionConfiguration",),
                resources=(f"arn:aws:lambda:{region}:{account}:function:{names.project}-*-{names.env}",),
                wildcard_reason="The functions of the environment, also those of other releases.",
            ),
            Grant(
                sid="MeasureLogs",
                actions=("logs:DescribeLogGroups",),
                resources=("*",),
                wildcard_reason="Log groups are listed by prefix; the permission is checked on all of them.",
            ),
            Grant(
                sid="ReadAlarms",
                actions=("cloudwatch:DescribeAlarms",),
                resources=(f"arn:aws:cloudwatch:{region}:{account}:alarm:*",),
                wildcard_reason="Alarms are listed by prefix; the permission is checked on all of them.",
            ),
        )

    def _see_pipeline(self) -> tuple[Grant, ...]:
        if route := self._elsewhere.routes.get(PIPELINE):
            return (assume("SeePipeline", route.role_arn),)
        return (Grant(sid="SeePipeline", actions=("codepipeline:GetPipelineState",), resources=(self._pipeline_arn,)),)
