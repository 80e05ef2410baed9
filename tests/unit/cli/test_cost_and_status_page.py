"""`./vectora cost` and `./vectora status --html`, on costs and overviews that a test gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from cli import cost as cost_command
from cli import status as status_command
from cli.environment_status import EnvironmentStatus, StackStatus
from cli.output import out
from cli.profiles import GIVEN, with_profiles
from overview import collecting
from terminal.console import Terminal
from tests.unit.cli.hostile import HOSTILE, is_harmless
from tests.unit.cli.statuses import status_with_stacks
from tests.unit.ops.pages import overviews
from vectora_ops.costs.month import MonthCost
from vectora_ops.overview.model import EnvironmentOverview, Overview, PipelineOverview
from vectora_shared.errors import VectoraError

WIDEST = 80


def _run(function: Any, *arguments: object) -> Result:
    app = typer.Typer()
    app.command()(with_profiles(function))
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the costs by environment, which a test may replace by an error."""
    known: dict[str, Any] = {env: overviews.cost(env) for env in ("dev", "stage", "prod")}

    def read(account: object, names: Any, *_: object) -> MonthCost:
        found = known[names.env]
        if isinstance(found, Exception):
            raise found
        cost: MonthCost = found
        return cost

    monkeypatch.setattr(cost_command, "open_account", lambda settings, env: GIVEN.get())
    monkeypatch.setattr(cost_command, "read_month_cost", read)
    return known


def test_the_cost_of_each_environment_is_shown_by_part_and_client_within_80_columns(
    costs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Terminal, "is_terminal", True)
    monkeypatch.setattr(out, "width", WIDEST)
    result = _run(cost_command.cost)
    assert result.exit_code == 0
    assert "prod in 2026-11: $3.53 so far, $4.14 at its end, 7% of $60" in result.stdout
    assert "4 recorded runs of 4" in result.stdout
    assert "lai_weekly" in result.stdout
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= WIDEST
    assert "not verified" in result.stdout


def test_one_environment_is_shown_alone(costs: dict[str, Any]) -> None:
    result = _run(cost_command.cost, "--env", "stage")
    assert ("stage in" in result.stdout, "prod in" in result.stdout) == (True, False)


def test_a_cost_over_the_budget_is_a_warning(costs: dict[str, Any]) -> None:
    costs["prod"] = overviews.cost("prod", budget_usd=1.0)
    assert "prod will cost $4.14 in 2026-11: its budget is $1." in _run(cost_command.cost, "--env", "prod").stdout


def test_an_environment_that_cannot_be_read_is_named_and_stops_no_other(costs: dict[str, Any]) -> None:
    costs["dev"] = VectoraError("AWS did not accept your credentials.")
    result = _run(cost_command.cost)
    assert result.exit_code == 0
    assert "dev: AWS did not accept your credentials." in result.stderr
    assert "prod in 2026-11" in result.stdout
    costs.update(dict.fromkeys(("stage", "prod"), costs["dev"]))
    assert _run(cost_command.cost).exit_code == 1


def test_the_document_has_totals_parts_and_clients(costs: dict[str, Any]) -> None:
    document = json.loads(_run(cost_command.cost, "--env", "prod", "--json").stdout)
    [prod] = document["environments"]
    assert (prod["env"], prod["month"], round(prod["forecast_usd"], 2)) == ("prod", "2026-11", 4.14)
    assert [each["name"] for each in prod["parts"]][:1] == ["model"]
    assert prod["clients"][0]["client_id"] == "lai_weekly"


