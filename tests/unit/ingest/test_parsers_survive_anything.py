"""For all bytes that a source may send, the parsers return entries or raise an error with a message."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vectora_core.ingest.feeds import parse_feed
from vectora_core.ingest.pages import parse_page
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

SOURCE = Source(
    source_key="test__source", source_type="press_sector", ingestion_mode="rss", url="https://news.example.com/"
)
FRAGMENTS = [
    *(
        "<rss><channel>",
        "<item>",
        "</item>",
        "<title>",
        "</title>",
        "<link>",
        "<pubDate>",
        "<![CDATA[",
        "]]>",
        "<feed>",
        "<entry>",
    ),
    *(
        "<html>",
        "<div class='news'>",
        "</div>",
        "<ul><li>",
        "<a href='/x'>",
        "<a href='http://['>",
        "</a>",
        "<h3>",
        "</h3>",
    ),
    *(
        "<table><tr><td>",
        "<time datetime='2025-99-99'>",
        "<p>",
        "<base href='//['>",
        "<script>",
        "<template>",
        "<svg>",
        "<!--",
    ),
    *(
        "10 December 2025",
        "99/99/9999",
        "2025-12-10T",
        "A title of some words",
        "&amp;",
        "&#0;",
        "&#xD800;",
        "\x00",
        "\ufffe",
    ),
]
documents = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(
        lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
    ),
)
charsets = st.sampled_from([None, "utf-8", "euc-kr", "utf-16", "no-such-charset", "idna", "hex"])
quietly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@quietly
@given(body=documents, charset=charsets)
def test_a_page_is_read_or_refused_with_a_message(body: bytes, charset: str | None) -> None:
    with contextlib.suppress(VectoraError):
        extraction = parse_page(body, SOURCE, SOURCE.url, charset, date(2026, 1, 30))
        assert all(entry.title and entry.url.startswith("http") for entry in extraction.entries)


@quietly
@given(body=documents, charset=charsets)
def test_a_feed_is_read_or_refused_with_a_message(body: bytes, charset: str | None) -> None:
    with contextlib.suppress(VectoraError):
        extraction = parse_feed(b"<rss>" + body, SOURCE, SOURCE.url, charset, date(2026, 1, 30))
        assert all(entry.title and entry.url.startswith("http") for entry in extraction.entries)


@pytest.mark.parametrize(
    "fragment", ["<div>", "<b><p>", "<li><ul>", "<div class=menu><a href=/x>y z</a>", "<a href=/x><div>"]
)
def test_a_page_nested_too_deep_is_refused_instead_of_parsed_for_hours(fragment: str) -> None:
    with pytest.raises(VectoraError, match="nests more than"):
        parse_page(fragment.encode() * 50_000, SOURCE, SOURCE.url, None, date(2026, 1, 30))
