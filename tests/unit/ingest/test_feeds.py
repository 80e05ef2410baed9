"""Feeds of all kinds, well-formed or not, give plain text, resolved links and only dates that they have."""
# ruff: noqa: E501 - lines of mark-up are as long as in real feeds

from __future__ import annotations

from datetime import date

import pytest

from vectora_core.ingest.entries import Extraction
from vectora_core.ingest.feeds import parse_feed
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

TODAY = date(2026, 1, 30)
SOURCE = Source(
    source_key="press_sector__paper",
    source_type="press_sector",
    ingestion_mode="rss",
    url="https://paper.example/rss/xml",
)


def read(feed: str, **changes: object) -> Extraction:
    return parse_feed(feed.encode(), SOURCE.model_copy(update=changes), SOURCE.url, None, TODAY)


def rss(*items: str) -> str:
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Paper</title>'
        f"{''.join(f'<item>{item}</item>' for item in items)}</channel></rss>"
    )


def test_an_rss_item_becomes_plain_text_with_its_richest_content() -> None:
    [entry] = read(
        rss(
            "<title>Deal &lt;i&gt;in vivo&lt;/i&gt; for R&amp;amp;D</title><link>/a?x=1</link><description>Short.</description>"
            "<content:encoded><![CDATA[<p>One paragraph.</p><p>Two&nbsp;more <b>wo</b>rds.</p><script>x()</script>]]></content:encoded>"
            "<dc:creator>Jane Doe</dc:creator><category>Biotech</category><pubDate>Fri, 30 Jan 2026 08:30:00 -0500</pubDate>"
        )
    ).entries

    assert entry.title == "Deal in vivo for R&D"
    assert entry.content == "One paragraph.\nTwo more words."
    assert entry.url == "https://paper.example/a?x=1"
    assert entry.published == date(2026, 1, 30)
    assert (entry.author, entry.tags) == ("Jane Doe", ("Biotech",))


def test_atom_and_rdf_are_read_as_well() -> None:
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>Atom title</title><link href="https://x.example/1"/>'
        "<updated>2026-01-05T10:00:00Z</updated><summary>Words.</summary></entry></feed>"
    )
    rdf = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><item><title>RDF title</title><link>https://x.example/2</link>'
        "<dc:date>2026-01-06</dc:date></item></rdf:RDF>"
    )

    assert [(entry.title, entry.published) for entry in (*read(atom).entries, *read(rdf).entries)] == [
        ("Atom title", date(2026, 1, 5)),
        ("RDF title", date(2026, 1, 6)),
    ]


@pytest.mark.parametrize("stamp", ["", "2026", "2026-01", "soon", "Mon, 05 Jan 2032 10:00:00 GMT"])
def test_an_entry_without_a_full_date_of_the_past_is_undated(stamp: str) -> None:
    assert read(rss(f"<title>A title</title><pubDate>{stamp}</pubDate>")).entries[0].published is None


def test_the_date_format_of_the_source_takes_precedence_over_all_others() -> None:
    item = rss("<title>A title</title><pubDate>03/04/2025</pubDate>")

    assert read(item).entries[0].published is None
    assert read(item, date_format="%d/%m/%Y").entries[0].published == date(2025, 4, 3)


def test_an_entry_without_a_title_uses_its_first_line_and_an_empty_entry_is_reported() -> None:
    extraction = read(
        rss("<description>&lt;p&gt;First line.&lt;/p&gt;&lt;p&gt;Second.&lt;/p&gt;</description>", "<guid>1</guid>")
    )

    assert [entry.title for entry in extraction.entries] == ["First line."]
    assert "1 of the feed's 2 entries" in str(extraction.problem)


def test_a_broken_feed_is_read_as_far_as_possible_and_reported() -> None:
    broken = rss("<title>A title</title>").replace("</item>", "</item><item><title>Cut & unfinished")

    extraction = read(broken)

    assert "A title" in [entry.title for entry in extraction.entries]
    assert "The feed is broken (line 1" in str(extraction.problem)


def test_links_that_lead_nowhere_are_replaced_by_the_feeds_address() -> None:
    extraction = read(
        rss(
            "<title>One</title><link>javascript:alert(1)</link>",
            "<title>Two</title><guid isPermaLink='false'>123</guid>",
        )
    )

    assert [entry.url for entry in extraction.entries] == [SOURCE.url, SOURCE.url]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "answered with nothing"),
        (b"/etc/hostname", "neither RSS nor Atom"),
        (b"https://paper.example/other", "neither RSS nor Atom"),
        (b'{"items": []}', "neither RSS nor Atom"),
        (
            b'<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head>',
            r"HTML page instead of a feed \(the page announces its feed at /feed\.xml\)",
        ),
    ],
)
def test_a_body_that_is_no_feed_is_an_error_that_says_what_it_is(body: bytes, message: str) -> None:
    with pytest.raises(VectoraError, match=message):
        parse_feed(body, SOURCE, SOURCE.url, None, TODAY)


def test_entities_of_a_document_type_neither_expand_nor_read_files() -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    bomb = f'<!DOCTYPE rss [{levels}<!ENTITY file SYSTEM "file:///etc/hostname">]>'

    extraction = read(f'<?xml version="1.0"?>{bomb}{rss("<title>Title &l9; &file;</title>").partition("?>")[2]}')

    assert all(len(entry.title) < 100 for entry in extraction.entries)


def test_the_declared_charset_of_a_feed_is_honoured() -> None:
    feed = '<?xml version="1.0" encoding="iso-8859-1"?>' + rss("<title>Læs mere på dansk</title>").partition("?>")[2]

    [entry] = parse_feed(feed.encode("iso-8859-1"), SOURCE, SOURCE.url, None, TODAY).entries

    assert entry.title == "Læs mere på dansk"


def test_the_footer_that_wordpress_adds_is_not_content() -> None:
    [entry] = read(
        rss(
            "<title>Depot approved</title><link>/a</link><description><![CDATA[<p>The depot was approved.</p>"
            "<p>The post <a href='/a'>Depot approved</a> appeared first on <a href='/'>Press</a>.</p>]]></description>"
        )
    ).entries

    assert entry.content == "The depot was approved."
