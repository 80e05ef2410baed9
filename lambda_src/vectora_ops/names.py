"""Names of everything that is deployed: `{project}-{thing}-{env}`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from vectora_shared.errors import ConfigurationError, UnknownWordError
from vectora_shared.keys import CANARY_CLIENT as CANARY_CLIENT
from vectora_shared.keys import DELIVERIES_PREFIX, DRAFTS_PREFIX, STATUS_PREFIX

EnvName = Literal["dev", "stage", "prod"]
StackLayer = Literal["s0-operations", "s0-core", "s0-iam", "s1-runtime", "s1-ingest-v2", "s2-monitoring"]
FunctionTask = Literal["ingest-v2", "normalize-score-v2", "newsletter-v2", "deliver-v2", "publish-configuration"]
OperationsTask = Literal["snapshot", "rollback", "smoke-test", "promotion", "watch"]
BucketContent = Literal[
    "config", "data", "newsletters", "lambda-code", "access-logs", "snapshots", "snapshots-access-logs"
]
# In the account or region of the backup; its log bucket's name is short because S3 accepts 63 characters.
CopyBucketContent = Literal["snapshots-copy", "snapshots-copy-logs"]
PipelineBucketContent = Literal["artifacts", "access-logs"]
LayerContent = Literal["vectora-core", "common-deps", "vectora-ops", "ops-deps"]
Frequency = Literal["daily", "weekly", "monthly"]

OPERATIONS_LAYER: StackLayer = "s0-operations"
# Key of the pipeline among environments, such as in `Account.elsewhere`; no environment has this name.
PIPELINE = "pipeline"
# In the order of deployment.
STACK_LAYERS: tuple[StackLayer, ...] = get_args(StackLayer)
FUNCTION_TASKS: tuple[FunctionTask, ...] = get_args(FunctionTask)
# The function of environments that send newsletters by e-mail; the others do not have it.
DELIVERY_TASK: FunctionTask = "deliver-v2"
OPERATIONS_TASKS: tuple[OperationsTask, ...] = get_args(OperationsTask)
BUCKETS: tuple[BucketContent, ...] = get_args(BucketContent)
COPY_BUCKETS: tuple[CopyBucketContent, ...] = get_args(CopyBucketContent)
PIPELINE_BUCKETS: tuple[PipelineBucketContent, ...] = get_args(PipelineBucketContent)
LAYERS: tuple[LayerContent, ...] = get_args(LayerContent)
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)

# Prefixes in the data and newsletter buckets that snapshots omit: the canary, drafts, records of deliveries, status.
OMITTED_PREFIXES = (
    f"curated/{CANARY_CLIENT}/",
    f"ingested/{CANARY_CLIENT}/",
    f"{CANARY_CLIENT}/",
    DRAFTS_PREFIX,
    DELIVERIES_PREFIX,
    STATUS_PREFIX,
)
# Parameters of promotions (vectora_ops.records).
LEDGER = "promotion/ledger"
DEPLOYMENT = "promotion/deployment"
HOLD = "promotion/hold"
BYPASS = "promotion/bypass"
FREEZE = "promotion/freeze"
ALARM = "promotion/alarm"
CLIENTS = "promotion/clients"
RETRY = "promotion/retry"
# Parameters of snapshots (vectora_ops.snapshots.anchors); no snapshot has the name of the second.
ANCHORS = "anchors"
FIRST_ANCHOR = "first"
# Policy by which releases are promoted into an environment, as its own stack has recorded it.
POLICY = "promotion/policy"
# Parameter of the pipeline with the approvals of changes to what is protected.
APPROVED_CHANGE = "approved-change"
# Variable of the pipeline's build that reports to the approver what a release changes.
REVIEW_VERDICT = "REVIEW_VERDICT"
# Key of the digests that snapshots hold instead of values of unknown variables.
WITHHOLDING_KEY = "withholding-key"
# Detail types of the EventBridge events that the rollback function handles.
STAGE_CHANGED = "CodePipeline Stage Execution State Change"
RUN_CHANGED = "Step Functions Execution Status Change"
# States of a stage whose deployment did not finish. CANCELED: the pipeline was updated meanwhile (CodePipeline user
# guide, Monitoring CodePipeline events).
UNFINISHED_STAGE_STATES = ("FAILED", "STOPPED", "CANCELED")
# Statuses of a run that wrote no newsletter (Step Functions, DescribeExecution).
FAILED_RUN_STATUSES = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Limit:
    """Longest name, in characters, that `service` accepts for a kind of resource."""

    service: str
    longest: int


# tests/unit/ops/test_names.py compares these with botocore's models and CloudFormation's schemas.
LIMITS: Mapping[str, Limit] = {
    "stack": Limit("CloudFormation", 128),  # CreateStack, API reference
    "bucket": Limit("S3", 63),  # S3 user guide, general purpose bucket naming rules
    "function": Limit("Lambda", 64),  # CreateFunction, API reference: 140 is the limit of an ARN
    "log group": Limit("CloudWatch Logs", 512),
    "layer": Limit("Lambda", 140),
    "topic": Limit("SNS", 256),
    "alarm": Limit("CloudWatch", 255),
    "dashboard": Limit("CloudWatch", 255),  # PutDashboard, API reference
    "rule": Limit("EventBridge", 64),
    "role": Limit("IAM", 64),
    "policy": Limit("IAM", 128),
    "state machine": Limit("Step Functions", 80),
    "schedule": Limit("EventBridge Scheduler", 64),
    "pipeline": Limit("CodePipeline", 100),
    "configuration set": Limit("SES", 64),  # API reference v2, CreateConfigurationSet
    "parameter": Limit("SSM", 1011),  # PutParameter, API reference: 2048 includes the ARN's prefix
}


@dataclass(frozen=True)
class Names:
    """Names in one environment of one project.

    `bucket_suffix`, which may be empty, is appended to bucket names, because they are unique across all AWS accounts.
    Methods raise ConfigurationError for a name that is longer than AWS accepts.
    """

    project: str
    env: EnvName
    bucket_suffix: str = ""

    def of(self, env: EnvName) -> Names:
        """Return the names in another environment of the same project."""
        return replace(self, env=env)

    def _named(self, kind: str, thing: str) -> str:
        return _within_limit(kind, f"{self.project}-{thing}-{self.env}")

    def stack(self, layer: StackLayer) -> str:
        return self._named("stack", layer)

    def bucket(self, content: BucketContent) -> str:
        return self._bucket(f"{self.project}-{content}-{self.env}")

    def copy_bucket(self, content: CopyBucketContent) -> str:
        """Return the name of a bucket of the vault's copy."""
        return self._bucket(f"{self.project}-{content}-{self.env}")

    @property
    def backup_stack(self) -> str:
        """Name of the stack with the vault's copy."""
        return self._named("stack", "backup")

    def pipeline_bucket(self, content: PipelineBucketContent) -> str:
        return self._bucket(f"{self.pipeline}-{content}")

    def pipeline_copies_bucket(self, region: str) -> str:
        """Return the name of the bucket with copies of the pipeline's artifacts in another region."""
        return self._bucket(f"{self.pipeline}-copies-{region}")

    def _bucket(self, name: str) -> str:
        return _within_limit("bucket", f"{name}-{self.bucket_suffix}" if self.bucket_suffix else name)

    def function(self, task: FunctionTask | OperationsTask) -> str:
        return self._named("function", task)

    def log_group(self, task: FunctionTask | OperationsTask) -> str:
        return _within_limit("log group", f"/aws/lambda/{self.function(task)}")

    def layer(self, content: LayerContent) -> str:
        return self._named("layer", content)

    def role(self, task: str) -> str:
        """Return the name of the role for `task`, such as the task of its function.

        Role names are unique in an account, regardless of their path (IAM user guide, "IAM identifiers"). They end in
        `role-{env}`, because roles without the path had the names without `role`.
        """
        return self._named("role", f"{task}-role")

    @property
    def role_path(self) -> str:
        """IAM path of the environment's roles, by which policies refer to all of them."""
        return f"/{self.project}/{self.env}/"

    @property
    def access_role_path(self) -> str:
        """IAM path of the roles that let other accounts and regions into an environment; no deployment changes them."""
        return f"/{self.project}/access/"

    @property
    def access_stack(self) -> str:
        """Name of the stack with the roles that let other accounts and regions into the environment."""
        return self._named("stack", "access")

    @property
    def relay(self) -> str:
        """Name of the function that relays steps of the pipeline to environments elsewhere, and of its role."""
        return _within_limit("function", f"{self.project}-pipeline-relay")

    @property
    def boundary(self) -> str:
        """Name of the managed policy that is the permissions boundary of the environment's roles."""
        return self._named("policy", "boundary")

    @property
    def execution_policy(self) -> str:
        """Name of the managed policy with which CloudFormation deploys the environment's stacks."""
        return self._named("policy", "execution")

    @property
    def pipeline_role_path(self) -> str:
        """IAM path of the pipeline's roles."""
        return f"/{self.project}/pipeline/"

    @property
    def pipeline_boundary(self) -> str:
        """Name of the managed policy that is the permissions boundary of the pipeline's roles."""
        return _within_limit("policy", f"{self.project}-boundary-pipeline")

    @property
    def pipeline_execution_policy(self) -> str:
        """Name of the managed policy with which CloudFormation deploys the pipeline's stack."""
        return _within_limit("policy", f"{self.project}-execution-pipeline")

    @property
    def bootstrap_qualifier(self) -> str:
        """Qualifier of the environment's own CDK bootstrap."""
        return bootstrap_qualifier(self.project, self.env)

    @property
    def toolkit_stack(self) -> str:
        """Name of the stack of the environment's CDK bootstrap."""
        return self._named("stack", "toolkit")

    @property
    def pipeline_bootstrap_qualifier(self) -> str:
        """Qualifier of the pipeline's own CDK bootstrap."""
        return bootstrap_qualifier(self.project, "tools")

    @property
    def pipeline_toolkit_stack(self) -> str:
        """Name of the stack of the pipeline's CDK bootstrap."""
        return _within_limit("stack", f"{self.project}-toolkit-pipeline")

    def topic(self, purpose: str) -> str:
        return self._named("topic", purpose)

    @property
    def pipeline(self) -> str:
        """Name of the pipeline, one for all environments; its stages are named after them."""
        return _within_limit("pipeline", f"{self.project}-pipeline")

    @property
    def review_function(self) -> str:
        """Name of the function that reviews a commit before the pipeline updates itself."""
        return _within_limit("function", f"{self.project}-review")

    def pipeline_parameter(self, path: str) -> str:
        """Return the name of an SSM parameter of the pipeline."""
        return _within_limit("parameter", f"/{self.project}/pipeline/{path}")

    def alarm(self, purpose: str) -> str:
        return self._named("alarm", purpose)

    @property
    def dashboard(self) -> str:
        """Name of the environment's dashboard; that of all environments has the pipeline's name."""
        return self._named("dashboard", "monitoring")

    def rule(self, purpose: str) -> str:
        return self._named("rule", purpose)

    @property
    def mail_configuration_set(self) -> str:
        """Name of the SES configuration set that newsletters are sent with."""
        return self._named("configuration set", "newsletters")

    @property
    def state_machine(self) -> str:
        return self._named("state machine", "newsletter")

    @property
    def state_machine_log_group(self) -> str:
        # This prefix keeps the resource policy of log delivery below its size limit (Step Functions guide, logging).
        return _within_limit("log group", f"/aws/vendedlogs/states/{self.state_machine}")

    def schedule(self, client_id: str, frequency: str) -> str:
        """Return the name of a schedule; `client_id` is a client's id, or the task of a scheduled function."""
        return self._named("schedule", f"{client_id}-{frequency}")

    @property
    def longest_client_id(self) -> int:
        """Longest client id, in characters, that fits the schedule names of every frequency."""
        return LIMITS["schedule"].longest - max(len(f"{self.project}--{each}-{self.env}") for each in FREQUENCIES)

    def parameter(self, path: str) -> str:
        """Return the name of an SSM parameter that stacks share, such as `roles/ingest-v2`."""
        return _within_limit("parameter", f"/{self.project}/{self.env}/{path}")

    @property
    def pubmed_api_key_parameter(self) -> str:
        """SecureString that operators create by hand, under its name in the running system."""
        return f"/rag-lai/{self.env}/pubmed/api-key"

    def check(self) -> None:
        """Raise ConfigurationError if a name that depends on no client is too long."""
        for _ in self._all_names():
            pass

    def _all_names(self) -> Iterator[str]:
        named_things: tuple[tuple[Callable[[Any], str], Sequence[str]], ...] = (
            (self.stack, STACK_LAYERS),
            (self.bucket, BUCKETS),
            (self.copy_bucket, COPY_BUCKETS),
            (self.pipeline_bucket, PIPELINE_BUCKETS),
            (self.log_group, (*FUNCTION_TASKS, *OPERATIONS_TASKS)),
            (self.layer, LAYERS),
        )
        for named, things in named_things:
            # The longest first, so that an error message quotes it.
            yield from (named(thing) for thing in sorted(things, key=len, reverse=True))
        yield self.state_machine_log_group
        yield self.mail_configuration_set


