"""The last stage of a pipeline in memory, whose requests are checked against botocore's model of CodePipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.codepipeline.shapes import check

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
PIPELINE = "vectora-inbox-pipeline"
EXECUTION = "1b2c3d4e-0000-4000-8000-000000000000"
TOKEN = "5e6f7a8b-0000-4000-8000-000000000000"
DIGEST, CONTENT = "ab" * 32, "cd" * 32
COMMIT = "0123456789abcdef0123456789abcdef01234567"
VERDICT = "Stop and read: 1 data or replacement."
REPORT_KEY = f"reports/{COMMIT}-since-{'9' * 40}.html"
CONSOLE = "https://eu-west-3.console.aws.amazon.com/s3/object"
REPORT = f"{CONSOLE}/artifacts?region=eu-west-3&prefix={REPORT_KEY}"
INFORMATION = "Release 1.4.2, digest abab, into prod."


@dataclass
class MemoryPipeline:
    """CodePipeline's client with one stage; `statuses` are those of its actions, `errors` the codes of operations."""

    env: str = "prod"
    status: str | None = "InProgress"
    statuses: dict[str, str] = field(default_factory=lambda: {"gate-prod": "Succeeded", "approval-prod": "InProgress"})
    token: str | None = TOKEN
    variables: dict[str, str] = field(
        default_factory=lambda: {"changes": "prod has 1.4.1.", "bypassed": "none", "bypass_reason": "none"}
    )
    author: str | None = "ann@example.org"
    listed: bool = True
    link: str = REPORT
    errors: dict[str, str] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    retries: list[dict[str, Any]] = field(default_factory=list)
    # Events that commands sent to the function that judges the release.
    explained: list[dict[str, Any]] = field(default_factory=list)

    def get_pipeline_state(self, **given: Any) -> dict[str, Any]:
        self._call("GetPipelineState", given)
        latest = {"latestExecution": {"pipelineExecutionId": EXECUTION, "status": self.status}} if self.status else {}
        stage = {
            "stageName": self.env,
            "inboundTransitionState": {"enabled": True},
            "actionStates": [self._action(name, status) for name, status in self.statuses.items()],
            **latest,
        }
        return {"pipelineName": PIPELINE, "stageStates": [{"stageName": "Source", "actionStates": []}, stage]}

    def _action(self, name: str, status: str) -> dict[str, Any]:
        latest: dict[str, Any] = {"status": status, "lastStatusChange": NOON}
        if name.startswith("approval-") and status == "InProgress" and self.token:
            latest["token"] = self.token
        return {"actionName": name, "latestExecution": latest}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_action_executions"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, **given: Any) -> Iterator[dict[str, Any]]:
        self._call("ListActionExecutions", given)
        assert given["filter"]["pipelineExecutionId"] == EXECUTION
        # Newest first, on several pages (API reference, ListActionExecutions).
        for each in reversed(self._executions() if self.listed else []):
            yield {"actionExecutionDetails": [each]}
        yield {"actionExecutionDetails": []}

    def _executions(self) -> list[dict[str, Any]]:
        parameters = {
            "operation": "gate",
            "version": "1.4.2",
            "digest": DIGEST,
            "content_digest": CONTENT,
            "commit": COMMIT,
        }
        author = {"AuthorEmail": self.author} if self.author else {}
        source = {"CommitId": COMMIT, "CommitMessage": "Add a source\n\nWhy", **author}
        shown = {"CustomData": INFORMATION, "ExternalEntityLink": self.link}
        gate = {"FunctionName": "f", "UserParameters": json.dumps(parameters)}
        return [
            _detail("Source", "Checkout", "Source", {}, source, 0),
            _detail("stage", "gate-stage", "Invoke", {"UserParameters": "{}"}, {"changes": "of stage"}, 1),
            _detail(self.env, f"gate-{self.env}", "Invoke", gate, self.variables, 2),
            _detail(self.env, f"report-{self.env}", "Build", {}, {"REVIEW_VERDICT": VERDICT}, 3),
            _detail(self.env, f"approval-{self.env}", "Approval", shown, {}, 4),
        ]

    def put_approval_result(self, **given: Any) -> dict[str, Any]:
        self._call("PutApprovalResult", given)
        assert given["token"] == self.token
        self.answers.append(given)
        return {"approvedAt": NOON}

    def retry_stage_execution(self, **given: Any) -> dict[str, Any]:
        self._call("RetryStageExecution", given)
        self.retries.append(given)
        return {"pipelineExecutionId": EXECUTION}

    def _call(self, operation: str, given: dict[str, Any]) -> None:
        check(operation, given)
        if code := self.errors.get(operation):
            raise ClientError({"Error": {"Code": code, "Message": f"[red]{code}[/red]"}}, operation)


def _detail(
    stage: str, action: str, category: str, configuration: dict[str, str], variables: dict[str, str], minute: int
) -> dict[str, Any]:
    return {
        "pipelineExecutionId": EXECUTION,
        "stageName": stage,
        "actionName": action,
        "startTime": NOON.replace(minute=minute),
        "input": {"actionTypeId": {"category": category}, "resolvedConfiguration": configuration},
        "output": {"outputVariables": variables},
    }
