"""A trial says what an address is, what a run would keep of it, and gives an entry that the catalogue accepts."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from client_files.sources.page_feeds import linked_feeds
from client_files.sources.proposal import proposed_key, with_entry
from client_files.sources.robots import read_robots
from client_files.sources.trial import try_address
from tests.unit.sources.web import CANONICAL, CONFIG, TODAY, Web, feed, tried
from vectora_core.ingest.fetch import Page, Redirect
from vectora_shared.config.configuration import SOURCES_KEY
from vectora_shared.config.content import ContentWithFile
from vectora_shared.config.loading import load_sources
from vectora_shared.errors import ConfigurationError, VectoraError

SITE = "https://www.camurus.com"
FEED = f"{SITE}/news/feed/"
PAPER = "https://paper.example/feed"
KEYS = ("items", "title", "url", "link", "date", "version", "data", "Title", 'odd "key"', "", "rendered", "content")
ROWS = "".join(
    f'<li class="news"><time>2026-01-{day:02}</time><a href="/{day}"><h3>A depot is approved, part {day}</h3></a></li>'
    for day in range(10, 16)
)


def entry_of(text: str) -> dict[str, Any]:
    """Return the source that the catalogue has once the entry is pasted into it."""
    pasted = with_entry(CONFIG.read(SOURCES_KEY), text)
    source = load_sources(ContentWithFile(CONFIG, SOURCES_KEY, pasted)).sources[-1]
    return source.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def test_a_feed_is_described_with_its_days_and_what_a_run_drops() -> None:
    days = ("2026-01-29", "2026-01-20", "", "2025-11-01")
    trial = tried(PAPER, {PAPER: feed(*days, language="sv-SE")})
    assert (trial.kind, trial.language, trial.title, trial.reason) == ("RSS feed", "sv", "Depot Daily", "")
    assert trial.news is not None
    assert (trial.news.found, trial.news.undated, trial.news.kept) == (4, 1, 3)
    assert (trial.news.oldest, trial.news.newest) == (date(2025, 11, 1), date(2026, 1, 29))
    assert trial.news.dropped == {"out_of_period": 1}
    assert [headline.url for headline in trial.news.headlines][:1] == ["https://paper.example/0"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (feed("2026-01-29"), "RSS feed"),
        (
            '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><title>A depot is approved</title>'
            "<updated>2026-01-29</updated></entry></feed>",
            "Atom feed",
        ),
        (
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><item>'
            "<title>A depot is approved</title></item></rdf:RDF>",
            "RDF feed",
        ),
        (f'<!doctype html><html lang="en"><title>News</title><ul>{ROWS}</ul></html>', "HTML page"),
        (
            {
                "version": "https://jsonfeed.org/version/1.1",
                "title": "T",
                "items": [{"id": "1", "url": "/1", "title": "A depot is approved"}],
            },
            "JSON Feed",
        ),
        ([{"headline": "A depot is approved", "permalink": "https://paper.example/1"}], "JSON"),
    ],
)
def test_each_kind_gives_an_entry_that_the_catalogue_accepts(body: Any, kind: str) -> None:
    trial = tried(PAPER, {PAPER: body})
    assert (trial.kind, trial.is_usable) == (kind, True)
    assert trial.proposal is not None
    assert trial.proposal.problem == ""
    assert entry_of(trial.proposal.text)["url"] == PAPER
    assert "language: en" in trial.proposal.text


def test_a_companys_address_gives_its_name_type_and_a_key_that_is_free() -> None:
    trial = tried(FEED, {FEED: feed("2026-01-29")})
    assert trial.proposal is not None
    entry = entry_of(trial.proposal.text)
    assert (entry["source_key"], entry["source_type"]) == ("press_corporate__camurus_2", "press_corporate")
    assert entry["company"] == "Camurus"


@pytest.mark.parametrize(
    ("url", "source_type"),
    [
        ("https://www.fda.gov/about-fda/rss/press/rss.xml", "regulator"),
        ("https://clinicaltrials.gov/api/rss", "registry"),
        ("https://pubmed.ncbi.nlm.nih.gov/rss/search/1/", "literature"),
        ("https://notfda.gov.example/feed", "press_sector"),
    ],
)
def test_the_type_follows_the_host_and_can_be_given(url: str, source_type: str) -> None:
    trial = tried(url, {url: feed("2026-01-29")})
    assert trial.proposal is not None
    assert trial.proposal.entry["source_type"] == source_type
    given = tried(url, {url: feed("2026-01-29")}, source_type="literature")
    assert given.proposal is not None
    assert given.proposal.entry["source_key"].startswith("literature__")


def test_an_api_of_the_catalogue_lends_its_mapping_and_the_query_keeps_its_placeholders() -> None:
    url = "https://clinicaltrials.gov/api/v2/studies?query.term=depot+AND+AREA%5BX%5DRANGE%5B{from_date},{to_date}%5D"
    study = {"protocolSection": {"identificationModule": {"nctId": "NCT1", "briefTitle": "A depot study in adults"}}}
    asked = url.replace("{from_date}", "2026-01-16").replace("{to_date}", "2026-01-30")
    trial = tried(url, {asked: {"studies": [study]}})
    assert trial.proposal is not None
    entry = entry_of(trial.proposal.text)
    assert (entry["url"], entry["source_type"]) == (url, "registry")
    assert entry["mapping"]["next_page"] == {"parameter": "pageToken", "value": "nextPageToken"}


def test_wordpress_posts_are_recognized() -> None:
    url = "https://paper.example/wp-json/wp/v2/posts"
    posts = [
        {
            "id": number,
            "date": f"2026-01-2{number}T08:00:00",
            "link": f"https://paper.example/{number}",
            "title": {"rendered": f"A depot &#8211; part {number}"},
            "content": {"rendered": "<p>Text</p>"},
        }
        for number in range(3)
    ]
    trial = tried(url, {url: posts})
    assert trial.news is not None
    assert trial.news.headlines[0].title == "A depot \u2013 part 0"
    assert trial.proposal is not None
    assert entry_of(trial.proposal.text)["mapping"]["title"] == "title.rendered"


def test_the_feeds_of_a_page_are_read_too_and_those_of_comments_come_last() -> None:
    page = (
        '<html><head><link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed/">'
        '<link rel="alternate" type="application/rss+xml" title="News" href="/feed/">'
        '<link rel="alternate" hreflang="sv" href="/sv/"></head>'
        f"<ul>{ROWS}</ul></html>"
    )
    trial = tried(f"{SITE}/news", {f"{SITE}/news": page, f"{SITE}/feed/": feed("2026-01-29", "2026-01-28")})
    assert trial.news is not None
    assert trial.news.found == 6
    assert [(feed.url, feed.found) for feed in trial.feeds] == [(f"{SITE}/feed/", 2), (f"{SITE}/comments/feed/", None)]
    assert "404" in trial.feeds[1].problem


def test_usual_addresses_are_tried_only_for_a_page_without_news_and_feeds() -> None:
    trial = tried(SITE, {SITE: "<html><body><p>Welcome</p></body></html>", f"{SITE}/feed/": feed("2026-01-29")})
    assert not trial.is_usable
    assert "no entries" in trial.reason
    assert [(feed.url, feed.found) for feed in trial.feeds] == [(f"{SITE}/feed/", 1)]


def test_links_to_feeds_follow_the_base_of_the_page_and_only_safe_ones_are_shown() -> None:
    text = (
        '<link rel="alternate feed" type="application/rdf+xml" href="r.rdf">'
        '<base target="_blank"><base href="https://other.example/x/">'
        '<link rel="ALTERNATE home" type="Application/RSS+XML; charset=utf-8" '
        'href="f.xml"><link rel=alternate type=application/rss+xml href="javascript:alert(1)">'
        '<link rel=alternate type=text/html href="/sv"><!-- <link rel=alternate type=application/rss+xml href=/no> -->'
    )
    assert [feed.url for feed in linked_feeds(text, SITE)] == [
        "https://other.example/x/r.rdf",
        "https://other.example/x/f.xml",
    ]


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (VectoraError("The site answered 403 Forbidden: it refuses programs."), "refused", "refuses programs"),
        (VectoraError("The site answered 429 Too Many Requests."), "refused", "429"),
        (VectoraError("The name paper.example could not be resolved."), "nothing readable", "resolved"),
        (b"%PDF-1.7 ...", "nothing readable", "no feed, no page and no JSON"),
        (b"", "nothing readable", "no feed, no page and no JSON"),
        ({"status": "ok", "data": [1, 2]}, "JSON", "write its mapping"),
        ([], "JSON", "write its mapping"),
        (b'{"broken": ', "nothing readable", "no feed"),
    ],
)
def test_what_is_no_source_has_a_reason_and_no_entry(answer: Any, kind: str, reason: str) -> None:
    trial = tried(PAPER, {PAPER: answer})
    assert (trial.kind, trial.is_usable, trial.proposal) == (kind, False, None)
    assert reason in trial.reason


def test_the_mode_can_be_given() -> None:
    page = f"<html><ul>{ROWS}</ul></html>"
    trial = tried(PAPER, {PAPER: page}, mode="rss")
    assert "HTML page instead of a feed" in trial.reason


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "a.example/feed", "https://user@a.example/", "config:canonical/samples/a.xml", ""]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        tried(url, {})


def test_a_page_that_challenges_browsers_is_a_refusal() -> None:
    page = "<!doctype html><html><head><title>Just a moment...</title></head><body><p>Checking</p></body></html>"
    trial = tried(PAPER, {PAPER: page})
    assert (trial.kind, trial.is_usable) == ("refused", False)
    assert "refuses programs" in trial.reason


def test_an_address_that_cannot_be_requested_is_refused_with_its_reason() -> None:
    with pytest.raises(ConfigurationError, match="Punycode"):
        tried("https://bücher.example/feed", {})
    with pytest.raises(ConfigurationError, match="does not start with https://"):
        tried("www.camurus.com/news", {})


def test_an_address_with_a_key_gives_no_entry() -> None:
    url = "https://api.paper.example/posts?api_key=0123"
    trial = tried(url, {url: [{"title": "A depot", "url": "/1"}]})
    assert "query parameter api_key" in trial.reason


def test_an_address_that_the_catalogue_has_is_named() -> None:
    url = "https://www.fiercebiotech.com/rss/xml"
    assert tried(url, {url: feed("2026-01-29")}).known_as == "press_sector__fiercebiotech"
    assert tried(PAPER, {PAPER: feed("2026-01-29")}).known_as == ""


def test_each_address_is_requested_once() -> None:
    web = Web({PAPER: feed("2026-01-29")})
    try_address(PAPER, CONFIG, CANONICAL, fetcher=web, today=TODAY, period_days=14)
    assert sorted(web.requested) == [PAPER, "https://paper.example/robots.txt"]


def test_names_from_a_feed_are_shown_as_text_and_stay_valid_yaml() -> None:
    trial = tried(PAPER, {PAPER: feed("2026-01-29", title="<![CDATA[A: &lt;b&gt;paper&lt;/b&gt; # & 'more' \u202e]]>")})
    assert trial.proposal is not None
    assert trial.proposal.problem == ""
    assert yaml.safe_load(trial.proposal.text)[0]["name"] == entry_of(trial.proposal.text)["name"]


def test_keys_are_numbered_until_one_is_free() -> None:
    known = frozenset({"press_sector__paper", "press_sector__paper_2"})
    assert proposed_key("https://www.paper.com/feed", None, "press_sector", known) == "press_sector__paper_3"
    assert proposed_key("https://nyheter.paper.co.uk/", None, "press_sector", frozenset()) == "press_sector__paper"


@pytest.mark.parametrize(
    ("rules", "is_allowed", "said"),
    [
        ("User-agent: *\nDisallow: /news/", False, "disallows"),
        ("User-agent: *\nDisallow: /\n\nUser-agent: vectora-inbox\nAllow: /\n", True, "allows"),
        ("User-agent: *\nDisallow: /private/\nCrawl-delay: 7", True, "Crawl-delay is 7 s between requests"),
        ("User-agent: *\nDisallow: /*/feed/$", False, "disallows"),
        ("User-agent: *\nDisallow: */feed", False, "disallows"),
        ("User-agent: *\nDisallow: /*.xml$", True, "allows"),
        ("User-agent: *\nDisallow: /*?", True, "allows"),
        ("User-agent: *\nDisallow: /\nAllow: /news/", True, "allows"),
        ("User-agent: *\nAllow: /news/\nDisallow: /news/", True, "allows"),
        ("User-agent: *\n\nDisallow: /news/", False, "disallows"),
        ("User-agent: *\nUser-agent: other\nDisallow: /news/", False, "disallows"),
        ("User-agent: Vectora-Inbox/2.0\nDisallow: /x\n\nUser-agent: *\nDisallow: /news/", True, "allows"),
        ("User-agent: vectora-inbox\nDisallow: /x\nUser-agent: vectora-inbox\nDisallow: /news/", False, "disallows"),
        ("User-agent: *\nDisallow: /internal\n\nUser-agent: 5emeRue\nDisallow: /", True, "allows"),
        ("User-agent: *\nDisallow: /%6Eews/", False, "disallows"),
        ("User-agent: *\nDisallow:", True, "allows"),
        ("User-agent: *\nDisallow: /news/ # not for programs", False, "disallows"),
        ("Disallow: /", True, "allows"),
        ("User-agent: *\nDisallow: " + "/*a" * 5000, True, "allows"),
        ("\ufeffUser-agent: *\nDisallow: /", False, "disallows"),
        ("", True, "allows"),
        ("<!doctype html><p>Not found</p>", True, "no robots.txt"),
        (VectoraError("The site answered 404 Not Found."), True, "no robots.txt"),
        (VectoraError("The site answered 503 Service Unavailable."), None, "could not be read"),
        (VectoraError("The site answered 429 Too Many Requests."), None, "could not be read"),
    ],
)
def test_robots_are_shown_and_never_enforced(rules: Any, is_allowed: bool | None, said: str) -> None:
    found = read_robots(FEED, Web({f"{SITE}/robots.txt": rules}))
    assert found.is_allowed is is_allowed
    assert said in found.said
    trial = tried(FEED, {FEED: feed("2026-01-29"), f"{SITE}/robots.txt": rules})
    assert trial.is_usable


@pytest.mark.parametrize(
    ("statuses", "moves"), [((301,), True), ((308, 301), True), ((302,), False), ((301, 307), False)]
)
def test_an_entry_has_the_address_to_which_the_site_has_moved_for_good(statuses: tuple[int, ...], moves: bool) -> None:
    final = "https://www.paper.example/rss"
    redirects = tuple(Redirect(status=status, url=final) for status in statuses)
    page = Page(url=final, redirects=redirects, body=feed("2026-01-29").encode())
    trial = tried(PAPER, {PAPER: page})
    assert (trial.final_url, trial.has_moved) == (final, moves)
    assert trial.proposal is not None
    assert entry_of(trial.proposal.text)["url"] == (final if moves else PAPER)


@pytest.mark.parametrize(
    ("page", "encoding"),
    [
        (Page(url=PAPER, body=b"\xef\xbb\xbf" + feed("2026-01-29").encode()), "utf-8, by its byte-order mark"),
        (
            Page(url=PAPER, body=feed("2026-01-29", title="Caf\xe9").encode("latin-1"), charset="latin-1"),
            "by its server",
        ),
        (
            Page(url=PAPER, body=b"<html><meta charset=windows-1252><title>Caf\xe9</title><ul></ul></html>"),
            "windows-1252, by its own declaration",
        ),
        (Page(url=PAPER, body=b'[{"title": "T", "url": "/1"}]'), "utf-8, as all JSON"),
    ],
)
def test_the_encoding_is_shown_with_what_it_was_found_by(page: Page, encoding: str) -> None:
    assert encoding in tried(PAPER, {PAPER: page}).encoding


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=300)
    | st.text(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
        max_leaves=12,
    )
)
def test_any_document_gives_a_valid_entry_or_a_reason(body: Any) -> None:
    trial = tried(PAPER, {PAPER: body})
    if trial.is_usable:
        assert trial.proposal is not None
        assert trial.proposal.problem == ""
    else:
        assert trial.reason
