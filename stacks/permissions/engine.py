"""Permissions of the engine's functions, of the newsletter workflow and of its schedules."""

from __future__ import annotations

from stacks.permissions.common import TRACE, assets_bucket_arn, lambda_basics
from vectora_constructs.service_role import Grant
from vectora_ops.delivery_settings import Delivery
from vectora_ops.names import DELIVERY_TASK, FunctionTask, Names
from vectora_ops.settings import EnvironmentSettings
from vectora_shared.keys import ANALYSES_PREFIX, DELIVERIES_PREFIX, DRAFTS_PREFIX

KEYS_ARE_DAYS = "Keys carry client, day and file name, which are not known when the role is made; the prefix is fixed."
CONTENT_IS_ADDED = "Canonical and client files are added with releases; the two prefixes are fixed."
ENGINE_TASKS: tuple[FunctionTask, ...] = ("ingest-v2", "normalize-score-v2", "newsletter-v2")
# Step Functions decides which executions it traces (Step Functions guide, "IAM policies for X-Ray").
TRACE_AND_SAMPLE = Grant(
    sid="WriteTraces",
    actions=(*TRACE.actions, "xray:GetSamplingRules", "xray:GetSamplingTargets"),
    resources=("*",),
    wildcard_reason="X-Ray's write and sampling actions know no resources (service authorization reference).",
)


