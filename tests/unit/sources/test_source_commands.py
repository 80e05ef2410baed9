"""`./vectora source`: text for terminals, JSON for programs, and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import typer
from typer.testing import CliRunner, Result

import cli.source.fetching
import cli.source.list
from cli.source.check import check
from cli.source.list import list_sources
from cli.source.trial import try_source
from client_files.sources.catalogue import list_sources as listed_sources
from tests.unit.conftest import MemoryS3
from tests.unit.sources.web import CONFIG, Web, feed
from vectora_shared.storage import Bucket

PAPER = "https://www.fiercebiotech.com/rss/xml"
NEW = "https://paper.example/feed"
TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    made = Web({NEW: feed(TODAY, "2020-01-01"), PAPER: feed(TODAY)})
    monkeypatch.setattr(cli.source.fetching, "page_reader", lambda content: made)
    return made


@pytest.fixture
def source(web: Web) -> Callable[..., Result]:
    app = typer.Typer()
    app.command("try")(try_source)
    app.command("list")(list_sources)
    app.command("check")(check)
    return lambda *arguments: CliRunner().invoke(app, [str(each) for each in arguments])


def test_a_trial_prints_facts_headlines_and_an_entry(source: Callable[..., Result]) -> None:
    result = source("try", NEW)
    assert result.exit_code == 0
    for expected in (
        "RSS feed",
        "utf-8, by its server's header",
        "1 outside the period",
        "- source_key: press_sector__",
    ):
        assert expected in result.stdout
    assert "Reading robots.txt" in result.stderr


def test_a_trial_for_programs_is_one_document(source: Callable[..., Result]) -> None:
    document = json.loads(source("try", NEW, "--json").stdout)
    assert (document["is_usable"], document["news"]["dropped"]) == (True, {"out_of_period": 1})
    assert document["proposal"]["entry"]["url"] == NEW
    assert document["robots"]["is_allowed"] is True


def test_an_address_that_is_no_source_ends_with_3_and_its_reason(source: Callable[..., Result]) -> None:
    result = source("try", "https://paper.example/missing")
    assert result.exit_code == 3
    assert "cannot be a source. The site answered 404" in result.stderr
    assert source("try", "https://paper.example/missing", "--json").exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--mode", "jsn"), "did you mean 'json'?"),
        (("--type", "regulater"), "did you mean 'regulator'?"),
    ],
)
def test_a_mistyped_option_is_refused_with_the_nearest_one(
    source: Callable[..., Result], arguments: tuple[str, ...], message: str
) -> None:
    result = source("try", NEW, *arguments)
    assert (result.exit_code, message in result.stderr) == (2, True)


def test_a_check_ends_with_3_when_a_source_fails(source: Callable[..., Result]) -> None:
    good = source("check", "--source", "press_sector__fiercebiotech")
    assert good.exit_code == 0
    both = source("check", "--source", "press_sector__fiercebiotech", "--source", "press_sector__fiercepharma")
    assert both.exit_code == 3
    assert "1 of 2 sources failed" in both.stderr
    document = json.loads(source("check", "--source", "press_sector__fiercepharma", "--json").stdout)
    assert document["failed"] == ["press_sector__fiercepharma"]


def test_a_check_of_an_unknown_client_names_the_nearest(source: Callable[..., Result]) -> None:
    result = source("check", "lai_weakly")
    assert (result.exit_code, "did you mean 'lai_weekly'?" in result.stderr) == (1, True)


def test_the_list_names_bouquets_and_readers(source: Callable[..., Result]) -> None:
    text = source("list").stdout
    assert "in lai_press_mvp; read by lai_weekly" in text
    assert "in lai_registers; read by no client" in text
    listed = {each["source_key"]: each for each in json.loads(source("list", "--json").stdout)["sources"]}
    assert listed["regulator__openfda_recalls"]["source_type"] == "regulator"
    assert listed["press_sector__fiercebiotech"]["clients"] == ["lai_weekly"]


@pytest.mark.parametrize("arguments", [("try", NEW), ("list",), ("check", "--source", "press_sector__fiercebiotech")])
def test_no_line_but_a_sentence_is_wider_than_a_terminal(
    source: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    from cli.output import out

    monkeypatch.setattr(out, "width", 80)
    assert max(len(line.rstrip()) for line in source(*arguments).stdout.splitlines()) <= 80


def test_the_list_of_an_environment_has_the_newest_result_of_each_client() -> None:
    data = Bucket(MemoryS3(), "data")  # type: ignore[arg-type]
    for day, status in (("2026/01/02", "failed"), ("2026/01/09", "degraded")):
        report = {"sources": [{"source_key": "press_sector__fiercebiotech", "status": status, "items_found": 5,
                               "items_kept": 2, "message": "The feed is broken."}]}  # fmt: skip
        data.write_json(f"ingested/lai_weekly/{day}/report.json", report)
        data.write_json(f"ingested/lai_weekly/{day}/items.json", [])
    sources = {source.source_key: source for source in listed_sources(CONFIG, data)}
    [result] = sources["press_sector__fiercebiotech"].last_results
    assert (str(result.day), result.status, result.found, result.kept) == ("2026-01-09", "degraded", 5, 2)
    assert sources["press_sector__fiercepharma"].last_results == ()
