"""Random failures and throttling of S3, Lambda and CloudFormation: nothing is lost, and operations complete."""

from __future__ import annotations

import random
from collections.abc import Callable
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import BotoCoreError, ClientError

from tests.faults.operations import differences, take
from tests.faults.small_environment import NAMES, SmallEnvironment
from tests.faults.store_clock import after_the_lease
from vectora_ops.account import Account
from vectora_ops.cloudformation import polling
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.rollback.run import roll_back
from vectora_ops.snapshots.catalog import list_snapshots
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_vault
from vectora_shared import aws
from vectora_shared.errors import VectoraError

SERVICES = ("s3", "lambda", "cloudformation")
RUNS = 60
FAILURES = {
    "throttled": (
        400,
        b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
    ),
    "broken": (500, b"<Error><Code>InternalError</Code><Message>We failed</Message></Error>"),
    "busy": (503, b"<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"),
    "cut": (200, b""),
}
ANNOUNCED_BYTES = "1000"


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Any:
        yield self._content

    def read(self, *_: Any) -> bytes:
        content, self._content = self._content, b""
        return content


@pytest.fixture
def weather(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, float], None]:
    """Let a share of all requests fail, in an order that the seed determines; pauses between attempts take no time."""
    state = {"random": random.Random(0), "share": 0.0}  # noqa: S311

    def strikes() -> bool:
        return bool(state["random"].random() < state["share"])  # type: ignore[attr-defined]

    def before_send(request: Any, **_: Any) -> AWSResponse | None:
        if request.method == "HEAD" or not strikes():
            return None
        status, body = state["random"].choice(list(FAILURES.values()))  # type: ignore[attr-defined]
        headers = {"Content-Type": "text/xml", "Date": formatdate(usegmt=True)}
        headers |= {} if body else {"Content-Length": ANNOUNCED_BYTES}
        return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Body(body))

    nap = SimpleNamespace(sleep=lambda seconds: None)
    monkeypatch.setattr(botocore.endpoint, "time", nap)
    monkeypatch.setattr(aws, "time", nap)
    monkeypatch.setattr(polling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(polling, "LONGEST_PAUSE_SECONDS", 0.01)

    def begin(seed: int, share: float) -> None:
        state["random"], state["share"] = random.Random(seed), share  # noqa: S311

    begin.hook = before_send  # type: ignore[attr-defined]
    return begin


def in_bad_weather(small: SmallEnvironment, weather: Callable[[int, float], None]) -> Account:
    # An operation that cannot release its lease leaves it to lapse.
    account = after_the_lease(small.account)
    for service in SERVICES:
        account.client(service).meta.events.register("before-send", weather.hook)  # type: ignore[attr-defined]
    return account


def until_done(run: Callable[[], Any]) -> Any:
    for _ in range(RUNS):
        try:
            return run()
        except (VectoraError, ClientError, BotoCoreError) as error:
            last = error
    raise AssertionError(f"not done after {RUNS} runs") from last


@pytest.mark.parametrize("share", [0.1, 0.4])
@pytest.mark.parametrize("seed", range(4))
def test_a_snapshot_is_completed_and_changes_nothing(
    small: SmallEnvironment, weather: Callable[[int, float], None], seed: int, share: float
) -> None:
    account, before = in_bad_weather(small, weather), small.state()

    def run() -> Manifest:
        incomplete = [each.name for each in list_snapshots(Vault(account, NAMES)) if each.state == "incomplete"]
        request = SnapshotRequest(
            label=f"seed{seed}", occasion=Occasion(kind="operator"), resume=incomplete[0] if incomplete else None
        )
        return take_snapshot(account, NAMES, request)

    weather(seed, share)
    manifest = until_done(run)
    weather(seed, 0.0)

    assert small.state() == before
    assert all(each.intact for each in verify_vault(Vault(account, NAMES)) if each.components)
    assert differences(account, manifest) == []


@pytest.mark.parametrize("share", [0.1, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_a_rollback_is_completed_and_loses_nothing(
    small: SmallEnvironment, weather: Callable[[int, float], None], seed: int, share: float
) -> None:
    account = in_bad_weather(small, weather)
    good = take(small.account)
    small.deploy("2")
    small.break_it()
    broken = take(small.account, "broken")

    weather(seed, share)
    request = RollbackRequest(snapshot=good.name)
    until_done(lambda: roll_back(account, NAMES, request, smoke_test=lambda: None))
    weather(seed, 0.0)

    assert differences(account, good) == []
    assert small.say("ingest-v2") == "ingest-v2 1"
    vault = Vault(account, NAMES)
    safety = [each for each in vault.manifests() if each.occasion.kind == "rollback"]
    assert any(
        each.components["functions"].digest == broken.components["functions"].digest
        and each.components["clients"].digest == broken.components["clients"].digest
        for each in safety
    )