class EngineGrants:
    """Grants of the engine in one environment, one method per role."""

    def __init__(self, *, names: Names, settings: EnvironmentSettings) -> None:
        self._names = names
        self._settings = settings
        self._config = f"arn:aws:s3:::{names.bucket('config')}"
        self._data = f"arn:aws:s3:::{names.bucket('data')}"
        self._newsletters = f"arn:aws:s3:::{names.bucket('newsletters')}"

    def ingest(self) -> tuple[Grant, ...]:
        """Return the grants of function ingest-v2."""
        parameter = self._names.pubmed_api_key_parameter
        return (
            *self._engine_function("ingest-v2"),
            self._read_data("ReadEarlierRuns", "ingested/*"),
            self._write_data("WriteIngestedItems", "ingested/*", f"{DRAFTS_PREFIX}ingested/*"),
            Grant(
                sid="ReadPubmedApiKey",
                actions=("ssm:GetParameter",),
                resources=(f"arn:aws:ssm:{self._settings.region}:${{AWS::AccountId}}:parameter{parameter}",),
            ),
        )

    def normalize_score(self) -> tuple[Grant, ...]:
        """Return the grants of function normalize-score-v2."""
        return (
            *self._engine_function("normalize-score-v2"),
            self._read_data("ReadIngestedItems", "ingested/*", f"{DRAFTS_PREFIX}ingested/*"),
            self._write_data("WriteCuratedItems", "curated/*", f"{DRAFTS_PREFIX}curated/*"),
            Grant(
                sid="ReuseAnalyses",
                actions=("s3:GetObject", "s3:PutObject"),
                resources=(f"{self._data}/{ANALYSES_PREFIX}*",),
                wildcard_reason="Keys are digests of requests to the model; the prefix is fixed.",
            ),
            Grant(sid="AskModel", actions=("bedrock:InvokeModel",), resources=self._model_arns()),
        )

    def newsletter(self) -> tuple[Grant, ...]:
        """Return the grants of function newsletter-v2."""
        return (
            *self._engine_function("newsletter-v2"),
            self._read_data(
                "ReadItemsAndReports",
                "curated/*",
                "ingested/*/report.json",
                f"{DRAFTS_PREFIX}curated/*",
                f"{DRAFTS_PREFIX}ingested/*/report.json",
            ),
            # What earlier issues published decides what is new.
            Grant(sid="ListNewsletters", actions=("s3:ListBucket",), resources=(self._newsletters,)),
            Grant(
                sid="ReadAndWriteNewsletters",
                actions=("s3:GetObject", "s3:PutObject"),
                resources=(f"{self._newsletters}/*",),
                wildcard_reason="The bucket holds newsletters only; its keys begin with the client's id.",
            ),
        )

    def deliver(self, delivery: Delivery) -> tuple[Grant, ...]:
        """Return the grants of function deliver-v2."""
        region = self._settings.region
        ses = f"arn:aws:ses:{region}:${{AWS::AccountId}}"
        return (
            *lambda_basics(self._names, region, DELIVERY_TASK),
            *self._read_configuration(),
            # Without it S3 answers 403 instead of 404 for an issue that was not delivered yet.
            Grant(sid="ListNewsletters", actions=("s3:ListBucket",), resources=(self._newsletters,)),
            Grant(
                sid="ReadIssues",
                actions=("s3:GetObject",),
                resources=tuple(f"{self._newsletters}/*/{name}" for name in ("newsletter.eml", "manifest.json")),
                wildcard_reason=KEYS_ARE_DAYS,
            ),
            Grant(
                sid="RecordDeliveries",
                actions=("s3:GetObject", "s3:PutObject"),
                resources=(f"{self._newsletters}/{DELIVERIES_PREFIX}*",),
                wildcard_reason=KEYS_ARE_DAYS,
            ),
            Grant(
                sid="SendMessages",
                # Raw messages are checked as ses:SendRawEmail, also with API v2 (django-anymail issue 384, nodemailer
                # issue 1734); AWS's documents name both (AWS Knowledge Center, "Unauthorized" error of SES).
                actions=("ses:SendEmail", "ses:SendRawEmail"),
                # In the sandbox, SES also checks the identity of each recipient (terraform-aws-ses issues 19 and 40).
                resources=(f"{ses}:identity/*",),
                wildcard_reason="Recipients may be identities as well; the condition limits the sender.",
                condition={"StringLike": {"ses:FromAddress": list(delivery.sender_patterns)}},
            ),
            Grant(
                sid="UseConfigurationSet",
                actions=("ses:SendEmail", "ses:SendRawEmail"),
                resources=(f"{ses}:configuration-set/{self._names.mail_configuration_set}",),
            ),
            Grant(
                sid="TellOperators",
                actions=("sns:Publish",),
                resources=(f"arn:aws:sns:{region}:${{AWS::AccountId}}:{self._names.topic('operations')}",),
            ),
        )

    def publish_configuration(self) -> tuple[Grant, ...]:
        """Return the grants of function publish-configuration."""
        return (
            *lambda_basics(self._names, self._settings.region, "publish-configuration"),
            self._list_configuration(),
            Grant(
                sid="PublishConfiguration",
                actions=("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
                resources=self._configuration_arns,
                wildcard_reason=CONTENT_IS_ADDED,
            ),
            Grant(
                sid="RecordPublication",
                actions=("s3:GetObject", "s3:PutObject"),
                resources=(f"{self._config}/published.json",),
            ),
            Grant(
                sid="ReadContentOfRelease",
                actions=("s3:GetObject",),
                resources=(f"{assets_bucket_arn(self._names, self._settings.region)}/*.zip",),
                wildcard_reason="Assets are named by the digest of their content, a new one each release.",
            ),
        )

    def workflow(self) -> tuple[Grant, ...]:
        """Return the grants of the newsletter workflow."""
        prefix = f"arn:aws:lambda:{self._settings.region}:${{AWS::AccountId}}:function"
        tasks = (*ENGINE_TASKS, *((DELIVERY_TASK,) if self._settings.delivery else ()))
        functions = tuple(f"{prefix}:{self._names.function(task)}" for task in tasks)
        return (
            Grant(sid="InvokeEngine", actions=("lambda:InvokeFunction",), resources=functions),
            Grant(
                sid="DeliverLogs",
                actions=(
                    "logs:CreateLogDelivery",
                    "logs:GetLogDelivery",
                    "logs:UpdateLogDelivery",
                    "logs:DeleteLogDelivery",
                    "logs:ListLogDeliveries",
                    "logs:PutResourcePolicy",
                    "logs:DescribeResourcePolicies",
                    "logs:DescribeLogGroups",
                ),
                resources=("*",),
                wildcard_reason="Log delivery actions know no resources (Step Functions guide, CloudWatch Logs).",
            ),
            TRACE_AND_SAMPLE,
        )

    def schedule(self) -> tuple[Grant, ...]:
        """Return the grants of the newsletter schedules."""
        region, state_machine = self._settings.region, self._names.state_machine
        arn = f"arn:aws:states:{region}:${{AWS::AccountId}}:stateMachine:{state_machine}"
        return (Grant(sid="StartRun", actions=("states:StartExecution",), resources=(arn,)),)

    def _engine_function(self, task: FunctionTask) -> tuple[Grant, ...]:
        return (
            *lambda_basics(self._names, self._settings.region, task),
            *self._read_configuration(),
            Grant(sid="ListData", actions=("s3:ListBucket",), resources=(self._data,)),
        )

    def _read_configuration(self) -> tuple[Grant, ...]:
        return (
            Grant(
                sid="ReadConfiguration",
                actions=("s3:GetObject",),
                resources=self._configuration_arns,
                wildcard_reason=CONTENT_IS_ADDED,
            ),
            self._list_configuration(),
        )

    @property
    def _configuration_arns(self) -> tuple[str, ...]:
        return (f"{self._config}/canonical/*", f"{self._config}/clients/*")

    def _list_configuration(self) -> Grant:
        # Without s3:ListBucket, S3 answers 403 instead of 404 for a missing object: a run could not name the file.
        return Grant(sid="ListConfiguration", actions=("s3:ListBucket",), resources=(self._config,))

    def _read_data(self, sid: str, *keys: str) -> Grant:
        return self._data_grant(sid, "s3:GetObject", *keys)

    def _write_data(self, sid: str, *keys: str) -> Grant:
        return self._data_grant(sid, "s3:PutObject", *keys)

    def _data_grant(self, sid: str, action: str, *keys: str) -> Grant:
        resources = tuple(f"{self._data}/{key}" for key in keys)
        return Grant(sid=sid, actions=(action,), resources=resources, wildcard_reason=KEYS_ARE_DAYS)

    def _model_arns(self) -> tuple[str, ...]:
        """Return the ARNs that Bedrock checks: the inference profile, and its model in each region it routes to."""
        model = self._settings.model
        models = tuple(
            f"arn:aws:bedrock:{region}::foundation-model/{model.foundation_model_id}" for region in model.routes_to
        )
        if not model.is_inference_profile:
            return models
        return (f"arn:aws:bedrock:{model.region}:${{AWS::AccountId}}:inference-profile/{model.id}", *models)
