"""Accounts read at one moment: nothing is asked twice, and changes are always sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cli.environment_status import environment_status
from cli.one_reading import Shared, opening_once, share_answers
from tests.docs.vault_in_memory import RELEASE
from tests.unit.watch.world import MONDAY, SCHEDULE, World
from tests.unit.watch.world import world as made
from vectora_ops.account import Account
from vectora_ops.costs.reading import CostSettings
from vectora_ops.overview.environment import Subject, read_environment
from vectora_shared.aws import read_object


@pytest.fixture
def world() -> Iterator[World]:
    with made() as found:
        yield found


class Counted:
    """An account whose answered requests are counted by service, operation and parameters, errors excepted."""

    def __init__(self, world: World) -> None:
        self.requests: Counter[str] = Counter()
        session = boto3.Session(region_name=world.account.region)
        session.events.register("before-parameter-build", self._note)
        session.events.register("after-call", self._count)
        self.account = Account(world.account.account_id, world.account.region, session)

    def _note(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        asked = sorted(value for key, value in params.items() if isinstance(value, str) and key != "ChecksumMode")
        context["asked"] = f"{model.service_model.service_name} {model.name} {' '.join(asked)}"

    def _count(self, http_response: Any, context: dict[str, Any], **_: Any) -> None:
        if http_response.status_code < 300:
            self.requests[context["asked"]] += 1

    def repeated(self) -> list[str]:
        return [each for each, times in self.requests.items() if times > 1]


def _read_twice(account: Account, world: World) -> tuple[Any, Any]:
    cost = CostSettings(budget_usd=20.0, schedule=SCHEDULE)
    subject = Subject(names=world.names, cost=cost, opens=lambda: account, key=lambda account, names: b"key")
    with ThreadPoolExecutor(2) as pool:
        detail = pool.submit(environment_status, account, world.names)
        overview = pool.submit(read_environment, subject, MONDAY)
        return detail.result(), overview.result()


def test_the_details_and_the_overview_of_an_environment_share_every_answer(world: World) -> None:
    world.publish_client()
    world.write_issue()
    world.take_snapshot()
    world.account.client("ssm").put_parameter(Name=world.names.parameter("release"), Value=RELEASE, Type="String")
    alone, together = Counted(world), Counted(world)
    share_answers(together.account.session)
    expected = _read_twice(alone.account, world)
    assert _read_twice(together.account, world) == expected
    assert "s3 GetObject clients/lai_weekly.yaml vectora-inbox-config-dev" in alone.repeated()
    assert together.repeated() == []
    assert together.requests.keys() == alone.requests.keys()


def test_each_reader_of_an_object_gets_its_whole_body(world: World) -> None:
    world.publish_client()
    counted = Counted(world)
    share_answers(counted.account.session)
    s3, bucket = counted.account.client("s3"), world.names.bucket("config")
    first, second = (read_object(s3, Bucket=bucket, Key="clients/lai_weekly.yaml").body for _ in range(2))
    assert first == second != b""
    assert counted.repeated() == []


def test_a_change_is_sent_each_time(world: World) -> None:
    counted = Counted(world)
    share_answers(counted.account.session)
    for _ in range(2):
        counted.account.client("ssm").put_parameter(Name="/a", Value="b", Type="String", Overwrite=True)
    assert len(counted.repeated()) == 1


def test_what_is_missing_is_asked_for_again(world: World) -> None:
    counted = Counted(world)
    share_answers(counted.account.session)
    ssm = counted.account.client("ssm")
    with pytest.raises(ClientError, match="ParameterNotFound"):
        ssm.get_parameter(Name="/a")
    ssm.put_parameter(Name="/a", Value="b", Type="String")
    assert ssm.get_parameter(Name="/a")["Parameter"]["Value"] == "b"


def test_threads_that_ask_the_same_wait_for_one_answer_or_get_its_error() -> None:
    shared, asked, together = Shared(), Counter[str](), Barrier(4, timeout=600)

    def ask() -> str:
        asked["times"] += 1
        return "answer"

    def read(_: int) -> str:
        together.wait()
        return shared.answer("question", ask)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == ["answer"] * 4
    assert asked["times"] == 1
    with pytest.raises(ZeroDivisionError):
        shared.answer("other", lambda: 1 // 0)
    assert shared.answer("other", lambda: 1) == 1


def test_an_account_is_opened_once(world: World) -> None:
    opened: list[str] = []

    def opens(where: str) -> Account:
        opened.append(where)
        return Counted(world).account

    shared = opening_once(opens)
    assert shared("dev") is shared("dev")
    assert shared("prod") is not shared("dev")
    assert opened == ["dev", "prod"]