def test_the_page_of_costs_is_written(costs: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "new" / "cost.html"
    result = _run(cost_command.cost, "--html", file)
    assert result.exit_code == 0
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "cost.html" in result.stdout


def test_a_page_that_cannot_be_written_is_one_sentence(costs: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = _run(cost_command.cost, "--html", tmp_path / "file" / "cost.html")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_the_chosen_profile_is_used_in_every_thread(costs: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(cost_command, "open_account", lambda settings, env: seen.append(GIVEN.get()))
    _run(cost_command.cost, "--profile", "chosen")
    assert seen == [("chosen",)] * 3


def _given(monkeypatch: pytest.MonkeyPatch, overview: Overview) -> list[object]:
    asked: list[object] = []

    def overview_of(settings: object, envs: Any, *_: object) -> Overview:
        asked.extend(envs)
        return overview

    monkeypatch.setattr(collecting, "overview_of", overview_of)
    return asked


def _deployed(env: str) -> EnvironmentStatus:
    return status_with_stacks(env, StackStatus(f"vectora-inbox-s0-core-{env}", "UPDATE_COMPLETE", None))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return a function that shows the status of three deployed environments and of an overview."""

    def show(overview: Overview, *arguments: str) -> Result:
        _given(monkeypatch, overview)
        return _run(status_command.status, *arguments)

    monkeypatch.setattr(status_command, "_read", lambda settings, env, opens: _deployed(env))
    return show


def test_status_shows_the_cost_of_each_environment_and_at_its_end_what_needs_a_person(
    shown: Callable[..., Result],
) -> None:
    lines = shown(overviews.STATES["waiting for approval"]()).stdout.splitlines()
    assert lines.count("  Cost in 2026-11: $3.53 so far, $4.14 at its end, 7% of $60.") == 3
    after = lines[lines.index("Needs you") + 1 :]
    assert after[0].startswith("Now: A release waits for your approval into prod.")
    assert after[1] == "  ./vectora promote approve --to prod"


def test_status_as_a_document_has_the_totals_of_each_environment_and_the_needs(shown: Callable[..., Result]) -> None:
    document = json.loads(shown(overviews.STATES["held"](), "--json").stdout)
    totals = {"month": "2026-11", "so_far_usd": 3.53, "forecast_usd": 4.142, "budget_usd": 60.0}
    assert [each["cost"] for each in document["environments"]] == [pytest.approx(totals)] * 3
    assert [each["command"] for each in document["needs"]] == ["./vectora promote release-hold --env prod"]
    assert document["not_known"] == []


def test_status_says_when_nothing_needs_a_person(shown: Callable[..., Result]) -> None:
    assert shown(overviews.STATES["fresh"]()).stdout.splitlines()[-1] == "Nothing needs you."


def test_status_names_what_may_hide_a_need(shown: Callable[..., Result]) -> None:
    overview = replace(overviews.STATES["fresh"](), pipeline=PipelineOverview(problem="AWS denied GetPipelineState"))
    assert shown(overview).stdout.splitlines()[-2:] == [
        "Nothing that could be read needs you.",
        "Not known: the pipeline, AWS denied GetPipelineState.",
    ]


def test_status_without_a_known_cost_has_no_line_of_it(shown: Callable[..., Result]) -> None:
    overview = overviews.STATES["fresh"]()
    unknown = tuple(replace(each, cost=None, unknown=("cost: AWS denied it",)) for each in overview.environments)
    stdout = shown(replace(overview, environments=unknown)).stdout
    assert "Cost in" not in stdout
    assert "Not known: prod, cost: AWS denied it." in stdout.splitlines()


def test_the_status_page_is_written_and_needs_are_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = _given(monkeypatch, overviews.STATES["waiting for approval"]())
    result = _run(status_command.status, "--html", tmp_path / "status.html")
    assert result.exit_code == 0
    assert asked == ["dev", "stage", "prod"]
    assert "  ./vectora promote approve --to prod" in result.stdout.splitlines()
    assert "waiting for approval" in (tmp_path / "status.html").read_text(encoding="utf-8")


def test_the_needs_of_a_status_page_are_a_document(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _given(monkeypatch, overviews.STATES["held"]())
    result = _run(status_command.status, "--html", tmp_path / "status.html", "--json", "--env", "prod")
    [need] = json.loads(result.stdout)["needs"]
    assert (need["env"], need["command"]) == ("prod", "./vectora promote release-hold --env prod")


def test_no_page_is_written_when_nothing_can_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = overviews.overview()
    nothing = tuple(EnvironmentOverview(env=each.env, problem="no credentials") for each in shown.environments)
    _given(monkeypatch, replace(shown, environments=nothing))
    result = _run(status_command.status, "--html", tmp_path / "status.html")
    assert (result.exit_code, result.stderr.strip()) == (1, "no credentials")
    assert not (tmp_path / "status.html").exists()


def test_hostile_text_of_a_need_is_shown_as_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = overviews.STATES["held"]()
    needs = tuple(replace(each, sentence=HOSTILE) for each in shown.needs)
    _given(monkeypatch, replace(shown, needs=needs))
    assert is_harmless(_run(status_command.status, "--html", tmp_path / "status.html").stdout)
