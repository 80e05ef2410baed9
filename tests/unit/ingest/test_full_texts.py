"""New items without a text get that of their article page, requested once, within a budget of time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.unit.ingest.article_pages import PARAGRAPH, TITLE, article
from tests.unit.ingest.test_fetching import Site, reply, site
from vectora_core.ingest.article import article_text
from vectora_core.ingest.fetch import Fetcher, FetchLimits, Page
from vectora_core.ingest.full_text import ARTICLE_LIMITS, MAX_ARTICLES, MEDIA_TYPES, FullTexts
from vectora_core.items import IngestedItem, ItemMetadata, content_hash
from vectora_core.text.addresses import PublicWeb
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

__all__ = ["site"]
HTML = {"Content_Type": "text/html; charset=utf-8"}
SOURCE = Source(
    source_key="press_sector__paper",
    source_type="press_sector",
    ingestion_mode="rss",
    url="https://norvanta.example/news",
)


class Reader:
    """A reader of pages in this process."""

    def text(self, page: Page, title: str, seconds: float) -> str:
        return article_text(page.body, page.charset, title)


@contextlib.contextmanager
def in_this_process() -> Iterator[Reader]:
    yield Reader()


class Web:
    """A web where every address has the same answer."""

    def __init__(self, answer: Callable[[str], Page] = lambda url: Page(url=url, body=article())) -> None:
        self.requested: list[str] = []
        self._answer = answer
        self._lock = threading.Lock()

    def fetch(self, url: str) -> Page:
        with self._lock:
            self.requested.append(url)
        return self._answer(url)


class Time:
    """A clock that moves when someone sleeps or a page is requested."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def item(number: int = 0, content: str = "", **changes: Any) -> IngestedItem:
    known: dict[str, Any] = {
        "item_id": f"item_{number}",
        "source_key": "press_sector__paper",
        "source_type": "press_sector",
        "title": TITLE,
        "content": content,
        "url": f"https://paper.example/articles/{number}",
        "published_at": date(2026, 1, 20),
        "ingested_at": datetime(2026, 1, 30, tzinfo=UTC),
    }
    return IngestedItem(**{**known, **changes})


def full_texts(web: Any, seconds: float = 180, **options: Any) -> FullTexts:
    return FullTexts(web, seconds, **{"reader": in_this_process, "sleep": lambda _: None, **options})


@pytest.mark.parametrize(
    "content",
    [
        "",
        TITLE,
        f"{TITLE} {TITLE} Read more",
        "Norvanta has given the first patients its depot.",
        f"{PARAGRAPH} And the company says […]",
        f"{PARAGRAPH} The trial... Continue reading »",
        f"{PARAGRAPH} Läs mer →",
    ],
)
def test_an_item_without_a_text_gets_that_of_its_article(content: str) -> None:
    (completed,), report = full_texts(Web()).complete([item(content=content)], [SOURCE])

    assert "This is paragraph 4." in completed.content
    assert completed.content_hash == content_hash(completed.content)
    assert completed.metadata.full_text
    assert completed.metadata.word_count > 150
    assert (report.wanted, report.read, report.failed, report.warnings) == (1, 1, 0, ())


@pytest.mark.parametrize("content", [PARAGRAPH * 2, f"{PARAGRAPH * 5} and more …"])
def test_an_item_with_a_text_keeps_it_and_nothing_is_requested(content: str) -> None:
    web = Web()
    (kept,), report = full_texts(web).complete([item(content=content)], [SOURCE])
    assert (kept, report.wanted, web.requested) == (item(content=content), 0, [])


@pytest.mark.parametrize(
    "address",
    [
        SOURCE.url,
        f"{SOURCE.url}/?utm_source=feed",
        "https://paper.example/report.PDF?v=2",
        "ftp://paper.example/a",
        "mailto:a@b.c",
    ],
)
def test_an_address_that_is_no_article_is_not_requested(address: str) -> None:
    web = Web()
    (kept,), report = full_texts(web).complete([item(url=address)], [SOURCE])
    assert (kept.content, web.requested) == ("", [])
    assert report.reasons == {"Its address is no article page": 1}


def test_a_page_that_several_entries_share_is_the_article_of_none() -> None:
    web = Web()
    shared = item(1, metadata=ItemMetadata(shared_url=True))
    place = item(2, url="https://paper.example/updates#u2")
    comments = item(3, url="https://paper.example/articles/3#comments")
    completed, report = full_texts(web).complete([shared, place, comments], [SOURCE])

    assert web.requested == ["https://paper.example/articles/3#comments"]
    assert [bool(each.content) for each in completed] == [False, False, True]
    assert report.failed == 2


def test_items_of_samples_are_not_looked_up() -> None:
    web = Web()
    sample = SOURCE.model_copy(update={"url": "config:samples/news.xml"})
    assert full_texts(web).complete([item()], [sample])[1].wanted == 0
    assert web.requested == []


def test_a_page_with_less_text_than_the_source_gave_changes_nothing() -> None:
    long_teaser = f"{PARAGRAPH * 3} …"
    (kept,), report = full_texts(Web(lambda url: Page(url=url, body=article(2)))).complete(
        [item(content=long_teaser)], []
    )
    assert kept.content == long_teaser
    assert report.reasons == {"The page has no more text than the source gave": 1}


