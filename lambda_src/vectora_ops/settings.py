"""Settings of the environments and the pipeline: the models of config/environments.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from vectora_ops.alarm_settings import Alarms, CostAnomalies, Percent, Usd, check_alarms, check_anomalies
from vectora_ops.aws_values import (
    LONGEST_REPOSITORY,
    Account,
    Branch,
    BucketSuffix,
    BudgetUsd,
    LogRetentionDays,
    ParameterName,
    Profile,
    Region,
    Repository,
    Role,
)
from vectora_ops.backup_settings import Backup, check_backup
from vectora_ops.contact import ContactAddress, without_parentheses
from vectora_ops.delivery_settings import Delivery, readers_problem
from vectora_ops.names import EnvName, Names, client_id_problems, environment_name
from vectora_ops.open_times import retry_problem, windows_problem
from vectora_ops.schedules import Cron, TimeZone
from vectora_ops.windows import Windows
from vectora_shared.config.delivery import Addresses, address_problem
from vectora_shared.config.section import MisfitError, Section, read_file
from vectora_shared.config.values import Distinct, ModelId, WebAddress
from vectora_shared.errors import ConfigurationError

RemovalPolicy = Literal["retain", "destroy"]
LONGEST_PROJECT = 30
# Reserved prefixes of parameters (SSM user guide) and of buckets (S3 user guide, general purpose bucket naming rules).
RESERVED_PROJECT_PREFIXES = ("aws", "ssm", "sthree-", "amzn-s3-demo-")


def _project(name: str) -> str:
    if name.startswith(RESERVED_PROJECT_PREFIXES):
        raise ValueError(
            f"names of buckets or parameters that begin with {', '.join(RESERVED_PROJECT_PREFIXES)} are reserved by AWS"
        )
    return name


def _address(address: str) -> str:
    if problem := address_problem(address):
        raise ValueError(f"an e-mail address of a commit's author is expected; this {problem}")
    return address


Days = Annotated[int, Field(ge=1, le=3650)]


class Model(Section):
    """Settings of the model: id, region, retries, and the fallback if a call fails."""

    analyzer: Literal["bedrock", "lexicon"] = Field(description="bedrock or lexicon")
    fallback: Literal["lexicon", "none"] = Field(description="lexicon or none")
    id: ModelId = Field(description="Bedrock inference profile or foundation model id")
    region: Region = Field(description="region the model is called in, such as eu-west-3")
    routes_to: Annotated[Distinct[Region], Field(min_length=1)] = Field(
        description="list of the regions that the inference profile routes to"
    )
    concurrency: Annotated[int, Field(ge=1, le=50)] = Field(description="concurrent model calls, 1 to 50")
    max_attempts: Annotated[int, Field(ge=1, le=20)] = Field(description="attempts of one model call, 1 to 20")
    retry_mode: Literal["adaptive", "standard"] = Field(
        description="adaptive (all calls slow down after throttling) or standard (each call waits on its own)"
    )

    @model_validator(mode="after")
    def _model_is_permitted_in_its_region(self) -> Model:
        # The function's role may use a model in these regions only (stacks.permissions.engine).
        if not self.is_inference_profile and self.region not in self.routes_to:
            raise MisfitError((("routes_to",), f"lacks {self.region}, where the model is called: add it"))
        return self

    @property
    def foundation_model_id(self) -> str:
        """Id of the model behind an inference profile: the profile's id without its geography."""
        geography, _, model = self.id.partition(".")
        return model if geography in ("eu", "us", "apac", "global") else self.id

    @property
    def is_inference_profile(self) -> bool:
        return self.foundation_model_id != self.id


