"""One environment as its rollback function sees it: the pipeline, runs, records, and what it does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from tests.faults.small_environment import NAMES
from vectora_ops.account import Account
from vectora_ops.promotion.automatic_rollback import AutomaticRollback
from vectora_ops.records import Deployment, Hold, Records
from vectora_ops.rollback.request import RollbackRequest, RollbackResult
from vectora_ops.snapshots.manifest import COMPONENTS, Manifest
from vectora_shared.notifications import Notification

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DIGEST = "a" * 64


class Broken:
    """A client that refuses every call."""

    def __getattr__(self, operation: str) -> Any:
        def refuse(**_request: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)

        return refuse


class WriteRefusingSsm:
    """Systems Manager that refuses to write the parameters with these endings."""

    def __init__(self, ssm: Any, *refused: str) -> None:
        self._ssm = ssm
        self._refused = refused

    def put_parameter(self, **request: Any) -> Any:
        if request["Name"].endswith(self._refused):
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "PutParameter")
        return self._ssm.put_parameter(**request)

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._ssm, operation)


@dataclass
class Pipeline:
    """CodePipeline as the rollback function uses it; the first `late` reads of the list are empty."""

    actions: list[dict[str, Any]] = field(default_factory=list)
    transitions: list[str] = field(default_factory=list)
    broken: bool = False
    late: int = 0
    disabled_reason: str | None = None

    def fail(self, action: str, message: str, at: datetime = NOW) -> None:
        self.add(action, "Failed", at)
        self.actions[-1]["output"] = {"executionResult": {"errorDetails": {"message": message}}}

    def add(self, action: str, status: str, at: datetime = NOW) -> None:
        self.actions.append(
            {
                "stageName": NAMES.env,
                "actionName": action,
                "status": status,
                "startTime": at - timedelta(minutes=1),
                "lastUpdateTime": at,
            }
        )

    def get_paginator(self, _operation: str) -> Pipeline:
        return self

    def paginate(self, **_request: Any) -> list[dict[str, Any]]:
        if self.late:
            self.late -= 1
            return [{"actionExecutionDetails": []}]
        return [{"actionExecutionDetails": list(reversed(self.actions))}]

    def disable_stage_transition(self, **request: Any) -> None:
        if self.broken:
            raise ClientError({"Error": {"Code": "PipelineNotFoundException", "Message": "gone"}}, "Disable")
        self.transitions.append(f"disabled {request['stageName']}")
        self.disabled_reason = request["reason"]

    def enable_stage_transition(self, **request: Any) -> None:
        self.transitions.append(f"enabled {request['stageName']}")
        self.disabled_reason = None

    def get_pipeline_state(self, **_request: Any) -> dict[str, Any]:
        state = {"enabled": self.disabled_reason is None, "disabledReason": self.disabled_reason or ""}
        return {"stageStates": [{"stageName": NAMES.env, "inboundTransitionState": state}]}


@dataclass
class Workflow:
    """Step Functions as the rollback function uses it: failed runs, newest first, and their inputs."""

    failed: list[dict[str, Any]] = field(default_factory=list)

    def run(self, name: str, client_id: str = "lai_weekly", *, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
        """Add a failed run to the list, and return the detail of its event."""
        arn = f"arn:aws:states:eu-west-3:{'0' * 12}:execution:{NAMES.state_machine}:{name}"
        started, given = at - timedelta(minutes=10), json.dumps({"client_id": client_id})
        entry = {"executionArn": arn, "status": "FAILED", "startDate": started, "stopDate": at, "input": given}
        self.failed.insert(0, entry)
        moments = {key: int(value.timestamp() * 1000) for key, value in (("startDate", started), ("stopDate", at))}
        detail = {**entry, **moments, "inputDetails": {"included": True}, "cause": "Out of memory.", **changes}
        entry["status"] = detail["status"]
        return detail

    def get_paginator(self, _operation: str) -> Workflow:
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        return [{"executions": [each for each in self.failed if each["status"] == request["statusFilter"]]}]

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        [found] = [each for each in self.failed if each["executionArn"] == executionArn]
        return found


class World:
    """One environment, and the events that its rollback function gets."""

    def __init__(self, account: Account, *, watch_hours: int = 48) -> None:
        self.pipeline = Pipeline()
        self.workflow = Workflow()
        account._clients.update(codepipeline=self.pipeline, stepfunctions=self.workflow)
        self.account = account
        self.records = Records(account, NAMES)
        self.notifications: list[str] = []
        self.requests: list[RollbackRequest] = []
        self.slept = 0.0
        self.meanwhile: Hold | None = None
        self.outcome: Exception | None = None
        self.notifications_fail = False
        self.watch_hours = watch_hours
        self.failed_runs_a_day = 1
        self.noise_percent = 10.0
        self.now = NOW

    def automatic_rollback(self) -> AutomaticRollback:
        return AutomaticRollback(
            self.account,
            NAMES,
            roll_back=self._roll_back,
            notify=self._notify,
            watch_hours=self.watch_hours,
            failed_runs_a_day=self.failed_runs_a_day,
            noise_percent=self.noise_percent,
            clock=lambda: self.now,
            sleep=self._sleep,
        )

    def refuse_to_write(self, *parameters: str) -> None:
        self.account._clients["ssm"] = WriteRefusingSsm(self.account.client("ssm"), *parameters)

    def damage(self, path: str, value: str = "edited by hand") -> None:
        name = NAMES.parameter(path)
        self.account.client("ssm").put_parameter(Name=name, Type="String", Value=value, Overwrite=True)

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds

    def _notify(self, notification: Notification) -> None:
        if self.notifications_fail:
            raise RuntimeError("no topic")
        self.notifications.append(f"{notification.what}: {notification.message}")

    def _roll_back(self, request: RollbackRequest) -> RollbackResult:
        self.requests.append(request)
        self.meanwhile = self.records.hold()
        if self.outcome:
            raise self.outcome
        return RollbackResult(
            snapshot=request.snapshot,
            env=NAMES.env,
            components=COMPONENTS,
            nothing_to_do=False,
            safety_snapshot="safety",
            seconds=4.2,
        )

    def deployed(self, snapshot: Manifest, *, execution: str = "e-1", state: str = "deploying") -> None:
        self.records.write_deployment(
            Deployment.model_validate(
                {
                    "state": state,
                    "execution": execution,
                    "digest": DIGEST,
                    "version": "1.0.0",
                    "commit": "c" * 40,
                    "snapshot": snapshot.name,
                    "at": NOW - timedelta(minutes=5),
                }
            )
        )

    def stage_ends(self, state: str = "FAILED", execution: str = "e-1", *, started: datetime = NOW) -> str:
        detail = {"execution-id": execution, "state": state, "start-time": started.isoformat()}
        return self.automatic_rollback().stage_ended({"detail": detail, "time": NOW.isoformat()})

    def run_fails(self, event_id: str = "event-1", client_id: str = "lai_weekly", **changes: Any) -> str:
        detail = self.workflow.run(f"run-of-{event_id}", client_id, **changes)
        return self.automatic_rollback().run_failed({"id": event_id, "detail": detail})

    def issue_appears(
        self,
        event_id: str = "event-1",
        client_id: str = "lai_weekly",
        *,
        items: int = 8,
        in_period: int = 8,
        noise: float = 0.0,
        draft: bool = False,
        **changes: Any,
    ) -> str:
        """Let a run publish an issue with so many items, and noise as a share from 0 to 1."""
        body = {
            "client_id": client_id,
            "target_date": "2026-03-02",
            "draft": draft,
            "metrics": {"items": {"selected": items, "in_period": in_period}, "noise_estimate": noise},
        }
        output = json.dumps({"client_id": client_id, "newsletter": {"statusCode": 200, "body": body}})
        given = {"status": "SUCCEEDED", "output": output, **changes}
        detail = self.workflow.run(f"run-of-{event_id}", client_id, **given)
        self.workflow.failed[0]["output"] = output
        return self.automatic_rollback().run_ended({"id": event_id, "detail": detail})

    @property
    def hold(self) -> Hold:
        found = self.records.hold()
        assert found is not None
        return found
