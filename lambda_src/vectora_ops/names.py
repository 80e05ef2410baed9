"""Names of everything that is deployed: `{project}-{thing}-{env}`, as in the running system."""

from __future__ import annotations

from dataclasses import dataclass

# The stacks of an environment in the order they are deployed.
OPERATIONS_LAYER = "s0-operations"
STACK_LAYERS = (OPERATIONS_LAYER, "s0-core", "s0-iam", "s1-runtime", "s1-ingest-v2")
FUNCTION_TASKS = ("ingest-v2", "normalize-score-v2", "newsletter-v2", "publish-configuration")
OPERATIONS_TASKS = ("snapshot", "rollback", "smoke-test", "promotion")
# The client whose newsletter is a test.
CANARY_CLIENT = "canary"
# Parameters of promotions (vectora_ops.promotion.records).
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


@dataclass(frozen=True)
class Names:
    """Names in one environment of one project."""

    project: str
    env: str

    def _named(self, thing: str) -> str:
        return f"{self.project}-{thing}-{self.env}"

    def stack(self, layer: str) -> str:
        """`layer` is one of STACK_LAYERS."""
        return self._named(layer)

    def bucket(self, content: str) -> str:
        """`content` is config, data, newsletters, lambda-code, access-logs, snapshots or snapshots-access-logs."""
        return self._named(content)

    def function(self, task: str) -> str:
        """`task` is one of FUNCTION_TASKS or OPERATIONS_TASKS."""
        return self._named(task)

    def log_group(self, task: str) -> str:
        return f"/aws/lambda/{self.function(task)}"

    def layer(self, content: str) -> str:
        """`content` is vectora-core, common-deps, vectora-ops or ops-deps."""
        return self._named(content)

    def topic(self, purpose: str) -> str:
        return self._named(purpose)

    @property
    def pipeline(self) -> str:
        """The delivery pipeline, which is one for all environments; its stages are named like these."""
        return f"{self.project}-pipeline"

    def alarm(self, purpose: str) -> str:
        """`purpose` is what it watches."""
        return self._named(purpose)

    def rule(self, purpose: str) -> str:
        return self._named(purpose)

    @property
    def state_machine(self) -> str:
        return self._named("newsletter")

    @property
    def state_machine_log_group(self) -> str:
        # The prefix keeps the log delivery's resource policy from growing past its limit.
        return f"/aws/vendedlogs/states/{self.state_machine}"

    def schedule(self, client_id: str, frequency: str) -> str:
        return self._named(f"{client_id}-{frequency}")

    def parameter(self, path: str) -> str:
        """SSM parameter by which one stack tells another something, such as `roles/ingest-v2`."""
        return f"/{self.project}/{self.env}/{path}"

    @property
    def pubmed_api_key_parameter(self) -> str:
        """SecureString that operators created by hand, under the name it has in the running system."""
        return f"/rag-lai/{self.env}/pubmed/api-key"
