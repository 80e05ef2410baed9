"""Settings of the environments and the pipeline: the models of config/environments.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from vectora_ops.aws_values import (
    LONGEST_REPOSITORY,
    Account,
    Branch,
    BudgetUsd,
    ParameterName,
    Region,
    Repository,
)
from vectora_ops.names import EnvName, Names, client_id_problems
from vectora_ops.schedules import Cron, TimeZone
from vectora_shared.config.delivery import Addresses, address_problem
from vectora_shared.config.section import MisfitError, Section, read_section
from vectora_shared.config.values import Distinct, ModelId, WebAddress
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

RemovalPolicy = Literal["retain", "destroy"]
# Retention periods, in days, that CloudWatch Logs accepts (PutRetentionPolicy, API reference).
LOG_RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)

LONGEST_PROJECT = 30
# Reserved prefixes of parameters (SSM user guide) and of buckets (S3 user guide, general purpose bucket naming rules).
RESERVED_PROJECT_PREFIXES = ("aws", "ssm", "sthree-", "amzn-s3-demo-")
RESERVED_BUCKET_SUFFIXES = ("-s3alias", "-an")


def _log_retention(days: int) -> int:
    if days not in LOG_RETENTION_DAYS:
        raise ValueError(f"CloudWatch Logs accepts only {', '.join(map(str, LOG_RETENTION_DAYS))} days")
    return days


def _project(name: str) -> str:
    if name.startswith(RESERVED_PROJECT_PREFIXES):
        raise ValueError(
            f"names of buckets or parameters that begin with {', '.join(RESERVED_PROJECT_PREFIXES)} are reserved by AWS"
        )
    return name


def _bucket_suffix(suffix: str) -> str:
    if f"-{suffix}".endswith(RESERVED_BUCKET_SUFFIXES):
        raise ValueError(f"names of buckets that end with {' or '.join(RESERVED_BUCKET_SUFFIXES)} are reserved by S3")
    return suffix


def _identity(identity: str) -> str:
    """Return a domain or an address, the domain in lower case; raise ValueError for anything else."""
    if problem := address_problem(identity if "@" in identity else f"x@{identity}"):
        raise ValueError(f"a domain or an address that is verified in SES is expected; this {problem}")
    local, at, domain = identity.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def _address(address: str) -> str:
    if problem := address_problem(address):
        raise ValueError(f"an e-mail address of a commit's author is expected; this {problem}")
    return address


Days = Annotated[int, Field(ge=1, le=3650)]
Percent = Annotated[float, Field(ge=0, le=100)]
Usd = Annotated[float, Field(gt=0)]


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
    retention_days: Annotated[int, AfterValidator(_log_retention)] = Field(
        description="days, as CloudWatch Logs allows"
    )


class Schedule(Section):
    """Schedules of newsletters, by the frequency of the client."""

    enabled: bool = Field(description="true or false")
    time_zone: TimeZone = Field(description="IANA time zone, such as Europe/Paris")
    daily: Cron = Field(description="cron(...) expression")
    weekly: Cron = Field(description="cron(...) expression")
    monthly: Cron = Field(description="cron(...) expression")


class Alarms(Section):
    failed_runs: Annotated[int, Field(ge=1)] = Field(description="failed runs in a day that roll back a new release")
    run_minutes: Annotated[int, Field(ge=1)] = Field(description="run duration in minutes that raises an alarm")
    noise_percent: Percent = Field(description="noise in a newsletter, in percent, that raises an alarm")


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


class Delivery(Section):
    """Sending of newsletters by e-mail from an environment."""

    mode: Literal["redirect", "recipients"] = Field(
        description="redirect (all messages go to redirect_to) or recipients (to the readers in the clients' files)"
    )
    identity: Annotated[str, AfterValidator(_identity)] = Field(
        description="domain or address that is verified in SES, and that the senders of all clients belong to"
    )
    redirect_to: Addresses = ()

    @model_validator(mode="after")
    def _redirect_has_addresses(self) -> Delivery:
        if (self.mode == "redirect") != bool(self.redirect_to):
            needed = "is needed with mode redirect" if self.mode == "redirect" else "is for mode redirect only"
            raise MisfitError((("redirect_to",), f"{needed}: addresses that get every newsletter of the environment"))
        return self

    def covers(self, sender: str) -> bool:
        """Return whether messages from this address may be sent: a domain covers its subdomains (SES guide)."""
        return any(fnmatchcase(sender, pattern) for pattern in self.sender_patterns)

    @property
    def sender_patterns(self) -> tuple[str, ...]:
        """Patterns of the senders that the identity covers, with * for any text."""
        return (self.identity,) if "@" in self.identity else (f"*@{self.identity}", f"*@*.{self.identity}")


class EnvironmentSettings(Section):
    account: Account | None = None
    region: Region = Field(description="AWS region, such as eu-west-3")
    model: Model = Field(description="a mapping: analyzer, fallback, id, region, routes_to and how it is called")
    logs: Logs = Field(description="a mapping: level, retention_days")
    removal_policy: RemovalPolicy = Field(description="retain or destroy")
    old_versions_days: Days = Field(description="days that noncurrent versions of objects are kept")
    adopted_old_versions_days: Days | None = Field(
        default=None,
        description="the same for the four buckets of the system that ran before this app; default: old_versions_days",
    )
    schedule: Schedule = Field(description="a mapping: enabled, time_zone, daily, weekly, monthly")
    alarms: Alarms = Field(description="a mapping: failed_runs, run_minutes, noise_percent")
    snapshots: Snapshots = Field(
        description="a mapping: keep_last, minimum_age_days, daily, daily_at, glacier_after_days"
    )
    promotion: Promotion = Field(description="a mapping of promotion gates")
    monthly_budget_usd: BudgetUsd = Field(description="US dollars a month")
    operators: Addresses = ()
    delivery: Delivery | None = None


@dataclass(frozen=True)
class Place:
    """Account and region that something is deployed to; without an account, to that of the caller."""

    account: str | None
    region: str


class Environments(Section):
    dev: EnvironmentSettings = Field(description="a mapping of settings")
    stage: EnvironmentSettings = Field(description="a mapping of settings")
    prod: EnvironmentSettings = Field(description="a mapping of settings")


class Pipeline(Section):
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
    bucket_suffix: (
        Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"), AfterValidator(_bucket_suffix)] | None
    ) = Field(
        default=None, description="lower-case letters, digits and single hyphens, appended to the names of buckets"
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
                key = "bucket_suffix" if self.bucket_suffix else "project"
                raise MisfitError(((key,), f"results in a name that AWS refuses: {str(error).rstrip('.')}")) from error
        return self

    def environment(self, name: str) -> EnvironmentSettings:
        """Return the settings of environment `name`; raise ConfigurationError if there is no such environment."""
        settings: EnvironmentSettings = getattr(self.environments, environment_name(name))
        return settings

    def names(self, env: str) -> Names:
        """Return the names in environment `env`; raise ConfigurationError if there is no such environment."""
        return Names(project=self.project, env=environment_name(env), bucket_suffix=self.bucket_suffix or "")

    def place(self, env: str) -> Place:
        """Return where environment `env` is deployed; raise ConfigurationError if there is no such environment."""
        settings = self.environment(env)
        return Place(account=settings.account, region=settings.region)

    @property
    def pipeline_place(self) -> Place:
        """Account and region of the pipeline; by default those of dev."""
        dev = self.environments.dev
        return Place(account=self.pipeline.account or dev.account, region=self.pipeline.region or dev.region)

    def is_beside_the_pipeline(self, env: str) -> bool:
        """Return whether environment `env` is in the pipeline's account and region."""
        return self.place(env) == self.pipeline_place

    def client_id_problems(self, client_ids: Iterable[str]) -> list[str]:
        """Return a sentence for each client id that cannot be deployed in every environment."""
        return client_id_problems(map(self.names, ENVIRONMENT_NAMES), client_ids)


# In the order in which commits are promoted.
ENVIRONMENT_NAMES: tuple[EnvName, ...] = get_args(EnvName)


def environment_name(name: str) -> EnvName:
    """Return `name` if it is an environment; otherwise raise ConfigurationError, which lists the environments."""
    for env in ENVIRONMENT_NAMES:
        if env == name:
            return env
    raise ConfigurationError(f"There is no environment '{name}': choose one of {', '.join(ENVIRONMENT_NAMES)}.")


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
    return read_section(Settings, parse_yaml("config/environments.yaml", content))
