"""Stage of an environment in the pipeline: its state, the approval that waits in it, and what waits to be approved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from botocore.exceptions import ClientError

from cli.access import open_account
from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import REVIEW_VERDICT, Names
from vectora_ops.promotion.ending import APPROVAL_PREFIX, GATE_PREFIX, REPORT_PREFIX, SNAPSHOT_PREFIX, is_step
from vectora_ops.settings import Settings
from vectora_shared.aws_errors import error_code, is_denied
from vectora_shared.errors import VectoraError

Action = Mapping[str, Any]
GATE_VARIABLES = ("changes", "bypassed", "bypass_reason")


@dataclass(frozen=True)
class Approval:
    """An approval that waits for an answer; `token` identifies this request (CodePipeline, PutApprovalResult)."""

    execution: str
    action: str
    token: str
    since: datetime | None


@dataclass(frozen=True)
class Stage:
    """State of a stage; `failed` and `running` are its actions in these states."""

    status: str | None
    execution: str | None
    failed: tuple[str, ...]
    running: tuple[str, ...]
    approval: Approval | None

    @property
    def stopped_before_a_change(self) -> bool:
        """True when only steps failed that come before the first change of the environment."""
        return bool(self.failed) and all(
            is_step(each, GATE_PREFIX, REPORT_PREFIX, APPROVAL_PREFIX, SNAPSHOT_PREFIX) for each in self.failed
        )


@dataclass(frozen=True)
class WaitingRelease:
    """Release that an execution would promote, as its own actions recorded it; None for what they did not record."""

    execution: str
    version: str | None = None
    digest: str | None = None
    content_digest: str | None = None
    commit: str | None = None
    author: str | None = None
    message: str | None = None
    changes: str | None = None
    verdict: str | None = None
    bypassed: str | None = None
    bypass_reason: str | None = None
    link: str | None = None
    information: str | None = None


class StageOfPipeline:
    """The pipeline's stage of one environment, read and answered with the access of the settings."""

    def __init__(self, account: Account, names: Names) -> None:
        self.account = account
        self.names = names
        self.client = account.client("codepipeline")

    @classmethod
    def of(cls, settings: Settings, env: str) -> StageOfPipeline:
        """Open the pipeline's account; raise VectoraError without usable credentials."""
        return cls(open_account(settings, PIPELINE), settings.names(env))

    def state(self) -> Stage:
        """Return the state of the stage; raise VectoraError when the pipeline or its stage is missing."""
        with self.explained("read the pipeline"):
            found = self.client.get_pipeline_state(name=self.names.pipeline)
        stage = next((each for each in found["stageStates"] if each["stageName"] == self.names.env), None)
        if stage is None:
            raise VectoraError(
                f"Pipeline {self.names.pipeline} has no stage {self.names.env} yet: it updates itself with the first "
                "execution (./vectora status)."
            )
        latest = stage.get("latestExecution", {})
        actions = stage.get("actionStates", ())
        return Stage(
            status=latest.get("status"),
            execution=latest.get("pipelineExecutionId"),
            failed=_with_status(actions, "Failed"),
            running=_with_status(actions, "InProgress"),
            approval=_approval(actions, latest.get("pipelineExecutionId")),
        )

    def release(self, execution: str) -> WaitingRelease:
        """Return what an execution promotes, from the input and output of its actions."""
        with self.explained("read the actions of the pipeline"):
            pages = self.client.get_paginator("list_action_executions").paginate(
                pipelineName=self.names.pipeline, filter={"pipelineExecutionId": execution}
            )
            actions = [each for page in pages for each in page["actionExecutionDetails"]]
        gate = _newest(actions, self.names.env, GATE_PREFIX)
        approval = _newest(actions, self.names.env, APPROVAL_PREFIX)
        report = _newest(actions, self.names.env, REPORT_PREFIX)
        given, said = _user_parameters(gate), _variables(gate)
        source: Action = next((each for each in actions if _category(each) == "Source"), {})
        shown = approval.get("input", {}).get("resolvedConfiguration", {})
        return WaitingRelease(
            execution=execution,
            version=given.get("version"),
            digest=given.get("digest"),
            content_digest=given.get("content_digest"),
            commit=given.get("commit") or _variables(source).get("CommitId"),
            author=_variables(source).get("AuthorEmail"),
            message=_variables(source).get("CommitMessage"),
            **{name: said.get(name) for name in GATE_VARIABLES},
            verdict=_variables(report).get(REVIEW_VERDICT),
            link=shown.get("ExternalEntityLink"),
            information=shown.get("CustomData"),
        )

    @contextmanager
    def explained(self, purpose: str, *, policy: str = "operator-policy.json") -> Iterator[None]:
        """Replace errors of CodePipeline that a person can act on by a sentence; `policy` permits the purpose."""
        try:
            yield
        except ClientError as error:
            if is_denied(error):
                raise VectoraError(
                    f"You may not {purpose}: AWS denied {error.operation_name}. docs/reference/{policy} permits it; "
                    "--profile pipeline=NAME uses another identity."
                ) from error
            if error_code(error) in ("PipelineNotFoundException", "StageNotFoundException"):
                raise VectoraError(
                    f"There is no pipeline {self.names.pipeline} with stage {self.names.env} in account "
                    f"{self.account.account_id}, {self.account.region}: deploy it first (cdk deploy)."
                ) from error
            raise


def _with_status(actions: Any, status: str) -> tuple[str, ...]:
    return tuple(str(each["actionName"]) for each in actions if each.get("latestExecution", {}).get("status") == status)


def _approval(actions: Any, execution: str | None) -> Approval | None:
    """Return the approval that waits: only such an action has a token (API reference, ActionExecution)."""
    for each in actions:
        latest = each.get("latestExecution", {})
        if execution and latest.get("status") == "InProgress" and latest.get("token"):
            return Approval(execution, str(each["actionName"]), str(latest["token"]), latest.get("lastStatusChange"))
    return None


def _newest(actions: list[Action], stage: str, prefix: str) -> Action:
    """Return the newest execution of a step of the stage; empty when CodePipeline does not list it yet."""
    found = [each for each in actions if (each["stageName"], each["actionName"]) == (stage, f"{prefix}{stage}")]
    return max(found, key=itemgetter("startTime"), default={})


def _category(action: Action) -> str:
    return str(action.get("input", {}).get("actionTypeId", {}).get("category"))


def _variables(action: Action) -> Mapping[str, str]:
    found: Mapping[str, str] = action.get("output", {}).get("outputVariables", {})
    return found


def _user_parameters(action: Action) -> Mapping[str, str]:
    """Return the parameters that a Lambda action was given, with the values of their variables."""
    try:
        found = json.loads(action.get("input", {}).get("resolvedConfiguration", {}).get("UserParameters", "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
