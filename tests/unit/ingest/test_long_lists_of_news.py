"""Ten times the entries of a news page take ten times the work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from vectora_core.ingest.page_links import links_between
from vectora_core.ingest.page_neighbours import Neighbours
from vectora_core.ingest.pages import parse_page
from vectora_shared.config.sources import Source

TODAY = date(2026, 1, 30)
URL = "https://news.example.com/news/"


@pytest.fixture
def source() -> Source:
    return Source.model_validate(
        {
            "source_key": "press_corporate__nordika",
            "source_type": "press_corporate",
            "company": "Nordika",
            "url": URL,
            "ingestion_mode": "html",
        }
    )


def below_one_date(count: int) -> str:
    entry = '<p><a href="/news/{0}">Nordika receives approval number {0}</a></p><i>One of several</i>'
    entries = "".join(entry.format(number) for number in range(count))
    return f"<html><body><div><b>10 December 2025</b>{entries}</div></body></html>"


def with_a_date_each(count: int) -> str:
    entry = '<p><a href="/news/{0}">Nordika receives approval number {0}</a></p><i>10 December 2025</i>'
    entries = "".join(entry.format(number) for number in range(count))
    return f"<html><body><div>{entries}</div></body></html>"


@pytest.mark.parametrize("page", [below_one_date, with_a_date_each])
def test_texts_beside_entries_are_read_in_proportion_to_their_number(
    page: Callable[[int], str], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0
    plain = Neighbours._date_lines_of

    def counted(self: Neighbours, index: int) -> list[str]:
        nonlocal read
        read += 1
        return plain(self, index)

    monkeypatch.setattr(Neighbours, "_date_lines_of", counted)
    counts = []
    for count in (40, 400):
        read = 0
        entries = parse_page(page(count).encode(), source, URL, "utf-8", TODAY).entries
        assert [entry.published for entry in entries] == count * [date(2025, 12, 10)]
        counts.append(read)
    assert counts[1] <= 10.5 * counts[0]


class _NotCopied(list[Any]):
    """A list of which no part may be copied."""

    def __getitem__(self, place: Any) -> Any:
        assert not isinstance(place, slice), "a part of the list is copied"
        return super().__getitem__(place)


def test_links_of_an_entry_are_found_without_copying_those_of_the_page() -> None:
    class Link:
        def __init__(self, index: int) -> None:
            self.index = index

    links = _NotCopied(map(Link, range(100)))
    assert [link.index for link in links_between(links, 40, 43)] == [40, 41, 42]
