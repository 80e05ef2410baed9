"""Several environments read concurrently: order, profiles, and one that fails."""

from __future__ import annotations

import json
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from typer.testing import CliRunner

from cli import status
from cli.__main__ import app
from cli.parallel import read_each
from cli.profiles import GIVEN
from cli.status import Unreadable
from overview import collecting
from tests.unit.cli.statuses import status_with_stacks
from tests.unit.ops.pages import overviews
from vectora_shared.errors import VectoraError


def test_items_are_read_at_the_same_time_and_returned_in_their_order() -> None:
    together = Barrier(3, timeout=600)

    def read(item: str) -> str:
        together.wait()
        return item.upper()

    assert read_each(["dev", "stage", "prod"], read) == ["DEV", "STAGE", "PROD"]


def test_each_thread_knows_the_profiles_of_the_command() -> None:
    token = GIVEN.set(("admin",))
    try:
        assert read_each(range(3), lambda _: GIVEN.get()) == [("admin",)] * 3
    finally:
        GIVEN.reset(token)


def test_an_error_of_one_item_is_raised() -> None:
    def read(item: int) -> int:
        if item == 1:
            raise VectoraError("no")
        return item

    with pytest.raises(VectoraError, match="no"):
        read_each(range(3), read)


def test_status_names_the_environments_that_cannot_be_read_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_account(settings: Any, env: str) -> Any:
        if env == "stage":
            raise VectoraError(f"no access to {env}")
        raise EndpointConnectionError(endpoint_url=f"https://{env}.example")

    monkeypatch.setattr(status, "open_account", open_account)
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if line]
    assert [("dev" in line, "stage" in line, "prod" in line) for line in lines] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]


def test_one_environment_that_aws_does_not_answer_for_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        status, "_read", lambda settings, env, opens: Unreadable(env, "no") if env != "dev" else status_with_stacks(env)
    )
    monkeypatch.setattr(collecting, "overview_of", lambda *_: overviews.overview())
    document = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    assert [each["env"] for each in document["environments"]] == ["dev", "stage", "prod"]
    assert [each.get("problem") for each in document["environments"]] == [None, "no", "no"]
