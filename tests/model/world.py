"""Three environments on the in-memory AWS: their functions, their engine, and what really runs in them."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest import mock

from tests.model.machines import KilledError, MemoryAws, Process, product_on
from tests.model.memory_s3 import MemoryBucket
from tests.model.releases import ASSETS, CLIENT, CLIENT_KEY, NAMES, TAGS, Release, configuration
from tests.model.store_time import StoreTime
from tests.repository import ROOT
from vectora_ops.functions.promotion import promotion_function
from vectora_ops.functions.rollback import rollback_function
from vectora_ops.functions.smoke_test import smoke_test_function
from vectora_ops.functions.snapshot import snapshot_function
from vectora_ops.names import CANARY_CLIENT, RUN_CHANGED, STACK_LAYERS, EnvName
from vectora_ops.settings import Promotion, environment_after, environment_before, load_settings
from vectora_ops.smoke import CANARY_DAY
from vectora_shared.config.publication import publish
from vectora_shared.errors import VectoraError
from vectora_shared.keys import items_key, newsletter_key

HANDLERS: dict[str, Callable[..., Any]] = {
    "promotion": promotion_function,
    "rollback": rollback_function,
    "smoke-test": smoke_test_function,
    "snapshot": snapshot_function,
}
# Lambda invokes a function twice more when an asynchronous invocation fails (Lambda guide, asynchronous invocation).
MOST_ATTEMPTS = 3
LOCK_DAYS = 1
RUNS = load_settings(ROOT).environments.stage.schedule
# The function that CloudFormation invokes, on behalf of whoever updates the stack.
PUBLICATION = "publication of the configuration"
DEPLOYED = tuple(layer for layer in STACK_LAYERS if layer != "s0-operations")


@dataclass
class Invocation:
    """An asynchronous invocation that Lambda has not finished."""

    env: EnvName
    function: str
    event: dict[str, Any]
    request_id: str
    attempts: int = 0


@dataclass(frozen=True)
class Sample:
    """What ran in an environment from a moment on: a release, or None for anything else."""

    at: datetime
    content: int | None


class Refusal(Exception):  # noqa: N818
    """A function answered with an error."""


@dataclass
class World:
    """All that the rules act on."""

    policies: dict[EnvName, Promotion]
    skews: dict[str, timedelta] = field(default_factory=dict)
    pending: list[Invocation] = field(default_factory=list)
    releases: dict[int, Release] = field(default_factory=dict)
    samples: dict[EnvName, list[Sample]] = field(default_factory=dict)
    # Runs that failed, and smoke tests, as they really were: environment, content, whether it passed, and when.
    smoke_tests: list[tuple[EnvName, int | None, bool, datetime]] = field(default_factory=list)
    failures: list[tuple[EnvName, int | None, datetime]] = field(default_factory=list)
    broken: set[EnvName] = field(default_factory=set)
    answers_to_cloudformation: list[dict[str, Any]] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.time = StoreTime()
        self.aws = MemoryAws(self.time, self._run_function, self._run_machine, self._publish)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Let the product work on this world."""
        with product_on(self.aws), mock.patch.object(urllib.request, "urlopen", self._answered_cloudformation):
            yield

    def _answered_cloudformation(self, request: urllib.request.Request, **_: Any) -> Any:
        self.answers_to_cloudformation.append(json.loads(request.data or b"{}"))  # type: ignore[arg-type]
        return contextlib.nullcontext()

    def say(self, sentence: str) -> None:
        self.trace.append(f"{self.time.now:%d %H:%M:%S}  {sentence}")

    # --- environments

    def build(self, release: Release) -> None:
        """Deploy the first release everywhere, as it was before the model began."""
        self.aws.s3.buckets[ASSETS] = MemoryBucket()
        self.publish_assets(release)
        for env, names in NAMES.items():
            for content in ("config", "data", "newsletters"):
                self.aws.s3.buckets[names.bucket(content)] = MemoryBucket()
            self.aws.s3.buckets[names.bucket("snapshots")] = MemoryBucket(LOCK_DAYS)
            with self.aws.running(Process("the first deployment")):
                for layer in DEPLOYED:
                    self.deploy(env, layer, release)
            self.sample(env)

    def publish_assets(self, release: Release) -> None:
        self.releases[release.number] = release
        for key, body in release.assets().items():
            self.aws.s3.put_object(Bucket=ASSETS, Key=key, Body=body)

    def deploy(self, env: EnvName, layer: Any, release: Release) -> str:
        """Deploy one stack as CodePipeline does, with the role of CloudFormation, and return its status."""
        template = release.template(env, layer)
        declared = json.loads(template).get("Parameters", {})
        values = {key: str(each["Default"]) for key, each in declared.items()}
        name = NAMES[env].stack(layer)
        made = {"template": template, "parameters": values, "tags": TAGS}
        stack = self.aws.cloudformation.stacks.get(name)
        if stack and stack.status.endswith("ROLLBACK_FAILED"):
            return stack.status
        if stack and not stack.fails_at and not self.aws.cloudformation._changes(stack, made):
            return "UPDATE_COMPLETE"
        return self.aws.cloudformation.deploy(name, template, values, TAGS)

    def _publish(self, properties: dict[str, Any]) -> None:
        found = self.aws.s3.buckets[properties["ContentBucket"]].current(properties["ContentKey"])
        assert found is not None
        s3 = self.aws.account.client("s3")
        with self.aws.running(Process(PUBLICATION)):
            publish(s3, archive=found.body or b"", digest=properties["Digest"], bucket=properties["Bucket"])

    # --- what really runs

    def content_of(self, env: EnvName) -> int | None:
        """Return the number of the release whose code and configuration an environment has; None for a mixture."""
        names, functions = NAMES[env], self.aws.lambda_
        config = self.aws.s3.buckets[names.bucket("config")].bodies()
        for number, release in self.releases.items():
            same = all(self._has(env, release, task) for task in ("normalize-score-v2", "ingest-v2"))
            expected = configuration(number)
            files = {key: body for key, body in config.items() if key != "published.json" and key != CLIENT_KEY}
            if same and files == {key: body for key, body in expected.items() if key != CLIENT_KEY}:
                return number if functions.functions else None
        return None

    def _has(self, env: EnvName, release: Release, task: Any) -> bool:
        functions = self.aws.lambda_
        found = functions.functions.get(NAMES[env].function(task))
        if found is None or functions.code[found["FunctionArn"]] != release.code(task):
            return False
        return [functions.code[each["Arn"]] for each in found["Layers"]] == [release.layer]

    def client_file(self, env: EnvName) -> bytes | None:
        found = self.aws.s3.buckets[NAMES[env].bucket("config")].current(CLIENT_KEY)
        return found.body if found else None

    def sample(self, env: EnvName) -> None:
        """Note what runs now."""
        content, known = self.content_of(env), self.samples.setdefault(env, [])
        if not known or known[-1].content != content:
            known.append(Sample(self.time.now, content))

    # --- functions

    def invoke_later(self, env: EnvName, function: str, event: dict[str, Any]) -> Invocation:
        """Queue an asynchronous invocation."""
        made = Invocation(env, function, event, f"request-{next(self._ids)}")
        self.pending.append(made)
        return made

    def deliver(self, invocation: Invocation, process: Process, *, again: bool = False) -> str:
        """Run a queued invocation; Lambda repeats it after a failure. `again` leaves it queued, as a duplicate."""
        invocation.attempts += 1
        if invocation.attempts >= MOST_ATTEMPTS:
            # The model's machines recover: nothing could end a rollback that is killed for ever.
            process.killed_at = process.requests_until_late = None
        try:
            answer = self._run(invocation.env, invocation.function, invocation.event, process, invocation.request_id)
        except (KilledError, VectoraError) as error:
            if invocation.attempts >= MOST_ATTEMPTS:
                self.pending.remove(invocation)
            self.time.pass_by(timedelta(minutes=1))
            return "killed" if isinstance(error, KilledError) else f"failed: {error}"
        if again:
            invocation.attempts = 0
        else:
            self.pending.remove(invocation)
        return json.dumps(answer, default=str)

    def call(self, env: EnvName, function: str, event: dict[str, Any], process: Process) -> dict[str, Any]:
        """Invoke a function and wait; raises Refusal when it fails, and KilledError when it is killed."""
        event = {**event, "caller_continues": True}
        while True:
            answer: dict[str, Any] = self._run(env, function, event, process, f"request-{next(self._ids)}")
            if answer["state"] == "failed":
                raise Refusal(answer["error"])
            if answer["state"] == "done":
                return answer
            event, process.requests_until_late = answer["event"], None

    def _run(self, env: EnvName, function: str, event: dict[str, Any], process: Process, request_id: str) -> Any:
        process.skew = self.skews.get(f"functions of {env}", timedelta())
        context = SimpleNamespace(
            aws_request_id=request_id,
            function_name=NAMES[env].function(function),  # type: ignore[arg-type]
            get_remaining_time_in_millis=lambda: 1000 if process.is_late else 900_000,
        )
        try:
            with self.aws.running(process, **self._variables(env)):
                return HANDLERS[function](event, context)
        finally:
            self.sample(env)

    def _variables(self, env: EnvName) -> dict[str, str]:
        names = NAMES[env]
        after = environment_after(env)
        judging = {"NEXT_PROMOTION": self.policies[after].model_dump_json()} if after else {}
        following = {"NEXT_ENV": after, "RUN_SCHEDULE": RUNS.model_dump_json(), **judging} if after else {}
        before = environment_before(env)
        preceding = {"PREVIOUS_ENV": before} if before else {}
        return {
            "AWS_REGION": "eu-west-3",
            "PROJECT_NAME": names.project,
            "ENV": env,
            "LOG_LEVEL": "ERROR",
            "NOTIFICATIONS_TOPIC_ARN": f"arn:aws:sns:eu-west-3:{'0' * 12}:{env}",
            "PROMOTION": self.policies[env].model_dump_json(),
            "PROMOTION_WATCH_HOURS": str(self.policies[env].watch_hours),
            "FAILED_RUNS_A_DAY": "1",
            "ALARM_NOISE_PERCENT": "10",
            "SNAPSHOT_KEEP_LAST": "2",
            "SNAPSHOT_MINIMUM_AGE_DAYS": str(LOCK_DAYS),
            **following,
            **preceding,
        }

    def _run_function(self, name: str, event: dict[str, Any], kind: str) -> Any:
        if name == NAMES["prod"].review_function:
            return self._attest(event["execution"], event["stage"])
        env, function = next(
            (env, function)
            for env in NAMES
            for function in HANDLERS
            if NAMES[env].function(function) == name  # type: ignore[arg-type]
        )
        if kind == "Event":
            self.invoke_later(env, function, event)
            return None
        return self._run(env, function, event, Process(self.aws.process.owner), f"request-{next(self._ids)}")

    def _attest(self, execution: str, stage: str) -> dict[str, Any]:
        """Answer as the pipeline's review does, from the actions that CodePipeline lists."""
        approved = any(
            each.get("pipelineExecutionId") == execution
            and each.get("actionName") == f"approval-{stage}"
            and each.get("status") == "Succeeded"
            for each in self.aws.pipeline.actions
        )
        return {"outcome": "accepted", "approver": "approver" if approved else None}

    # --- the engine

    def _run_machine(self, machine: str, given: dict[str, Any]) -> dict[str, Any]:
        env = next(env for env, names in NAMES.items() if names.state_machine == machine)
        content, client = self.content_of(env), given["client_id"]
        # What was changed by hand works: nothing but its difference tells that it is no release.
        release = self.releases.get(content or 0) or Release(0)
        works = env not in self.broken
        if client == CANARY_CLIENT:
            works = works and release.smoke_test_works
            self.smoke_tests.append((env, content, works, self.time.now))
        else:
            works = works and release.runs_work
            if not works and not given.get("draft"):
                self.failures.append((env, content, self.time.now))
        if not works:
            return {"status": "FAILED", "error": "Failed", "cause": "a source is down"}
        version = (self.client_file(env) or b"").partition(b'version: "')[2].partition(b'"')[0].decode()
        if client == CANARY_CLIENT or not given.get("draft"):
            self._write_issue(env, client, version)
        steps = {
            "ingest": {},
            "normalize_score": {"client_version": version, "items_matched": 3},
            "newsletter": {"total_items": 3, "metrics": {"items": {"in_period": 3}}},
        }
        return {"status": "SUCCEEDED", "output": json.dumps({key: {"body": body} for key, body in steps.items()})}

    def _write_issue(self, env: EnvName, client: str, version: str) -> None:
        names, s3 = NAMES[env], self.aws.s3
        day = CANARY_DAY if client == CANARY_CLIENT else self.time.now.date()
        written = {"generated_at": self.time.now.isoformat(), "sections": [{"items": [1, 2, 3]}]}
        manifest = {
            "generation_date": self.time.now.isoformat(),
            "client_version": version,
            "metrics": {"items": {"selected": 3, "in_period": 3}, "noise_estimate": 0.0, "cost_usd": 0.1},
        }
        for key, document in (("newsletter.json", written), ("manifest.json", manifest)):
            body = json.dumps(document).encode()
            s3.put_object(Bucket=names.bucket("newsletters"), Key=newsletter_key(client, day, key), Body=body)
        for stage in ("ingested", "curated"):
            s3.put_object(Bucket=names.bucket("data"), Key=items_key(f"{stage}/{client}/", day), Body=b"[]")

    def run_newsletter(self, env: EnvName) -> bool:
        """Run the engine by schedule; a failed run is an event for the rollback function."""
        machine = self.aws.account.state_machine_arn(NAMES[env].state_machine)
        given = json.dumps({"client_id": CLIENT})
        arn = self.aws.states.start_execution(stateMachineArn=machine, name=f"run-{next(self._ids)}", input=given)
        run = self.aws.states.describe_execution(**arn)
        if run["status"] == "SUCCEEDED":
            return True
        moments = {key: int(run[key].timestamp() * 1000) for key in ("startDate", "stopDate")}
        detail = {**{key: each for key, each in run.items() if key != "output"}, **moments}
        event = {"id": f"event-{next(self._ids)}", "detail-type": RUN_CHANGED, "detail": detail}
        self.invoke_later(env, "rollback", {**event, "time": self.time.now.isoformat()})
        return False
