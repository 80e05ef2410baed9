"""`./vectora newsletter`: issues and drafts of an environment, listed, opened and previewed."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.newsletter import commands
from cli.newsletter import preview as preview_module
from tests.unit.newsletter.test_issues_and_drafts import CLIENT, MONDAY, NEXT_MONDAY, TITLES, Engine, Reader, news

Newsletter = Callable[..., Result]
OPENED: list[str] = []


@pytest.fixture(scope="module")
def engine() -> Engine:
    made = Engine()
    made.run(MONDAY, Reader(news(0, 1)))
    made.run(NEXT_MONDAY, Reader({**news(0, 1), **news(2, day=NEXT_MONDAY)}))
    made.run(NEXT_MONDAY, Reader(news(3, day=NEXT_MONDAY)), draft=True)
    return made


@pytest.fixture
def newsletter(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Newsletter:
    buckets = {"newsletters": engine.newsletters, "data": engine.data}
    monkeypatch.setattr(commands, "_bucket", lambda env: engine.newsletters)
    monkeypatch.setattr(preview_module, "open_target", lambda env: _Target())
    monkeypatch.setattr(preview_module, "Bucket", lambda s3, name: buckets[name])
    monkeypatch.setattr(commands, "FOLDER", tmp_path)
    monkeypatch.setattr(webbrowser, "open", _open)
    OPENED.clear()
    app = typer.Typer()
    app.command("list")(commands.list_newsletters)
    app.command("open")(commands.open_newsletter)
    app.command("preview")(preview_module.preview)
    return lambda *arguments: CliRunner().invoke(app, [str(each) for each in arguments])


def _open(address: str) -> bool:
    OPENED.append(address)
    return True


class _Target:
    account = SimpleNamespace(client=lambda service: None)
    names = SimpleNamespace(bucket=lambda content: content)
    settings = SimpleNamespace(model=SimpleNamespace(analyzer="lexicon"))


def test_issues_are_listed_newest_first_with_their_items_and_formats(newsletter: Newsletter) -> None:
    listed = json.loads(newsletter("list", "--env", "dev", "--json").stdout)["newsletters"]
    assert [(each["day"], each["items"], each["draft"]) for each in listed] == [
        ("2026-03-09", 1, False),
        ("2026-03-02", 2, False),
    ]
    assert listed[0]["formats"] == ["eml", "html", "json", "md", "txt"]
    text = newsletter("list", CLIENT, "--env", "dev").stdout
    assert text.index("2026-03-09") < text.index("2026-03-02")


def test_drafts_are_listed_on_request(newsletter: Newsletter) -> None:
    listed = json.loads(newsletter("list", "--env", "dev", "--drafts", "--json").stdout)["newsletters"]
    assert [(each["day"], each["draft"]) for each in listed] == [("2026-03-09", True)]


def test_a_limit_says_how_many_are_not_shown(newsletter: Newsletter) -> None:
    assert "1 older issues are not shown" in newsletter("list", "--env", "dev", "--limit", "1").stdout


def test_an_unknown_client_gets_the_closest_one(newsletter: Newsletter) -> None:
    for arguments in (("list", "lai_weekl", "--env", "dev"), ("open", "lai_weekl", "--env", "dev")):
        result = newsletter(*arguments)
        assert result.exit_code == 1
        assert "did you mean 'lai_weekly'?" in " ".join(result.output.split())


def test_the_newest_issue_is_opened_in_the_browser(newsletter: Newsletter, engine: Engine, tmp_path: Path) -> None:
    result = newsletter("open", CLIENT, "--env", "dev")
    path = tmp_path / "dev" / f"{CLIENT}-2026-03-09.html"
    assert result.exit_code == 0, result.output
    assert path.read_bytes() == engine.newsletters.objects[f"{CLIENT}/2026/03/09/newsletter.html"]
    assert [path.as_uri()] == OPENED


def test_a_day_a_format_and_a_draft_are_chosen(newsletter: Newsletter, tmp_path: Path) -> None:
    newsletter("open", CLIENT, "--env", "dev", "--day", "2026-03-02", "--format", "txt", "--no-browser")
    newsletter("open", CLIENT, "--env", "dev", "--draft", "--no-browser")
    assert TITLES[0] in (tmp_path / "dev" / f"{CLIENT}-2026-03-02.txt").read_text("utf-8")
    assert "Draft" in (tmp_path / "dev" / f"{CLIENT}-2026-03-09-draft.html").read_text("utf-8")
    assert OPENED == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--day", "2026-01-01"), "has no issue of 2026-01-01: the newest is of 2026-03-09"),
        (("--day", "yesterday"), "--day is 'yesterday': write it as YYYY-MM-DD"),
        (("--format", "pdf"), "There is no format 'pdf' of the newsletter of lai_weekly of"),
    ],
)
def test_what_is_not_there_is_refused_in_a_sentence(
    newsletter: Newsletter, arguments: tuple[str, ...], sentence: str
) -> None:
    result = newsletter("open", CLIENT, "--env", "dev", *arguments)
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())


def test_an_incomplete_issue_is_listed_as_such(newsletter: Newsletter, engine: Engine) -> None:
    key = f"{CLIENT}/2026/03/16/newsletter.html"
    engine.newsletters.objects[key] = b"half"
    result = newsletter("list", "--env", "dev")
    del engine.newsletters.objects[key]
    assert "incomplete" in result.stdout


def test_a_preview_has_the_news_that_no_earlier_issue_has(newsletter: Newsletter, tmp_path: Path) -> None:
    result = newsletter("preview", CLIENT, "--env", "dev", "--no-browser")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "dev" / f"{CLIENT}-2026-03-09-preview.html").read_text("utf-8")
    assert "Nanexa signs PharmaShell licence agreement" in page
    assert "MedinCell and Teva file" not in page
    assert "Draft" in page
    assert "(1 items of 2026-03-09)" in " ".join(result.stdout.split())


def test_a_preview_writes_nothing_to_the_environment(newsletter: Newsletter, engine: Engine) -> None:
    before = {**engine.data.objects}, {**engine.newsletters.objects}
    assert newsletter("preview", CLIENT, "--env", "dev", "--json").exit_code == 0
    assert ({**engine.data.objects}, {**engine.newsletters.objects}) == before


def test_a_preview_in_an_unknown_format_is_refused(newsletter: Newsletter) -> None:
    result = newsletter("preview", CLIENT, "--env", "dev", "--format", "eml")
    assert (result.exit_code, "Choose one of html, md, txt" in result.output) == (2, True)
