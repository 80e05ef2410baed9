"""Each entry of a feed leads to its own article, whatever the feed writes around it."""

from __future__ import annotations

from datetime import date

import pytest

from vectora_core.ingest.entries import Entry
from vectora_core.ingest.feeds import parse_feed
from vectora_shared.config.sources import Source

FEED = "https://feeds.host.example/company/feed.xml"
SITE = "https://www.company.example"
NAMESPACES = (
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def entries(feed: str, url: str = FEED) -> list[Entry]:
    source = Source.model_validate(
        {"source_key": "press_sector__a", "source_type": "press_sector", "ingestion_mode": "rss", "url": url}
    )
    return list(parse_feed(feed.encode(), source, url, "utf-8", date(2025, 11, 25)).entries)


def rss(*items: str, channel: str = f"<title>Company</title><link>{SITE}/news</link>") -> list[Entry]:
    written = "".join(f"<item>{item}</item>" for item in items)
    return entries(f'<rss version="2.0" {NAMESPACES}><channel>{channel}{written}</channel></rss>')


def atom(entry: str, *, head: str = "", attributes: str = "", url: str = FEED) -> list[Entry]:
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>x</title>{head}{entry}</feed>'
    return entries(feed, url)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<link>/2025/depot</link>", f"{SITE}/2025/depot"),
        ("<link>?id=3</link>", f"{SITE}/news?id=3"),
        ("<link>//www.company.example/a</link>", f"{SITE}/a"),
        ("<link>www.company.example/a</link>", f"{SITE}/a"),
        ("<link>\n  https://www.company.example/a b \n</link>", f"{SITE}/a%20b"),
        ("<link><![CDATA[ https://www.company.example/a?x=1&amp;id=2 ]]></link>", f"{SITE}/a?x=1&id=2"),
        ('<link/><atom:link href="/alternate"/>', f"{SITE}/alternate"),
        ('<atom:link rel="self" href="/self"/><link>/a</link>', f"{SITE}/a"),
        ("<link></link><guid>https://www.company.example/g</guid>", f"{SITE}/g"),
        ('<guid isPermaLink="true">/news/3</guid>', f"{SITE}/news/3"),
        ('<guid isPermaLink="false">https://www.company.example/?p=3</guid>', f"{SITE}/?p=3"),
        ('<link>/a</link><guid isPermaLink="false">12345</guid>', f"{SITE}/a"),
        ('<enclosure url="https://cdn.company.example/release.pdf"/>', "https://cdn.company.example/release.pdf"),
        ('<enclosure url="/picture.jpg" type="image/jpeg"/><link>/a</link>', f"{SITE}/a"),
        (
            "<link>https://feeds.example/~r/1</link><feedburner:origLink>/a?utm_source=feed</feedburner:origLink>",
            f"{SITE}/a",
        ),
        ("<link>javascript:alert(1)</link><guid>https://www.company.example/g</guid>", f"{SITE}/g"),
    ],
)
def test_an_item_of_rss_leads_to_its_article(written: str, expected: str) -> None:
    (entry,) = rss(f"<title>Depot approved</title>{written}")

    assert (entry.url, entry.has_own_url) == (expected, True)


def test_an_item_without_any_link_leads_to_the_site_and_not_to_the_feed() -> None:
    (entry,) = rss("<title>Depot approved</title>")
    (without_site,) = rss("<title>Depot approved</title>", channel="<title>Company</title>")

    assert (entry.url, entry.has_own_url) == (f"{SITE}/news", False)
    assert (without_site.url, without_site.has_own_url) == (FEED, False)


@pytest.mark.parametrize("site", ["/news", "http://localhost/", "mailto:press@company.example", ""])
def test_a_site_that_is_no_public_address_is_no_base(site: str) -> None:
    (entry,) = rss("<title>Depot approved</title><link>/a</link>", channel=f"<title>x</title><link>{site}</link>")

    assert entry.url == "https://feeds.host.example/a"


def test_the_alternate_page_comes_before_all_other_relations_and_types() -> None:
    relations = "".join(
        f'<link rel="{relation}" href="https://b.example/{relation}"/>'
        for relation in ("self", "edit", "replies", "related", "via", "enclosure")
    )
    links = (
        f'{relations}<link rel="alternate" type="application/json" href="https://b.example/a.json"/>'
        '<link rel="alternate" type="text/html" href="https://b.example/a"/>'
        '<link rel="enclosure" type="image/jpeg">https://img.example/x.jpg?w=1&amp;h=2</link>'
    )
    (entry,) = atom(f"<entry><id>tag:1</id><title>Depot approved</title>{links}</entry>")
    (other,) = atom(f"<entry><id>tag:1</id><title>Depot approved</title>{relations}</entry>")

    assert entry.url == "https://b.example/a"
    assert other.url == "https://b.example/related"


def test_relative_links_of_atom_follow_each_xml_base() -> None:
    entry = "<entry xml:base='{}'><id>tag:1</id><title>Depot approved</title><link href='z'/></entry>"

    (nested,) = atom(entry.format("y/"), attributes='xml:base="https://b.example/x/"')
    (relative,) = atom(entry.format("When/2025/"), url="https://b.example/ongoing/ongoing.atom")

    assert nested.url == "https://b.example/x/y/z"
    assert relative.url == "https://b.example/ongoing/When/2025/z"


