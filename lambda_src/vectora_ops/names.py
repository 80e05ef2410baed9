"""Names of everything that is deployed: `{project}-{thing}-{env}`, as in the running system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vectora_shared.errors import ConfigurationError

# The stacks of an environment in the order they are deployed.
OPERATIONS_LAYER = "s0-operations"
STACK_LAYERS = (OPERATIONS_LAYER, "s0-core", "s0-iam", "s1-runtime", "s1-ingest-v2")
FUNCTION_TASKS = ("ingest-v2", "normalize-score-v2", "newsletter-v2", "publish-configuration")
OPERATIONS_TASKS = ("snapshot", "rollback", "smoke-test", "promotion")
# The client whose newsletter is a test.
CANARY_CLIENT = "canary"
# Parameters of promotions (vectora_ops.records).
LEDGER = "promotion/ledger"
DEPLOYMENT = "promotion/deployment"
HOLD = "promotion/hold"
BYPASS = "promotion/bypass"
ALARM = "promotion/alarm"
CLIENTS = "promotion/clients"
RETRY = "promotion/retry"
# Events, as EventBridge calls them, that the rollback function reacts to.
STAGE_CHANGED = "CodePipeline Stage Execution State Change"
RUN_CHANGED = "Step Functions Execution Status Change"
# States of a stage in which a deployment ended halfway; CANCELED: the pipeline was updated meanwhile (CodePipeline
# user guide, Monitoring CodePipeline events).
UNFINISHED_STAGE_STATES = ("FAILED", "STOPPED", "CANCELED")
# Statuses of a run that made no newsletter (Step Functions, DescribeExecution).
FAILED_RUN_STATUSES = ("FAILED", "TIMED_OUT", "ABORTED")
# The alarm on record when as many runs failed in a day as the environment's settings say.
FAILED_RUNS = "failed-runs"


# The buckets, layers and frequencies of an environment.
BUCKETS = ("config", "data", "newsletters", "lambda-code", "access-logs", "snapshots", "snapshots-access-logs")
PIPELINE_BUCKETS = ("artifacts", "access-logs")
LAYERS = ("vectora-core", "common-deps", "vectora-ops", "ops-deps")
FREQUENCIES = ("daily", "weekly", "monthly")


@dataclass(frozen=True)
class Limit:
    """The longest name of a kind of resource that AWS accepts; `service` calls it so in the message."""

    service: str
    longest: int


# tests/unit/ops/test_names.py compares them with botocore's models and CloudFormation's schemas.
LIMITS: Mapping[str, Limit] = {
    "stack": Limit("CloudFormation", 128),  # CreateStack, API reference
    "bucket": Limit("S3", 63),  # S3 user guide, general purpose bucket naming rules
    "function": Limit("Lambda", 64),  # CreateFunction, API reference: 140 is for an ARN
    "log group": Limit("CloudWatch Logs", 512),
    "layer": Limit("Lambda", 140),
    "topic": Limit("SNS", 256),
    "alarm": Limit("CloudWatch", 255),
    "rule": Limit("EventBridge", 64),
    "role": Limit("IAM", 64),
    "state machine": Limit("Step Functions", 80),
    "schedule": Limit("EventBridge Scheduler", 64),
    "pipeline": Limit("CodePipeline", 100),
    "parameter": Limit("SSM", 1011),  # PutParameter, API reference: the rest of 2048 is the ARN's
}


@dataclass(frozen=True)
class Names:
    """Names in one environment of one project.

    `bucket_suffix` ends the names of buckets, which are unique among all accounts of AWS; it may be empty. A name that
    is longer than AWS accepts raises ConfigurationError.
    """

    project: str
    env: str
    bucket_suffix: str = ""

    def of(self, env: str) -> Names:
        """Names in another environment of the same project."""
        return replace(self, env=env)

    def _named(self, kind: str, thing: str) -> str:
        return _within(kind, f"{self.project}-{thing}-{self.env}")

    def stack(self, layer: str) -> str:
        """`layer` is one of STACK_LAYERS."""
        return self._named("stack", layer)

    def bucket(self, content: str) -> str:
        """`content` is one of BUCKETS."""
        return self._bucket(f"{self.project}-{content}-{self.env}")

    def pipeline_bucket(self, content: str) -> str:
        """`content` is one of PIPELINE_BUCKETS."""
        return self._bucket(f"{self.pipeline}-{content}")

    def _bucket(self, name: str) -> str:
        return _within("bucket", f"{name}-{self.bucket_suffix}" if self.bucket_suffix else name)

    def function(self, task: str) -> str:
        """`task` is one of FUNCTION_TASKS or OPERATIONS_TASKS."""
        return self._named("function", task)

    def log_group(self, task: str) -> str:
        return _within("log group", f"/aws/lambda/{self.function(task)}")

    def layer(self, content: str) -> str:
        """`content` is one of LAYERS."""
        return self._named("layer", content)

    def role(self, task: str) -> str:
        """`task` is what the role is for, such as the task of its function."""
        return self._named("role", task)

    def topic(self, purpose: str) -> str:
        return self._named("topic", purpose)

    @property
    def pipeline(self) -> str:
        """The delivery pipeline, which is one for all environments; its stages are named like these."""
        return _within("pipeline", f"{self.project}-pipeline")

    def alarm(self, purpose: str) -> str:
        """`purpose` is what it watches."""
        return self._named("alarm", purpose)

    def rule(self, purpose: str) -> str:
        return self._named("rule", purpose)

    @property
    def state_machine(self) -> str:
        return self._named("state machine", "newsletter")

    @property
    def state_machine_log_group(self) -> str:
        # The prefix keeps the log delivery's resource policy from growing past its limit.
        return _within("log group", f"/aws/vendedlogs/states/{self.state_machine}")

    def schedule(self, client_id: str, frequency: str) -> str:
        """`client_id` is a client's, or the task of a function that is invoked by the clock."""
        return self._named("schedule", f"{client_id}-{frequency}")

    @property
    def longest_client_id(self) -> int:
        """Characters that a client's id may have, whatever its frequency."""
        return LIMITS["schedule"].longest - max(len(f"{self.project}--{each}-{self.env}") for each in FREQUENCIES)

    def parameter(self, path: str) -> str:
        """SSM parameter by which one stack tells another something, such as `roles/ingest-v2`."""
        return _within("parameter", f"/{self.project}/{self.env}/{path}")

    @property
    def pubmed_api_key_parameter(self) -> str:
        """SecureString that operators created by hand, under the name it has in the running system."""
        return f"/rag-lai/{self.env}/pubmed/api-key"

    def check(self) -> None:
        """Raise ConfigurationError when one of the names that do not depend on a client is too long."""
        for _ in self._all():
            pass

    def _all(self) -> Iterator[str]:
        for named, things in (
            (self.stack, STACK_LAYERS),
            (self.bucket, BUCKETS),
            (self.pipeline_bucket, PIPELINE_BUCKETS),
            (self.log_group, (*FUNCTION_TASKS, *OPERATIONS_TASKS)),
            (self.layer, LAYERS),
        ):
            # The longest first, so that the message names the one that decides.
            yield from (named(thing) for thing in sorted(things, key=len, reverse=True))
        yield self.state_machine_log_group


def _within(kind: str, name: str) -> str:
    limit = LIMITS[kind]
    if len(name) > limit.longest:
        raise ConfigurationError(
            f"The {kind} would be named '{name}', which has {len(name)} characters; {limit.service} accepts at most "
            f"{limit.longest}. Shorten what the name is made of: project or bucket_suffix in "
            "config/environments.yaml, or the client's id."
        )
    return name


def client_id_problems(environments: Iterable[Names], client_ids: Iterable[str]) -> list[str]:
    """Return a sentence for each client id with which no environment, or not all of them, can be deployed.

    The file of a client is the same in all environments, so its id must fit the names of each.
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
    """Logical id of a client's schedule; the ones of clients that are deployed must not change."""
    return "".join(word.capitalize() for word in client_id.split("_")) + "Schedule"


# What the canary writes, in the data and newsletter buckets; it is the test's own and part of no snapshot.
CANARY_PREFIXES = (f"curated/{CANARY_CLIENT}/", f"ingested/{CANARY_CLIENT}/", f"{CANARY_CLIENT}/")