class Logs(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(description="DEBUG, INFO, WARNING or ERROR")
    retention_days: LogRetentionDays = Field(description="days, as CloudWatch Logs allows")


class Schedule(Section):
    """Schedules of newsletters, by the frequency of the client."""

    enabled: bool = Field(description="true or false")
    time_zone: TimeZone = Field(description="IANA time zone, such as Europe/Paris")
    daily: Cron = Field(description="cron(...) expression")
    weekly: Cron = Field(description="cron(...) expression")
    monthly: Cron = Field(description="cron(...) expression")


class Snapshots(Section):
    keep_last: Annotated[int, Field(ge=1)] | None = None
    minimum_age_days: Days = Field(description="days during which a snapshot is not deleted and its data is locked")
    glacier_after_days: Annotated[int, Field(ge=30, le=3650)] | None = None
    daily: bool = Field(description="true or false: a snapshot every day, in addition to those before deployments")
    daily_at: Cron = Field(description="cron(...) expression, in the schedule's time zone")


class Promotion(Section):
    """Gates that a release must pass in the preceding environment to be promoted into this one."""

    requires_smoke_test: bool = Field(description="true or false")
    requires_end_to_end_test: bool = False
    requires_approval: bool = False
    soak_days: Annotated[int, Field(ge=0, le=90)] = 0
    minimum_runs: Annotated[int, Field(ge=0)] = 0
    maximum_noise_percent: Percent = 100.0
    maximum_run_cost_usd: Usd | None = None
    requires_client_versions_forward: bool = False
    retry_at: Cron | None = None
    watch_hours: Annotated[int, Field(ge=0, le=336)] = 0
    windows: tuple[Windows, ...] = Field(
        default=(), description="list of times without promotions: time_zone, open, closed, holidays, freezes"
    )

    @model_validator(mode="after")
    def _windows_open(self) -> Promotion:
        if problem := windows_problem(self.windows, len(self.model_dump_json(exclude_defaults=True))):
            raise MisfitError((("windows",), problem))
        return self

    @property
    def judges_runs(self) -> bool:
        """True if the gates judge runs of the release in the preceding environment, not only its smoke test."""
        return bool(
            self.soak_days
            or self.minimum_runs
            or self.maximum_noise_percent < 100
            or self.maximum_run_cost_usd is not None
            or self.requires_end_to_end_test
            or self.requires_client_versions_forward
        )


class OperatorAccess(Section):
    """Credentials with which `./vectora` works in an account; by default those of the default credentials chain."""

    profile: Profile | None = Field(default=None, description="AWS profile that ./vectora uses; --profile replaces it")
    operator_role: Role | None = Field(
        default=None, description="name or ARN of the role that ./vectora assumes with the profile's credentials"
    )


class EnvironmentSettings(OperatorAccess):
    account: Account | None = None
    region: Region = Field(description="AWS region, such as eu-west-3")
    bucket_suffix: BucketSuffix | None = Field(
        default=None, description="as the project's bucket_suffix, for the buckets of this environment"
    )
    backup: Backup | None = None
    model: Model = Field(description="a mapping: analyzer, fallback, id, region, routes_to and how it is called")
    logs: Logs = Field(description="a mapping: level, retention_days")
    removal_policy: RemovalPolicy = Field(description="retain or destroy")
    old_versions_days: Days = Field(description="days that noncurrent versions of objects are kept")
    adopted_old_versions_days: Days | None = Field(
        default=None,
        description="the same for the four buckets of the system that ran before this app; default: old_versions_days",
    )
    schedule: Schedule = Field(description="a mapping: enabled, time_zone, daily, weekly, monthly")
    alarms: Alarms = Field(description="a mapping of thresholds, and of alarms by severity: page, ticket")
    snapshots: Snapshots = Field(
        description="a mapping: keep_last, minimum_age_days, daily, daily_at, glacier_after_days"
    )
    promotion: Promotion = Field(description="a mapping of promotion gates")
    monthly_budget_usd: BudgetUsd = Field(description="US dollars a month")
    cost_anomalies: CostAnomalies | None = None
    operators: Addresses = ()
    delivery: Delivery | None = None

    @property
    def is_adopted(self) -> bool:
        """True if a system that ran before this app was adopted in the environment."""
        return self.adopted_old_versions_days is not None

    @model_validator(mode="after")
    def _backup_is_elsewhere(self) -> EnvironmentSettings:
        check_backup(self.backup, self.account, self.region)
        return self

    @model_validator(mode="after")
    def _alarms_have_readers_and_data(self) -> EnvironmentSettings:
        check_alarms(self.alarms, has_operators=bool(self.operators), daily_snapshots=self.snapshots.daily)
        return self


@dataclass(frozen=True)
class Location:
    """Account and region that something is deployed to; without an account, to that of the caller."""

    account: str | None
    region: str


class Environments(Section):
    dev: EnvironmentSettings = Field(description="a mapping of settings")
    stage: EnvironmentSettings = Field(description="a mapping of settings")
    prod: EnvironmentSettings = Field(description="a mapping of settings")


class Pipeline(OperatorAccess):
    """Settings of the pipeline: its account and region, its repository, its connection and its approvals."""

    account: Account | None = None
    region: Region | None = Field(default=None, description="AWS region of the pipeline; default: the region of dev")
    repository: Repository = Field(
        description=f"owner/name, as the connection knows it, at most {LONGEST_REPOSITORY} characters"
    )
    branch: Branch = Field(description="name of the branch whose commits are promoted")
    connection_arn_parameter: ParameterName = Field(
        description="SSM parameter that holds the ARN of the CodeConnections connection"
    )
    web_address: WebAddress = Field(
        description="https address of the repository's web page, where /compare/A...B shows changes"
    )
    approval_days: Annotated[int, Field(ge=1, le=7)] = Field(
        description="days after which a pending approval expires, 1 to 7"
    )
    # A git author's address, and the name of the IAM user or of the role session that is the same person.
    people: dict[Annotated[str, AfterValidator(_address)], Annotated[str, Field(min_length=1, max_length=128)]] = Field(
        default={}, description="a mapping of commit authors' e-mail addresses to their names in AWS"
    )


class Settings(Section):
    """Settings of all environments: the content of config/environments.yaml."""

    project: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=LONGEST_PROJECT),
        AfterValidator(_project),
    ] = Field(description=f"lower-case prefix of all deployed names, at most {LONGEST_PROJECT} characters")
    bucket_suffix: BucketSuffix | None = Field(
        default=None, description="lower-case letters, digits and single hyphens, appended to the names of buckets"
    )
    contact: ContactAddress | None = Field(
        default=None,
        description="e-mail or https address at which owners of news sites reach you, sent to them in the User-Agent; "
        "default: pipeline.web_address",
    )
    environments: Environments = Field(description="a mapping: dev, stage, prod")
    pipeline: Pipeline = Field(
        description="a mapping: repository, branch, connection_arn_parameter, web_address, approval_days"
    )

    @model_validator(mode="after")
    def _names_fit(self) -> Settings:
        for env in sorted(ENVIRONMENT_NAMES, key=len, reverse=True):
            try:
                self.names(env).check()
            except ConfigurationError as error:
                raise MisfitError(
                    (self._key_of_names(env), f"results in a name that AWS refuses: {str(error).rstrip('.')}")
                ) from error
        return self

    @model_validator(mode="after")
    def _windows_can_be_met(self) -> Settings:
        for env in ENVIRONMENT_NAMES:
            policy, before = self.environment(env).promotion, environment_before(env)
            path = ("environments", env, "promotion")
            if policy.windows and before is None:
                raise MisfitError(((*path, "windows"), f"has no effect: nothing is promoted into {env}, so remove it"))
            zone = self.environment(before).schedule.time_zone if before else ""
            if policy.retry_at and (problem := retry_problem(policy.windows, policy.retry_at, zone)):
                raise MisfitError(((*path, "retry_at"), problem))
        return self

    @model_validator(mode="after")
    def _approvers_are_known(self) -> Settings:
        last = ENVIRONMENT_NAMES[-1]
        if not self.environment(last).operators:
            # The pipeline's topic has the same readers (stacks.pipeline).
            what = "is missing: name who receives the pages, holds and approvals of the last environment"
            raise MisfitError((("environments", last, "operators"), f"{what}, such as [ann@example.org]"))
        return self

    @model_validator(mode="after")
    def _one_monitor_for_each_account(self) -> Settings:
        check_anomalies({env: self.environment(env) for env in ENVIRONMENT_NAMES})
        return self

    @model_validator(mode="after")
    def _readers_get_an_issue_once(self) -> Settings:
        for env in ENVIRONMENT_NAMES[:-1]:
            settings = self.environment(env)
            if problem := readers_problem(settings.delivery, scheduled=settings.schedule.enabled):
                raise MisfitError((("environments", env, "delivery", "mode"), problem))
        return self

    def _key_of_names(self, env: str) -> tuple[str, ...]:
        if self.environment(env).bucket_suffix:
            return ("environments", env, "bucket_suffix")
        return ("bucket_suffix",) if self.bucket_suffix else ("project",)

    def environment(self, name: str) -> EnvironmentSettings:
        """Return the settings of environment `name`; raise ConfigurationError if there is no such environment."""
        settings: EnvironmentSettings = getattr(self.environments, environment_name(name))
        return settings

    def names(self, env: str) -> Names:
        """Return the names in environment `env`; raise ConfigurationError if there is no such environment."""
        suffix = self.environment(env).bucket_suffix or self.bucket_suffix or ""
        return Names(project=self.project, env=environment_name(env), bucket_suffix=suffix)

    @property
    def contact_address(self) -> str:
        """Address at which owners of news sites reach the operator; by default the repository's web page."""
        return self.contact or without_parentheses(self.pipeline.web_address)

    @property
    def pipeline_names(self) -> Names:
        """Names of the pipeline, whose buckets have the project's own suffix."""
        return Names(project=self.project, env=ENVIRONMENT_NAMES[0], bucket_suffix=self.bucket_suffix or "")

    def place(self, env: str) -> Location:
        """Return where environment `env` is deployed; raise ConfigurationError if there is no such environment."""
        settings = self.environment(env)
        return Location(account=settings.account, region=settings.region)

    @property
    def pipeline_place(self) -> Location:
        """Account and region of the pipeline; by default those of dev."""
        dev = self.environments.dev
        return Location(account=self.pipeline.account or dev.account, region=self.pipeline.region or dev.region)

    def is_beside_the_pipeline(self, env: str) -> bool:
        """Return whether environment `env` is in the pipeline's account and region."""
        return self.place(env) == self.pipeline_place

    def client_id_problems(self, client_ids: Iterable[str]) -> list[str]:
        """Return a sentence for each client id that cannot be deployed in every environment."""
        return client_id_problems(map(self.names, ENVIRONMENT_NAMES), client_ids)


# In the order in which commits are promoted.
ENVIRONMENT_NAMES: tuple[EnvName, ...] = get_args(EnvName)


def environment_after(env: str) -> EnvName | None:
    """Return the environment that releases are promoted into from `env`; None for the last one."""
    following = ENVIRONMENT_NAMES[ENVIRONMENT_NAMES.index(environment_name(env)) + 1 :]
    return following[0] if following else None


def environment_before(env: str) -> EnvName | None:
    """Return the environment that releases are promoted from into `env`; None for the first one."""
    position = ENVIRONMENT_NAMES.index(environment_name(env))
    return ENVIRONMENT_NAMES[position - 1] if position else None


def load_settings(root: Path) -> Settings:
    """Return the settings of the repository at `root`.

    Raises ConfigurationError that names file, line and key of every error.
    """
    path = root / "config" / "environments.yaml"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} is missing: add the file.") from error
    return read_file(Settings, "config/environments.yaml", content)
