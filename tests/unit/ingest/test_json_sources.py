"""APIs that answer in JSON give entries by the mapping of their source, and name what is wrong with it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ingest import json_apis as apis
from tests.unit.ingest.json_apis import JSON_FEED, PUBMED, RECALLS, TRIALS, Api
from vectora_core.ingest.collector import Collector
from vectora_core.ingest.entries import Extraction
from vectora_core.ingest.fetch_errors import StatusError
from vectora_core.ingest.json_source import MAX_PAGES, Period, read_json_source
from vectora_core.ingest.request import IngestRequest, window_of
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_client
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

TODAY = date(2026, 1, 12)
PERIOD = Period(date(2026, 1, 5), TODAY)
CLIENT = load_client(FolderContent(apis.CONFIG), "lai_weekly")
SOURCES = [PUBMED, TRIALS, RECALLS, JSON_FEED]
HOSTILE = [
    "javascript:alert(1)",
    "https://a.example/1",
    "//[",
    "<p>x",
    "\ud800",
    "2026-01-09",
    "9" * 400,
    "{ids}",
    "\x00",
]
KEYS = [
    *("esearchresult", "idlist", "result", "uids", "uid", "title", "history", "date", "pubstatus", "authors", "name"),
    *("studies", "protocolSection", "identificationModule", "briefTitle", "nctId", "nextPageToken", "error", "message"),
    *("meta", "results", "skip", "limit", "total", "event_id", "recalling_firm", "product_description", "code"),
    *("items", "url", "id", "next_url", "content_html", "content_text", "date_published", "tags"),
]


def read(source: Source, answer: Any) -> Extraction:
    api = answer if isinstance(answer, Api) else Api(lambda url: answer)
    return read_json_source(source, api.fetch, PERIOD, TODAY)


def changed(source: Source, **mapping: Any) -> Source:
    """Return the source with other places in its mapping."""
    document = source.model_dump(mode="json", exclude_none=True)
    document["mapping"] = {key: value for key, value in {**document["mapping"], **mapping}.items() if value is not None}
    return Source.model_validate(document)


def test_pubmed_is_searched_in_the_period_and_then_asked_for_the_articles() -> None:
    articles = [apis.article("41", "Monthly depots in <i>vivo</i>, p &lt; 0.05."), apis.article("42", "Another one")]
    api = Api(lambda url: apis.found_ids("41", "42") if "esearch" in url else apis.summaries(*articles))

    found = read(PUBMED, api)

    assert "mindate=2026/01/05&maxdate=2026/01/12" in api.requested[0]
    assert api.requested[1].endswith("&id=41,42")
    assert [entry.title for entry in found.entries] == ["Monthly depots in vivo, p < 0.05.", "Another one"]
    assert found.entries[0].url == "https://pubmed.ncbi.nlm.nih.gov/41/"
    assert (found.entries[0].published, found.entries[0].author) == (date(2026, 1, 10), "Lind A, Okafor B")
    assert found.problem is None


def test_a_search_without_results_asks_for_no_articles_and_is_no_problem() -> None:
    api = Api(lambda url: apis.found_ids())
    found = read(PUBMED, api)
    assert (found.entries, found.problem, found.may_be_empty, len(api.requested)) == ((), None, True, 1)


def test_many_ids_are_asked_for_in_several_requests() -> None:
    ids = [str(number) for number in range(450)]

    def answer(url: str) -> Any:
        asked = url.rpartition("&id=")[2].split(",")
        return apis.found_ids(*ids) if "esearch" in url else apis.summaries(*(apis.article(i, f"A {i}") for i in asked))

    api = Api(answer)
    found = read(PUBMED.model_copy(update={"max_items": 450}), api)
    assert (len(found.entries), len(api.requested)) == (450, 4)


def test_an_article_that_the_api_cannot_give_is_counted() -> None:
    broken = {"uid": "42", "error": "cannot get document summary"}
    answer = apis.summaries(apis.article("41", "A title"), broken)
    found = read(PUBMED, Api(lambda url: apis.found_ids("41", "42") if "esearch" in url else answer))
    assert len(found.entries) == 1
    assert found.problem == "1 of 2 entries have no title where mapping.title looks for it."


def test_trials_are_read_page_by_page_and_their_signs_are_no_html() -> None:
    def answer(url: str) -> Any:
        if "pageToken=" in url:
            return {"studies": [apis.study("NCT00000002", "Second")]}
        return {"studies": [apis.study("NCT00000001", "First")], "nextPageToken": "a+b/c="}

    api = Api(answer)
    found = read(TRIALS, api)

    assert api.requested[1] == f"{api.requested[0]}&pageToken=a%2Bb/c%3D"
    assert [entry.url for entry in found.entries] == [
        "https://clinicaltrials.gov/study/NCT00000001",
        "https://clinicaltrials.gov/study/NCT00000002",
    ]
    assert found.entries[0].content == "Adults aged <18 years are excluded; BMI >30 is allowed."
    assert (found.entries[0].author, found.entries[0].tags) == ("Nordika AB", ("Schizophrenia",))


def test_recalls_are_read_until_the_total_and_dated_without_separators() -> None:
    api = Api(lambda url: apis.recalls(50 if "skip=50" in url else 0, 50, 60))
    found = read(RECALLS.model_copy(update={"max_items": 100}), api)

    assert (len(found.entries), len(api.requested), found.problem) == (60, 2, None)
    assert "report_date:%5B20260105+TO+20260112%5D" in api.requested[0]
    assert found.entries[0].published == date(2026, 1, 7)
    assert found.entries[0].content == "Failed dissolution specifications\nNationwide"


def test_no_further_page_is_requested_once_there_are_enough_entries() -> None:
    api = Api(lambda url: apis.recalls(0, 50, 900))
    found = read(RECALLS, api)
    assert len(api.requested) == 1
    assert "max_items" in str(found.problem)


def test_an_error_that_means_no_results_is_none() -> None:
    body = {"error": {"code": "NOT_FOUND", "message": "No matches found!"}}
    found = read(RECALLS, StatusError("The site answered 404 Not Found.", json.dumps(body).encode()))
    assert (found.entries, found.problem) == ((), None)


@pytest.mark.parametrize(
    ("source", "answer", "reason"),
    [
        (RECALLS, StatusError("400.", b'{"error": {"code": "BAD_REQUEST", "message": "bad query"}}'), "bad query"),
        (TRIALS, StatusError("400.", b"Parameter `pageSize` has incorrect format"), "`pageSize` has incorrect format"),
        (TRIALS, StatusError("400.", b""), "400."),
        (PUBMED, {"esearchresult": {"ERROR": "Search Backend failed"}}, "Search Backend failed"),
        (PUBMED, b'{"esearchresult": {"ERROR": "Search\n\tBackend failed"}}', "Search Backend failed"),
        (PUBMED, {"error": "API rate limit exceeded", "count": "4"}, "API rate limit exceeded"),
    ],
)
def test_the_apis_own_reason_is_reported(source: Source, answer: Any, reason: str) -> None:
    with pytest.raises(VectoraError, match=reason.replace(".", r"\.")):
        read(source, answer)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "answered with nothing"),
        (b"<!doctype html><html></html>", "HTML or XML instead of JSON"),
        (b"{'a': 1}", "is no JSON"),
        (b'{"results": [', "is no JSON"),
        (b"[" * 100_000, "nests more than"),
        (b"[" * 100_000 + b"]" * 100_000, "nests more than"),
        (b'{"results": [' + b"9" * 5_000 + b"]}", "is no JSON"),
    ],
)
def test_what_is_no_json_is_refused_in_words(body: bytes, reason: str) -> None:
    with pytest.raises(VectoraError, match=reason):
        read(RECALLS, body)


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ({"items": "result"}, r"mapping\.items \('result'\) finds nothing in an object with the keys meta, results"),
        ({"items": "meta"}, r"mapping\.items \('meta'\) finds an object instead of a list"),
        ({"items": "meta.last_updated"}, r"mapping\.items .* finds a single value instead of a list"),
        ({"title": "headline"}, r"mapping\.title \('headline'\) finds nothing usable in the 3 entries"),
        ({"link": "recalling_firm.address"}, r"mapping\.link .* finds nothing usable"),
    ],
)
def test_a_place_that_the_answer_lacks_is_named(mapping: dict[str, str], reason: str) -> None:
    with pytest.raises(VectoraError, match=reason):
        read(changed(RECALLS, **mapping), apis.recalls(0, 50, 3))


def test_places_that_find_no_date_and_no_text_are_named() -> None:
    found = read(changed(RECALLS, date="reported", content="text"), apis.recalls(0, 50, 3))
    assert len(found.entries) == 3
    assert "mapping.date ('reported') finds no full date in any entry" in str(found.problem)
    assert "mapping.content ('text') finds no text in any entry" in str(found.problem)


def test_pages_that_lead_back_or_never_end_are_left() -> None:
    circle = Api(
        lambda url: {"items": [{"url": f"{url}/x", "title": "T"}], "next_url": "https://depot.example/feed.json"}
    )
    assert read(JSON_FEED, circle).problem is None
    assert len(circle.requested) == 1

    endless = Api(lambda url: {"items": [], "next_url": f"{url}x"})
    assert "more than 10 pages" in str(read(JSON_FEED, endless).problem)
    assert len(endless.requested) == MAX_PAGES


def test_a_page_that_fails_keeps_the_pages_before_it() -> None:
    def answer(url: str) -> Any:
        if "page=2" in url:
            return VectoraError("The site answered 503.")
        return {"items": [{"url": "/1", "title": "First"}], "next_url": "?page=2"}

    found = read(JSON_FEED, Api(answer))
    assert [entry.title for entry in found.entries] == ["First"]
    assert found.problem == "Page 2 could not be read. The site answered 503."


def test_entries_that_are_null_are_lost_and_counted() -> None:
    found = read(JSON_FEED, {"items": [None, {"url": "/1", "title": "First"}, "text", 7]})
    assert [entry.title for entry in found.entries] == ["First"]
    assert found.dropped == {"without_title": 3}
    assert found.found == 4


def test_a_last_page_that_has_no_results_ends_the_pages() -> None:
    def answer(url: str) -> Any:
        if "skip=50" in url:
            return StatusError(
                "The site answered 404.", b'{"error": {"code": "NOT_FOUND", "message": "No matches found!"}}'
            )
        return apis.recalls(0, 50, 60)

    found = read(RECALLS.model_copy(update={"max_items": 100}), Api(answer))
    assert (len(found.entries), found.problem) == (50, None)


def test_a_json_feed_is_read_with_either_kind_of_text() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [
            {
                "id": "1",
                "url": "https://depot.example/1",
                "title": "A depot",
                "content_html": "<p>One.</p><p>Two &amp; three.</p>",
                "date_published": "2026-01-11T23:30:00-05:00",
                "authors": [{"name": "Ann"}],
                "tags": ["depot", "depot", "trial"],
            },
            {"id": "https://depot.example/2", "content_text": "Without a title, x<y", "date_published": "2026"},
        ],
    }
    first, second = read(JSON_FEED, feed).entries
    assert (first.content, first.published, first.author) == ("One.\nTwo & three.", date(2026, 1, 11), "Ann")
    assert first.tags == ("depot", "trial")
    assert (second.title, second.url, second.published) == ("Without a title, x<y", "https://depot.example/2", None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-09", date(2026, 1, 9)),
        ("2026-01-09T23:59:59-08:00", date(2026, 1, 9)),
        ("20260109", date(2026, 1, 9)),
        (20260109, date(2026, 1, 9)),
        (1767916800, date(2026, 1, 9)),
        ("1767916800000", date(2026, 1, 9)),
        ("2026/01/09 06:03", date(2026, 1, 9)),
        ([None, "2026-01-09"], date(2026, 1, 9)),
        ("2026-01", None),
        ("2026", None),
        (0, None),
        (True, None),
        ({"date": "2026-01-09"}, None),
        (99999999999999999999, None),
        ("2031-01-09", None),
    ],
)
def test_days_are_read_in_the_notations_of_apis_and_never_assumed(value: Any, expected: date | None) -> None:
    [entry] = read(JSON_FEED, {"items": [{"url": "/1", "title": "T", "date_published": value}]}).entries
    assert entry.published == expected


def test_ids_cannot_change_the_address_of_a_link_or_of_a_request() -> None:
    hostile = apis.study("../../evil?x=1#y", "A title")
    [entry] = read(TRIALS, {"studies": [hostile]}).entries
    assert entry.url == "https://clinicaltrials.gov/study/..%2F..%2Fevil%3Fx%3D1%23y"

    api = Api(
        lambda url: apis.found_ids("41", "42&db=x", "") if "esearch" in url else apis.summaries(apis.article("41", "T"))
    )
    read(PUBMED, api)
    assert api.requested[1].endswith("&id=41")


def test_links_that_are_not_safe_to_show_are_lost_and_counted() -> None:
    items = [
        {"url": link, "title": "T"} for link in ("javascript:alert(1)", "http://127.0.0.1/", "https://a.example/1")
    ]
    found = read(JSON_FEED, {"items": items})
    assert [entry.url for entry in found.entries] == ["https://a.example/1"]
    assert found.problem == "2 of 3 entries have no link where mapping.link looks for it."


def test_half_characters_and_hidden_ones_reach_no_entry() -> None:
    body = rb'{"items": [{"url": "/1", "title": "A\ud83d \u202etitle\u0000", "content_text": "One \ud83d\ude00"}]}'
    [entry] = read(JSON_FEED, body).entries
    assert (entry.title, entry.content) == ("A title", "One \U0001f600")


def test_a_wrong_byte_and_a_mark_of_the_byte_order_cost_at_most_a_character() -> None:
    [entry] = read(JSON_FEED, b'\xef\xbb\xbf{"items": [{"url": "/1", "title": "Caf\xe9 depot"}]}').entries
    assert entry.title == "Caf\ufffd depot"
    wide = '{"items": [{"url": "/1", "title": "Café depot"}]}'.encode("utf-16")
    assert read(JSON_FEED, wide).entries[0].title == "Café depot"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(HOSTILE),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=25,
)


@settings(deadline=None, max_examples=600)
@given(st.sampled_from(SOURCES), st.lists(JSON_VALUES | st.binary(max_size=40), min_size=1, max_size=4))
def test_any_answers_are_read_or_refused_in_words_and_the_report_adds_up(source: Source, answers: list[Any]) -> None:
    given_answers = iter([*answers, *[answers[-1]] * 50])
    api = Api(lambda url: next(given_answers))
    request = IngestRequest(from_date=PERIOD.first, to_date=PERIOD.last)
    window = window_of(request, TODAY, 7)
    now = datetime(2026, 1, 12, 6, tzinfo=UTC)
    report, items = Collector(CLIENT, request, window, TODAY, now, api, lambda text: True).collect(source)
    assert "unexpectedly" not in report.message
    assert report.items_found == report.items_kept + sum(report.dropped.values())
    assert report.items_kept == len(items)
    for item in items:
        assert item.title.strip()
        assert item.url.startswith(("http://", "https://"))
        item.model_dump_json().encode("utf-8")