def bootstrap_qualifier(project: str, purpose: str) -> str:
    """Return a qualifier of at most 10 characters, the bootstrap template's limit, that differs between projects.

    It has the initials of the project's first two words, three digits of the project's digest, and the purpose.
    """
    initials = "".join(word[0] for word in project.split("-")[:2])
    digest = hashlib.sha256(project.encode("utf-8")).hexdigest()
    return f"{initials}{digest[:3]}{purpose}"


def _within_limit(kind: str, name: str) -> str:
    limit = LIMITS[kind]
    if len(name) > limit.longest:
        raise ConfigurationError(
            f"The {kind} would be named '{name}', which has {len(name)} characters; {limit.service} accepts at most "
            f"{limit.longest}. Shorten project or bucket_suffix in "
            "config/environments.yaml, or the client's id."
        )
    return name


def environment_name(name: str) -> EnvName:
    """Return `name` if it is an environment; otherwise raise ConfigurationError, which lists the environments."""
    environments: tuple[EnvName, ...] = get_args(EnvName)
    for env in environments:
        if env == name:
            return env
    # Not before it is needed: functions such as the smoke test load little, so that a change breaks little.
    from vectora_ops.unknown_names import unknown_name

    raise UnknownWordError(unknown_name("environment", name, environments))


def client_id_problems(environments: Iterable[Names], client_ids: Iterable[str]) -> list[str]:
    """Return a sentence for each client id that cannot be deployed in every environment.

    A client file is the same in all environments, so its id must fit the names of each.
    """
    names = min(environments, key=lambda each: each.longest_client_id)
    longest = names.longest_client_id
    problems = []
    known: dict[str, str] = {}
    for client_id in client_ids:
        if len(client_id) > longest:
            schedule = f"{names.project}-{client_id}-{max(FREQUENCIES, key=len)}-{names.env}"
            problems.append(
                f"Client id '{client_id}' has {len(client_id)} characters: its schedule '{schedule}' would have "
                f"{len(schedule)}, and EventBridge Scheduler accepts at most {LIMITS['schedule'].longest}. "
                f"Use an id of at most {longest} characters."
            )
        other = known.setdefault(schedule_id(client_id), client_id)
        if other != client_id:
            problems.append(
                f"Client ids '{other}' and '{client_id}' differ in underscores only, so that both would have the "
                f"schedule {schedule_id(client_id)} in CloudFormation: give one of them another id."
            )
    return problems


def schedule_id(client_id: str) -> str:
    """Return the logical id of a client's schedule. It must not change for deployed clients."""
    return "".join(word.capitalize() for word in client_id.split("_")) + "Schedule"
