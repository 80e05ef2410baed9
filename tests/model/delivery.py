"""The pipeline of the model: executions that go through the actions of each environment, one by one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.model.machines import Process
from tests.model.releases import Release
from tests.model.world import Invocation, World
from vectora_ops.names import STAGE_CHANGED, EnvName
from vectora_ops.settings import ENVIRONMENT_NAMES, environment_after, environment_before

APPROVAL_DAYS = 7
FUNCTIONS = {"gate": "promotion", "snapshot": "snapshot", "smoke-test": "smoke-test", "record": "promotion"}


def actions_of(env: EnvName, *, approval: bool) -> tuple[str, ...]:
    """Return the actions of a stage in their order (stacks/pipeline.py)."""
    permission = ("gate", "approval") if approval else ("gate",)
    first = permission if environment_before(env) else ()
    return (*first, "operations", "snapshot", "s1-runtime", "s1-ingest-v2", "smoke-test", "record")


@dataclass
class Execution:
    """One execution of the pipeline: the stage that it is in, its next action, and the variables of the others."""

    name: str
    release: Release
    env: EnvName = "dev"
    position: int = 0
    # waiting (for its stage), running, failed, superseded, done
    state: str = "waiting"
    started_at: datetime | None = None
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    job: str | None = None
    guard: str | None = None
    invocation: Invocation | None = None
    entered: datetime | None = None
    # When a person last wanted it to go on: pushed, approved or retried it.
    wanted_at: datetime | None = None


@dataclass
class Delivery:
    """CodePipeline as it moves executions of this model (execution mode SUPERSEDED)."""

    world: World
    executions: list[Execution] = field(default_factory=list)
    # The release whose operations stack each environment has.
    guarded: dict[EnvName, str] = field(default_factory=dict)
    _ids: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.world.aws.pipeline.stages = self._stages
        self.world.aws.pipeline.status = self._status

    # --- movement

    def push(self, release: Release) -> Execution:
        """Start an execution of a commit."""
        self.world.publish_assets(release)
        made = Execution(f"e-{next(self._ids)}", release, wanted_at=self.world.time.now)
        self.executions.append(made)
        self._wait_for(made, "dev")
        return made

    def _wait_for(self, execution: Execution, env: EnvName) -> None:
        execution.env, execution.position, execution.state = env, 0, "waiting"
        for other in self.executions:
            if other is not execution and (other.env, other.state) == (env, "waiting"):
                # Only the newest execution waits for a stage (CodePipeline guide, how executions work).
                other.state = "superseded"

    def occupant(self, env: EnvName) -> Execution | None:
        return next((each for each in self.executions if (each.env, each.state) == (env, "running")), None)

    def last_in(self, env: EnvName) -> Execution | None:
        """Return the execution that last entered a stage."""
        entered = [each for each in self.executions if each.env == env and each.state in ("running", "failed")]
        return max(entered, key=lambda each: each.entered or self.world.time.now, default=None)

    def _enter(self, env: EnvName) -> Execution | None:
        if env in self.world.aws.pipeline.disabled:
            return None
        waiting = next((each for each in self.executions if (each.env, each.state) == (env, "waiting")), None)
        if waiting is None:
            return None
        waiting.state, waiting.entered = "running", self.world.time.now
        return waiting

    def advance(self, env: EnvName, process: Process) -> str:
        """Do the next thing in a stage, and return what happened; empty when there is nothing to do."""
        execution = self.occupant(env) or self._enter(env)
        if execution is None:
            return ""
        action = self._action(execution)
        if action == "approval":
            return self._wait_for_approval(execution)
        if execution.invocation is None:
            self._begin(execution, action)
            if action in ("s1-runtime", "s1-ingest-v2"):
                return self._deploy(execution, action)
        return self._deliver(execution, action, process)

    def _action(self, execution: Execution) -> str:
        approval = self.world.policies[execution.env].requires_approval
        return actions_of(execution.env, approval=approval)[execution.position]

    def _begin(self, execution: Execution, action: str) -> None:
        self._log(execution, action, "InProgress")
        if action in ("s1-runtime", "s1-ingest-v2"):
            return
        if action == "operations":
            self._begin_operations(execution)
            return
        source = environment_before(execution.env) if action == "gate" else execution.env
        assert source is not None
        execution.job = f"job-{next(self._ids)}"
        execution.invocation = self.world.invoke_later(
            source, FUNCTIONS[action], self._job(execution, action, execution.job, None)
        )

    def _job(self, execution: Execution, action: str, job: str, token: str | None) -> dict[str, Any]:
        parameters = {**self._parameters(execution, action), "operation": action, "timeout_minutes": "60"}
        configuration = {"configuration": {"UserParameters": json.dumps(parameters)}}
        data = {"actionConfiguration": configuration, **({"continuationToken": token} if token else {})}
        return {"CodePipeline.job": {"id": job, "data": data}}

    def _parameters(self, execution: Execution, action: str) -> dict[str, str]:
        release, env, found = execution.release, execution.env, execution.variables
        common = {
            "execution": execution.name,
            "digest": release.digest(env),
            "content_digest": release.content_digest,
            "version": release.version,
            "commit": release.commit,
        }
        gate = {name: found.get("gate", {}).get(name, "none") for name in ("bypassed", "bypass_reason")}
        if action != "record":
            return {**common, **(gate if action == "snapshot" else {})}
        results = {"snapshot": found["snapshot"]["snapshot"], "smoke_test": found["smoke-test"]["result"]}
        return {**common, **results, **gate}

    def _begin_operations(self, execution: Execution) -> None:
        digest = execution.release.digest(execution.env)
        if self.guarded.get(execution.env) == digest:
            return
        execution.guard = f"guard-{next(self._ids)}"
        event = {
            "RequestType": "Update",
            "ResponseURL": "https://cloudformation.example",
            "ResourceProperties": {"ReleaseDigest": digest},
            "RequestId": execution.guard,
            "StackId": "operations",
            "LogicalResourceId": "Guard",
        }
        execution.invocation = self.world.invoke_later(execution.env, "snapshot", event)

    def _deliver(self, execution: Execution, action: str, process: Process) -> str:
        invocation = execution.invocation
        said = "nothing to do"
        if invocation is not None:
            process.owner = f"{action} of {execution.name}"
            said = self.world.deliver(invocation, process)
        return f"{action} of {execution.name} ({execution.release.version}): {said}. {self._judge(execution, action)}"

    def _judge(self, execution: Execution, action: str) -> str:
        """Read the answer that CodePipeline or CloudFormation has got, if any."""
        if action == "operations":
            if execution.guard is None:
                return self._succeed(execution, {})
            answers = [e for e in self.world.answers_to_cloudformation if e["RequestId"] == execution.guard]
            if not answers:
                return self._unless_given_up(execution)
            if answers[0]["Status"] == "FAILED":
                return self.fail(execution, answers[0]["Reason"])
            self.guarded[execution.env] = execution.release.digest(execution.env)
            return self._succeed(execution, {})
        answer = self.world.aws.pipeline.answers.get(execution.job or "")
        if answer is None:
            return self._unless_given_up(execution)
        if "failureDetails" in answer:
            return self.fail(execution, answer["failureDetails"]["message"])
        if token := answer.get("continuationToken"):
            return self._continue(execution, action, token)
        return self._succeed(execution, answer.get("outputVariables", {}))

    def _continue(self, execution: Execution, action: str, token: str) -> str:
        execution.job = f"job-{next(self._ids)}"
        source = environment_before(execution.env) if action == "gate" else execution.env
        assert source is not None
        job = self._job(execution, action, execution.job, token)
        execution.invocation = self.world.invoke_later(source, FUNCTIONS[action], job)
        return "It continues."

    def _unless_given_up(self, execution: Execution) -> str:
        if any(each is execution.invocation for each in self.world.pending):
            return "It is tried again."
        self.world.time.pass_by(timedelta(hours=1))
        return self.fail(execution, "The action timed out.")

    def _succeed(self, execution: Execution, variables: dict[str, str]) -> str:
        action = self._action(execution)
        execution.variables[action] = dict(variables)
        self._log(execution, action, "Succeeded")
        execution.job = execution.guard = execution.invocation = None
        execution.position += 1
        approval = self.world.policies[execution.env].requires_approval
        if execution.position < len(actions_of(execution.env, approval=approval)):
            return "Succeeded."
        following = environment_after(execution.env)
        if following is None:
            execution.state = "done"
        else:
            self._wait_for(execution, following)
        return "The stage is done."

    def fail(self, execution: Execution, message: str, state: str = "FAILED") -> str:
        """End an execution in its stage, which is an event for the environment's rollback function."""
        action = self._action(execution)
        self._log(execution, action, "Failed" if state == "FAILED" else "Abandoned", message)
        self._abandon(execution)
        execution.state = "failed"
        entered = (execution.entered or self.world.time.now).isoformat()
        detail = {"execution-id": execution.name, "state": state, "stage": execution.env, "start-time": entered}
        event = {"id": f"event-{next(self._ids)}", "detail-type": STAGE_CHANGED, "detail": detail}
        self.world.invoke_later(execution.env, "rollback", {**event, "time": self.world.time.now.isoformat()})
        return f"The stage ended: {state}, {message}"

    def stop(self, execution: Execution, state: str) -> str:
        """End an execution that a person stops, or that an update of the pipeline cancels."""
        action = self._action(execution)
        name = action if action.startswith("s1") else f"{action}-{execution.env}"
        logged = [e for e in self.world.aws.pipeline.actions if e["pipelineExecutionId"] == execution.name]
        if not any(each["actionName"] == name for each in logged):
            self._log(execution, action, "InProgress")
        return f"{execution.name} in {execution.env}: {self.fail(execution, 'by hand', state)}"

    def _abandon(self, execution: Execution) -> None:
        if execution.job and execution.job not in self.world.aws.pipeline.answers:
            self.world.aws.pipeline.over.add(execution.job)
        execution.job = execution.guard = None
        # The function of an abandoned action runs on: its invocation stays queued.
        execution.invocation = None

    def retry(self, env: EnvName) -> str:
        """Retry a failed stage from its failed action, as a person or the schedule does."""
        execution = self.last_in(env)
        if execution is None or execution.state != "failed":
            return ""
        execution.state = "running"
        return f"{execution.name} is tried again in {env}"

    # --- deployments and approvals

    def _deploy(self, execution: Execution, layer: str) -> str:
        with self.world.aws.running(Process(f"pipeline {execution.name}")):
            status = self.world.deploy(execution.env, layer, execution.release)
        self.world.sample(execution.env)
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return f"{layer} of {execution.name} in {execution.env} is deployed. {self._succeed(execution, {})}"
        return f"{layer} of {execution.name}: {status}. {self.fail(execution, f'The stack is in {status}.')}"

    def _wait_for_approval(self, execution: Execution) -> str:
        begun = execution.variables.setdefault("approval", {"since": self.world.time.now.isoformat()})
        since = datetime.fromisoformat(begun["since"])
        if self.world.time.now - since > timedelta(days=APPROVAL_DAYS):
            self._log(execution, "approval", "InProgress")
            return self.fail(execution, "The approval timed out.")
        return f"{execution.name} waits for an approval"

    def answer_approval(self, env: EnvName, *, approved: bool) -> str:
        """Approve or reject, as a person does days later."""
        execution = self.occupant(env)
        if execution is None or self._action(execution) != "approval":
            return ""
        self._log(execution, "approval", "InProgress")
        if not approved:
            return self.fail(execution, "Rejected by a person.")
        execution.wanted_at = self.world.time.now
        return f"{execution.name} is approved. {self._succeed(execution, {})}"

    # --- what CodePipeline lists

    def _log(self, execution: Execution, action: str, status: str, message: str = "") -> None:
        logged = self.world.aws.pipeline.actions
        name = action if action.startswith("s1") else f"{action}-{execution.env}"
        if status == "InProgress":
            logged.append({"startTime": self.world.time.now})
        entry = logged[-1] if logged else {}
        found = [e for e in logged if (e.get("pipelineExecutionId"), e.get("actionName")) == (execution.name, name)]
        entry = logged[-1] if status == "InProgress" else found[-1]
        entry.update(
            pipelineExecutionId=execution.name,
            stageName=execution.env,
            actionName=name,
            status=status,
            lastUpdateTime=self.world.time.now,
        )
        if message:
            entry["output"] = {"executionResult": {"errorDetails": {"message": message}}}

    def _status(self, name: str) -> str:
        state = next(each.state for each in self.executions if each.name == name)
        return {"failed": "Failed", "superseded": "Superseded", "done": "Succeeded"}.get(state, "InProgress")

    def _stages(self) -> list[dict[str, Any]]:
        return [self._stage(env) for env in ENVIRONMENT_NAMES]

    def _stage(self, env: EnvName) -> dict[str, Any]:
        last = self.last_in(env)
        if last is None:
            return {"stageName": env, "actionStates": []}
        of_last = (e for e in self.world.aws.pipeline.actions if e["pipelineExecutionId"] == last.name)
        own = [each for each in of_last if each["stageName"] == env]
        latest = {each["actionName"]: {"latestExecution": {"status": each["status"]}} for each in own}
        status = "Failed" if last.state == "failed" else "InProgress"
        return {
            "stageName": env,
            "actionStates": [{"actionName": name, **state} for name, state in latest.items()],
            "latestExecution": {"pipelineExecutionId": last.name, "status": status},
        }