ANSWERS = {
    "The site answered 403 Forbidden": reply(403, b"no", **HTML),
    "The site answered 503 Service Unavailable, in 1 attempt": reply(503, b"later", **HTML),
    "The page is application/pdf, not HTML": reply(200, b"%PDF", Content_Type="application/pdf"),
    "The page is of no stated type, not HTML": reply(200, article()),
    "The answer is larger than 2000000 bytes": reply(200, b"x" * 2_000_001, **HTML),
    "The site reserves the page from use by machines": reply(200, article(), X_Robots_Tag="otherbot: noai", **HTML),
    "The page shows too little text": reply(200, b"", **HTML),
    "10.0.0.8 is not an address of the public internet, and sources are read there only": reply(
        302, Location="http://10.0.0.8/secret"
    ),
}


@pytest.mark.parametrize("reason", ANSWERS)
def test_an_article_that_cannot_be_read_costs_one_request_and_is_counted(
    reason: str, site: Site, loopback: PublicWeb
) -> None:
    address = site.on("/a", ANSWERS[reason])
    fetcher = Fetcher(
        FetchLimits(attempts=ARTICLE_LIMITS.attempts, body_bytes=ARTICLE_LIMITS.body_bytes),
        reachable=loopback,
        media_types=MEDIA_TYPES,
        sleep=lambda _: pytest.fail("there is one attempt only"),
    )
    (kept,), report = full_texts(fetcher).complete([item(content="Teaser.", url=address)], [SOURCE])
    assert kept == item(content="Teaser.", url=address)
    assert (report.failed, report.reasons, len(site.requests)) == (1, {reason: 1}, 1)


def test_a_page_that_never_ends_is_cut_at_its_deadline(site: Site, loopback: PublicWeb) -> None:
    def hang(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while not site.released.wait(0.01):
            handler.wfile.write(b"x")

    fetcher = Fetcher(FetchLimits(deadline_seconds=0.3, attempts=1), reachable=loopback, media_types=MEDIA_TYPES)
    _, report = full_texts(fetcher).complete([item(url=site.on("/a", hang))], [SOURCE])
    assert report.reasons == {"The site did not answer in full within 0.3 seconds": 1}


def test_an_unexpected_failure_of_one_article_is_counted_too() -> None:
    def fail(url: str) -> Page:
        if url.endswith("/1"):
            raise ZeroDivisionError
        return Page(url=url, body=article())

    items, report = full_texts(Web(fail)).complete([item(1), item(2)], [SOURCE])
    assert [each.metadata.full_text for each in items] == [False, True]
    assert report.reasons == {"Unexpected ZeroDivisionError": 1}
    assert report.failed_sources == {"press_sector__paper": 1}


def test_the_newest_articles_are_read_in_the_time_and_the_others_keep_their_text() -> None:
    time = Time()

    def slow(url: str) -> Page:
        time.now += 15
        return Page(url=url, body=article())

    web = Web(slow)
    items = [item(number, published_at=date(2026, 1, 1 + number)) for number in range(20)]
    texts = full_texts(web, seconds=90, sleep=time.sleep, clock=time.clock)
    completed, report = texts.complete(items, [SOURCE])

    assert time.now <= 90
    assert 0 < len(web.requested) < 20
    assert [each.metadata.full_text for each in completed] == [False] * report.late + [True] * report.read
    assert report.late + report.read == 20
    assert f"{report.late} article pages were not read, because the time for them was over" in report.warnings[0]
    assert texts.complete([item(99)], [SOURCE])[1].late == 1


def test_pages_of_one_host_are_requested_one_after_the_other_with_a_pause() -> None:
    time = Time()
    full_texts(Web(), sleep=time.sleep, clock=time.clock).complete([item(number) for number in range(4)], [SOURCE])
    assert time.waits == [0.5] * 3


@pytest.mark.parametrize(("seconds", "seconds_left"), [(0, None), (180, 80.0)])
def test_without_time_nothing_is_requested(seconds: float, seconds_left: float | None) -> None:
    web = Web()
    _, report = full_texts(web, seconds, seconds_left=lambda: seconds_left).complete([item()], [SOURCE])
    assert (web.requested, report.late) == ([], 1)


def test_a_run_requests_a_limited_number_of_articles_each_once() -> None:
    web = Web()
    items = [item(number, url=f"https://paper{number % 50}.example/{number}") for number in range(MAX_ARTICLES + 30)]
    _, report = full_texts(web, clock=lambda: 0.0).complete(items, [SOURCE])
    assert len(web.requested) == len(set(web.requested)) == MAX_ARTICLES == report.read
    assert report.late == 30


def test_many_failures_are_a_warning_with_the_usual_reason() -> None:
    def refuse(url: str) -> Page:
        raise VectoraError("The site answered 403 Forbidden: open it and correct the source's url.")

    _, report = full_texts(Web(refuse)).complete([item(number) for number in range(6)], [SOURCE])
    assert report.warnings == (
        "Only 0 of 6 article pages gave a text, most often because: The site answered 403 Forbidden (6). "
        "The items keep the texts of their sources.",
    )
