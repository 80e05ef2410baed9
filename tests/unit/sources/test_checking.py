"""A check reads the sources as a run does, and tells each failure with its reason and its place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml

from client_files.sources.checking import Check, SourceCheck, check_sources
from tests.unit.sources.web import CONFIG, Web, feed
from vectora_shared.config.configuration import SOURCES_KEY
from vectora_shared.config.content import Content, ContentWithFile
from vectora_shared.errors import ConfigurationError, InvalidEventError

NOW = datetime(2026, 1, 30, 6, tzinfo=UTC)
PAPER = "https://www.fiercebiotech.com/rss/xml"
TRIALS = "registry__clinicaltrials_lai"


def checked(
    pages: dict[str, Any], *, content: Content = CONFIG, client: str | None = None, keys: tuple[str, ...] = ()
) -> Check:
    return check_sources(content, client, keys, fetcher=Web(pages), now=NOW)


def test_each_source_of_a_client_is_reported_in_the_order_of_the_catalogue() -> None:
    done: list[SourceCheck] = []
    check = check_sources(
        CONFIG,
        "lai_weekly",
        (),
        fetcher=Web({PAPER: feed("2026-01-29", "2020-01-01", "")}),
        now=NOW,
        on_result=done.append,
    )
    assert check.sources[0].source_key == "press_corporate__medincell"
    assert len(check.sources) == len(done) == 8
    [paper] = [source for source in check.sources if source.url == PAPER]
    assert (paper.status, paper.found, paper.kept, paper.undated, paper.newest) == ("ok", 3, 2, 1, date(2026, 1, 29))
    assert paper.dropped == {"out_of_period": 1}
    assert len(check.failed) == 7
    assert all("404" in source.message for source in check.failed)


def test_a_source_without_entries_has_failed() -> None:
    check = checked({PAPER: feed()}, keys=("press_sector__fiercebiotech",))
    assert [(source.status, source.has_failed) for source in check.sources] == [("empty", True)]


def test_without_a_client_all_enabled_sources_are_read_also_those_that_nobody_subscribes_to() -> None:
    keys = {source.source_key for source in checked({}).sources}
    assert {TRIALS, "canary__feed", "press_corporate__camurus"} <= keys


def test_disabled_sources_are_named_unless_they_are_asked_for() -> None:
    document = yaml.safe_load(CONFIG.read(SOURCES_KEY))
    document["sources"][0]["enabled"] = False
    content = ContentWithFile(CONFIG, SOURCES_KEY, yaml.safe_dump(document).encode())
    check = checked({}, content=content)
    assert check.skipped == ("press_corporate__medincell is disabled.",)
    asked = checked({}, content=content, keys=("press_corporate__medincell",))
    assert [source.source_key for source in asked.sources] == ["press_corporate__medincell"]


def test_a_place_in_a_mapping_that_finds_nothing_is_named_with_its_line() -> None:
    class Registry:
        def fetch(self, url: str) -> Any:
            return Web({url: {"trials": []}}).fetch(url)

    [source] = check_sources(CONFIG, None, (TRIALS,), fetcher=Registry(), now=NOW).sources
    text = CONFIG.read(SOURCES_KEY).decode("utf-8")
    line = text[: text.index("items: studies")].count("\n") + 1
    assert source.message.startswith(f"{SOURCES_KEY}, line {line}, column 7: The source's mapping.items ('studies')")


def test_a_mistyped_source_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'press_sector__fiercebiotech'"):
        checked({}, keys=("press_sector__fiercebiotch",))
    with pytest.raises(InvalidEventError, match="does not have"):
        checked({}, client="lai_weekly", keys=(TRIALS,))


def test_an_unexpected_failure_of_one_source_leaves_the_others() -> None:
    pages = {PAPER: RuntimeError("surprise"), "https://endpts.com/feed/": feed("2026-01-29")}
    check = checked(pages, keys=("press_sector__fiercebiotech", "press_sector__endpoints_news"))
    assert [source.status for source in check.sources] == ["failed", "ok"]