def test_relative_links_of_atom_are_the_documents_unless_another_host_serves_it() -> None:
    entry = "<entry><id>tag:1</id><title>Depot approved</title><link href='a.html'/></entry>"
    head = '<link href="https://b.example/"/><link rel="self" href="https://b.example/feed/atom.xml"/>'

    (own,) = atom(entry, head=head, url="https://b.example/feed/atom.xml")
    (elsewhere,) = atom(entry, head=head)

    assert own.url == "https://b.example/feed/a.html"
    assert elsewhere.url == "https://b.example/a.html"


def test_identifiers_are_kept_and_those_of_several_entries_are_none() -> None:
    kept = rss("<title>A</title><guid>n-1</guid>", "<title>B</title><guid>n-2</guid>")
    shared = rss("<title>A</title><guid>0</guid>", "<title>B</title><guid>0</guid>")
    (long,) = rss(f"<title>A</title><guid>{'x' * 5000}</guid>")

    assert [entry.guid for entry in kept] == ["n-1", "n-2"]
    assert [entry.guid for entry in shared] == ["", ""]
    assert long.guid.startswith("sha256:")
    assert len(long.guid) < 100


def test_an_address_under_several_titles_is_not_their_own() -> None:
    overview = rss("<title>Depot approved</title><link>/n</link>", "<title>Lot 12 recalled</title><link>/n</link>")
    twice = rss("<title>Depot approved</title><link>/n</link>", "<title>Depot approved: update</title><link>/n</link>")

    assert [entry.has_own_url for entry in overview] == [False, False]
    assert [entry.has_own_url for entry in twice] == [True, True]


def test_a_weekly_title_at_one_address_is_a_series_unless_it_has_one_identifier() -> None:
    def week(day: int, guid: str) -> str:
        return (
            f"<title>Safety update</title><link>/n</link><guid isPermaLink='false'>{guid}</guid>"
            f"<pubDate>{day} Nov 2025 08:00:00 GMT</pubDate>"
        )

    assert {entry.has_own_url for entry in rss(week(3, "a"), week(10, "b"), week(17, "c"))} == {False}
    assert {entry.has_own_url for entry in rss(week(3, ""), week(10, ""))} == {False}
    assert {entry.has_own_url for entry in rss(week(3, "a"), week(10, "a"))} == {True}


def test_addresses_written_in_a_text_are_without_trackers() -> None:
    (entry,) = rss("<title>A</title><description>See https://x.example/a?utm_source=rss&amp;amp;id=1.</description>")

    assert entry.content == "See https://x.example/a?id=1."


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("Thu, 20 Nov 2025 07:30:00 +0900", date(2025, 11, 20)),
        ("Thu, 20 Nov 2025 21:30:00 -0500", date(2025, 11, 20)),
        ("Thu, 20 Nov 25 21:30:00 PDT", date(2025, 11, 20)),
        ("Mon, Nov 17 2025 04:45:26 +0000", date(2025, 11, 17)),
        ("gio, 20 nov 2025 18:55:00 GMT", date(2025, 11, 20)),
        ("mer., 19 nov. 2025 10:00:00 +0100", date(2025, 11, 19)),
        ("Do, 20. November 2025 23:59", date(2025, 11, 20)),
        ("Thu Nov 20 23:30:00 EST 2025", date(2025, 11, 20)),
        ("20 Nov 2025 08:00:00 Asia/Seoul", date(2025, 11, 20)),
        ("2025-W47-4", date(2025, 11, 20)),
        ("2025-324", date(2025, 11, 20)),
        ("20251120T233000-0800", date(2025, 11, 20)),
        ("1763622000", date(2025, 11, 20)),
        ("1763622000000", date(2025, 11, 20)),
        ("20 Dec 2025 08:00:00 GMT", date(2025, 12, 20)),
        ("10/11/2025", None),
        ("20.11.25", None),
        ("2025-11", None),
        ("20 Nov 2205 10:00:00 GMT", None),
        ("Thu, 32 Nov 2025 07:30:00 GMT", None),
        ("Thu, 20 Nov 125 07:30:00 GMT", None),
    ],
)
def test_the_day_is_the_publishers_own(stamp: str, expected: date | None) -> None:
    (entry,) = rss(f"<title>Depot approved</title><pubDate>{stamp}</pubDate>")

    assert entry.published == expected


def test_other_dates_or_the_language_of_a_feed_decide_the_order_of_day_and_month() -> None:
    item = "<title>Depot approved</title><pubDate>{}</pubDate>"
    by_others = rss(item.format("10/11/2025"), item.format("20/11/2025"))
    (by_language,) = rss(item.format("10/11/2025"), channel="<title>x</title><language>fr-FR</language>")
    (unknown,) = rss(item.format("10/11/2025"), channel="<title>x</title><language>en-US</language>")

    assert [entry.published for entry in by_others] == [date(2025, 11, 10), date(2025, 11, 20)]
    assert (by_language.published, unknown.published) == (date(2025, 11, 10), None)


def test_a_later_change_is_not_the_publication() -> None:
    (entry,) = atom(
        "<entry><id>tag:1</id><title>A</title><updated>2025-11-22T08:00:00Z</updated>"
        "<published>2025-11-20T23:30:00-08:00</published></entry>"
    )
    assert entry.published == date(2025, 11, 20)
