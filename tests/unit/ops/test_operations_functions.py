"""Operations functions around their work: reported errors, withheld secrets, and continuation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.functions import invocation as operations
from vectora_ops.functions import rollback, snapshot
from vectora_ops.functions.rollback import rollback_function
from vectora_ops.names import RUN_CHANGED, STAGE_CHANGED
from vectora_ops.progress import OutOfTimeError
from vectora_ops.promotion.automatic_rollback import AutomaticRollback
from vectora_ops.records import Hold
from vectora_shared.errors import VectoraError
from vectora_shared.notifications import Notification

SIGNED = "https://bucket.example.org/code.zip?X-Amz-Credential=TOPSECRET&X-Amz-Signature=TOPSECRET"
CONTEXT = SimpleNamespace(
    aws_request_id="request-1", function_name="rollback", get_remaining_time_in_millis=lambda: 900_000
)


class Topic:
    """SNS and Lambda in one: records publications and invocations."""

    account: Account

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.invoked: list[dict[str, Any]] = []
        self.broken = False

    def publish(self, **message: Any) -> None:
        if self.broken:
            raise RuntimeError("no topic")
        self.published.append(message)

    def invoke(self, **request: Any) -> None:
        self.invoked.append(request)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    topic = Topic()
    clients: dict[str, Any] = dict.fromkeys(("sns", "invoker", "ssm", "codepipeline"), topic)
    topic.account = account = Account("0" * 12, "eu-west-3", session=None, _clients=clients)  # type: ignore[arg-type]
    for module in (operations, rollback):
        monkeypatch.setattr(module, "own_account", lambda: account)
    for name, value in {
        "PROJECT_NAME": "vectora-inbox",
        "ENV": "stage",
        "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:eu-west-3:000000000000:vectora-inbox-operations-stage",
        "PROMOTION_WATCH_HOURS": "48",
        "FAILED_RUNS_A_DAY": "1",
        "ALARM_NOISE_PERCENT": "10",
    }.items():
        monkeypatch.setenv(name, value)
    return topic


def respond(work: Any, **event: Any) -> Any:
    return operations.answer_invocation({"operation": "work", **event}, CONTEXT, {"work": work})


def fails_with(error: Exception) -> Any:
    def work(event: Any, context: Any) -> Any:
        raise error

    return work


@pytest.mark.parametrize("error", [VectoraError(f"Reading {SIGNED} failed."), OSError(f"Reading {SIGNED} failed")])
def test_a_failure_reaches_the_operators_and_the_log_without_secrets(
    topic: Topic, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(VectoraError) as raised:
        respond(fails_with(error))
    [message] = topic.published
    assert "Reading https://bucket.example.org" in message["Message"]
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert "TOPSECRET" not in json.dumps(topic.published) + str(raised.value)


@pytest.mark.parametrize("error", [VectoraError("No items."), KeyError("bug")])
def test_only_a_waiting_caller_gets_the_error(topic: Topic, error: Exception) -> None:
    answer = respond(fails_with(error), caller_continues=True)
    assert answer["state"] == "failed"
    assert str(error).strip("'") in answer["error"]
    assert topic.published == []


def test_a_failed_notification_hides_no_failure(topic: Topic) -> None:
    topic.broken = True
    with pytest.raises(VectoraError, match="No items"):
        respond(fails_with(VectoraError("No items.")))


def test_a_notification_is_valid_for_sns(topic: Topic) -> None:
    operations.notify_operators(
        Notification(what="x\n" * 100, happened="\x1b{{" * 100_000, commands=("./vectora status",), runbook="docs/x.md")
    )
    [message] = topic.published
    assert len(message["Subject"]) < 100
    assert message["Subject"].isprintable()
    assert len(message["Message"].encode()) < 256 * 1024


def test_unfinished_work_continues_in_one_more_invocation(topic: Topic) -> None:
    answer = respond(fails_with(OutOfTimeError("The rollback")))
    assert answer["state"] == "running"
    [request] = topic.invoked
    assert request["InvocationType"] == "Event"
    assert json.loads(request["Payload"])["token"] == "request-1"


def test_a_rollback_that_was_continued_too_often_ends_its_hold(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setattr(
        AutomaticRollback, "stage_ended", lambda self, event: fails_with(OutOfTimeError("The rollback"))(0, 0)
    )

    def give_up(self: AutomaticRollback, event: Any, why: str) -> str:
        ended.append(why)
        return "held"

    monkeypatch.setattr(AutomaticRollback, "give_up", give_up)
    event = {"id": "1", "detail-type": STAGE_CHANGED, "detail": {"execution-id": "e-1"}}
    last = {**event, "continuation": operations.MOST_CONTINUATIONS}
    assert rollback_function(event, CONTEXT)["state"] == "running"  # type: ignore[index]
    assert ended == []
    assert rollback_function(last, CONTEXT) == {"state": "done", "reaction": "held"}
    assert len(ended) == 1


class Parameters:
    """Systems Manager with the record of a hold."""

    def __init__(self, hold: Hold) -> None:
        self.value = hold.model_dump_json()

    def get_parameter(self, **_request: Any) -> Any:
        return {"Parameter": {"Value": self.value}}

    def put_parameter(self, **request: Any) -> None:
        self.value = request["Value"]

    @property
    def hold(self) -> Hold:
        return Hold.model_validate_json(self.value)


def _begun(execution: str) -> Hold:
    return Hold(state="rolling back", reason="it failed", at=datetime.now(UTC), execution=execution)


@pytest.mark.parametrize("error", [OutOfTimeError("The rollback"), KeyError("unexpected"), VectoraError("No.")])
@pytest.mark.parametrize("kind", [STAGE_CHANGED, RUN_CHANGED])
def test_a_reaction_that_nothing_continues_ends_its_hold_and_notifies(
    topic: Topic, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    def refuse(**_request: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://lambda.eu-west-3.amazonaws.com")

    monkeypatch.setattr(topic, "invoke", refuse)
    for reaction in ("stage_ended", "run_failed"):
        monkeypatch.setattr(AutomaticRollback, reaction, lambda self, event: fails_with(error)(0, 0))
    detail, id_ = ({"execution-id": "e-1"}, "e-1") if kind == STAGE_CHANGED else ({}, "1")
    parameters = Parameters(_begun(id_))
    topic.account._clients["ssm"] = parameters
    answer = rollback_function({"id": "1", "detail-type": kind, "detail": detail}, CONTEXT)
    assert answer is not None
    assert "must be finished by hand" in answer["reaction"]
    assert (parameters.hold.state, parameters.hold.reason) == ("held", "it failed")
    assert "must be finished by hand" in parameters.hold.outcome
    [message] = topic.published
    assert message["Message"].startswith(answer["reaction"])


@pytest.mark.parametrize(
    ("hours", "state", "notified"), [(2, "rolling back", 1), (0, "rolling back", 0), (2, "held", 0)]
)
def test_the_daily_snapshot_reports_a_rollback_that_nothing_continues(
    topic: Topic, monkeypatch: pytest.MonkeyPatch, hours: int, state: str, notified: int
) -> None:
    at = datetime.now(UTC) - timedelta(hours=hours)
    hold = _begun("e-1").model_copy(update={"at": at, "state": state})
    topic.account._clients["ssm"] = Parameters(hold)
    taken = SimpleNamespace(name="daily_1", model_dump=lambda mode: {})
    monkeypatch.setattr(snapshot, "own_account", lambda: topic.account)
    monkeypatch.setattr(snapshot, "take_snapshot", lambda *given, **options: taken)
    monkeypatch.setattr(snapshot, "_prune_quietly", lambda account, names: None)
    answer = snapshot.snapshot_function({"operation": "create", "occasion": "schedule"}, CONTEXT)
    assert answer is not None
    assert answer["snapshot"] == "daily_1"
    assert len(topic.published) == notified
    assert all("./vectora rollback --env stage" in each["Message"] for each in topic.published)


def test_a_reaction_that_fails_before_its_hold_is_repeated(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AutomaticRollback, "stage_ended", lambda self, event: fails_with(KeyError("new"))(0, 0))
    parameters = Parameters(_begun("another-execution"))
    topic.account._clients["ssm"] = parameters
    with pytest.raises(VectoraError, match="KeyError"):
        rollback_function({"id": "1", "detail-type": STAGE_CHANGED, "detail": {"execution-id": "e-1"}}, CONTEXT)
    assert parameters.hold.execution == "another-execution"
    assert len(topic.published) == 1


def test_the_rollback_function_handles_events_of_stages_and_runs(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AutomaticRollback, "stage_ended", lambda self, event: "stage")
    monkeypatch.setattr(AutomaticRollback, "run_failed", lambda self, event: "run")
    answers = [
        rollback_function({"id": "1", "detail-type": each, "detail": {}}, CONTEXT)
        for each in (STAGE_CHANGED, RUN_CHANGED)
    ]
    assert [each and each["reaction"] for each in answers] == ["stage", "run"]


def test_the_smoke_test_function_loads_little_beside_the_smoke_test() -> None:
    """It runs after every deployment, and a change of gates, records or snapshots cannot break it."""
    code = "import sys, vectora_ops.functions.smoke_test; print(*sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "lambda_src")},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    loaded = [name for name in printed.split() if name.startswith("vectora_")]
    assert len(loaded) <= 22
    assert not [
        name for name in loaded if name.rpartition(".")[2] in ("gates", "facts", "records", "settings", "vault")
    ]
