"""A stand-in for the publishers' web sites: sample news at the address of each source, and the articles behind it."""

from __future__ import annotations

import contextlib
import functools
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args
from urllib.parse import urljoin

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rehearsal.certificates import Authority
from rehearsal.proxy import Proxy
from vectora_shared.config.section import Section, read_file
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

SAMPLES = Path(__file__).parent / "samples"
# Far above any sensible size limit of a client.
OVERSIZED_BYTES = 256 * 1024 * 1024
SLOW_PAUSE_SECONDS = 0.5
# Publishers whose articles are for subscribers.
WALLED = frozenset({"endpoints_news"})
# Name in the certificate of a site with the condition tls-mismatch.
ANOTHER_HOST = "www.another-publisher.example"

Condition = Literal[
    "well", "empty", "undated", "cut-off", "slow", "oversized", "tls-mismatch", "not-found", "server-error"
]


@dataclass(frozen=True)
class Scenario:
    """Condition of each publisher's site."""

    medincell: Condition = "well"
    camurus: Condition = "well"
    delsitech: Condition = "well"
    nanexa: Condition = "well"
    peptron: Condition = "tls-mismatch"  # as in the running system
    fiercebiotech: Condition = "well"
    fiercepharma: Condition = "well"
    endpoints_news: Condition = "well"

    def __post_init__(self) -> None:
        for publisher, condition in vars(self).items():
            if condition not in get_args(Condition):
                raise VectoraError(
                    f"Scenario: publisher '{publisher}' cannot be '{condition}': "
                    f"choose one of {', '.join(get_args(Condition))}."
                )


ALL_WELL = Scenario(peptron="well")


class Story(Section):
    """One entry of samples/stories.yaml."""

    title: str
    days_ago: int | None
    text: str
    verdict: Literal["keep", "noise"]
    path: str | None = None
    url: str | None = None  # address at another publisher, when this one repeats its news


class Stories(Section):
    """samples/stories.yaml, by publisher."""

    medincell: tuple[Story, ...]
    camurus: tuple[Story, ...]
    delsitech: tuple[Story, ...]
    nanexa: tuple[Story, ...]
    peptron: tuple[Story, ...]
    fiercebiotech: tuple[Story, ...]
    fiercepharma: tuple[Story, ...]
    endpoints_news: tuple[Story, ...]


@dataclass(frozen=True)
class PublishedStory:
    """A story on its publisher's page on the day of the rehearsal."""

    title: str
    text: str
    url: str
    date: date | None


def load_stories() -> Stories:
    """Return the sample news."""
    path = SAMPLES / "stories.yaml"
    return read_file(Stories, "rehearsal/samples/stories.yaml", path.read_bytes())


@dataclass(frozen=True)
class Request:
    """A request that a publisher answered."""

    host: str
    path: str
    status: int


@dataclass(frozen=True)
class _Publication:
    """The page or feed that one source reads."""

    content_type: str
    condition: Condition
    body: bytes


@dataclass(frozen=True)
class _Site:
    """One host, with what it publishes by path and query."""

    host: str
    context: ssl.SSLContext
    publications: Mapping[str, _Publication]


@dataclass
class _SharedState:
    """State that the publishers' threads share."""

    closing: threading.Event = field(default_factory=threading.Event)
    requests: list[Request] = field(default_factory=list)


class Publishers:
    """Web sites of all publishers, as a context manager that serves `sources` through `proxy`.

    The sample news are dated relative to `day`; `scenario` sets the condition of each site.
    """

    def __init__(
        self, proxy: Proxy, authority: Authority, sources: Iterable[Source], *, scenario: Scenario, day: date
    ) -> None:
        stories = load_stories()
        by_host: dict[str, dict[str, _Publication]] = {}
        for source in sources:
            if source.sample_key:
                continue  # published with the configuration, not by a publisher
            host, _, target = source.url.partition("://")[2].partition("/")
            by_host.setdefault(host, {})[f"/{target}"] = _publication(source, scenario, stories, day)
            by_host[host].update(_articles(source, scenario, stories, day))
        self._proxy = proxy
        self._sites = [_site(authority, host, publications) for host, publications in by_host.items()]
        self._state = _SharedState()

    def __enter__(self) -> Self:
        for site in self._sites:
            self._proxy.route([site.host], functools.partial(_serve, site, self._state))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._state.closing.set()

    @property
    def requests(self) -> tuple[Request, ...]:
        """All answered requests so far."""
        return tuple(self._state.requests)


def _serve(site: _Site, state: _SharedState, connection: socket.socket) -> None:
    # The client hangs up during the handshake when the certificate is not the publisher's.
    with contextlib.suppress(OSError), site.context.wrap_socket(connection, server_side=True) as secured:
        _Page(site, state, secured, secured.getpeername(), None)


def publisher_of(source: Source) -> str:
    """Return the publisher of a source, such as `medincell` of `press_corporate__medincell`."""
    return source.source_key.rpartition("__")[2]


def _site(authority: Authority, host: str, publications: Mapping[str, _Publication]) -> _Site:
    mismatch = any(each.condition == "tls-mismatch" for each in publications.values())
    return _Site(host, authority.server_context(ANOTHER_HOST if mismatch else host), publications)


def _publication(source: Source, scenario: Scenario, stories: Stories, day: date) -> _Publication:
    content_type = "text/html; charset=utf-8" if source.ingestion_mode == "html" else "application/rss+xml"
    publisher = publisher_of(source)
    if publisher not in Stories.model_fields:
        # A new source of the catalogue can be rehearsed before it has sample news.
        return _Publication(content_type, "not-found", b"")
    condition: Condition = getattr(scenario, publisher)
    return _Publication(content_type, condition, _page(source, getattr(stories, publisher), condition, day))


def _articles(source: Source, scenario: Scenario, stories: Stories, day: date) -> dict[str, _Publication]:
    """Return the article pages of the source's own stories, by path; those of a walled publisher show a teaser only."""
    publisher = publisher_of(source)
    template = _templates().get_template("article.html.j2")
    # A wrong certificate is that of the whole site; other conditions are those of the list of news.
    condition: Condition = "tls-mismatch" if getattr(scenario, publisher, "well") == "tls-mismatch" else "well"
    pages = {}
    for story in getattr(stories, publisher, ()):
        if story.path:
            published = _published(story, source.url, condition, day)
            body = template.render(story=published, home=urljoin(source.url, "/"), walled=publisher in WALLED)
            pages[story.path] = _Publication("text/html; charset=utf-8", condition, body.encode("utf-8"))
    return pages


def _page(source: Source, stories: tuple[Story, ...], condition: Condition, day: date) -> bytes:
    published = [_published(story, source.url, condition, day) for story in stories if condition != "empty"]
    suffix = "html" if source.ingestion_mode == "html" else "xml"
    template = _templates().get_template(f"{publisher_of(source)}.{suffix}.j2")
    body = template.render(stories=published, home=urljoin(source.url, "/")).encode("utf-8")
    # Like an interrupted upload; the entries before the cut are still readable.
    return body[: len(body) * 4 // 5] if condition == "cut-off" else body


def _published(story: Story, page: str, condition: Condition, day: date) -> PublishedStory:
    undated = story.days_ago is None or condition == "undated"
    return PublishedStory(
        title=story.title,
        text=story.text,
        url=story.url or urljoin(page, story.path),
        date=None if undated else day - timedelta(days=story.days_ago or 0),
    )


@functools.cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(SAMPLES, encoding="utf-8"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    templates.filters["rfc822"] = _rfc822
    templates.filters["ordinal"] = _ordinal_suffix
    return templates


def _rfc822(day: date) -> str:
    return format_datetime(datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC))


def _ordinal_suffix(day: date) -> str:
    return "th" if 11 <= day.day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")


class _Page(http.server.BaseHTTPRequestHandler):
    """One publisher's web server, behind TLS."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def __init__(self, site: _Site, state: _SharedState, *args: Any) -> None:
        self._site = site
        self._state = state
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log, which would hide the rehearsal's own output."""

    def do_GET(self) -> None:
        answers: dict[Condition, Callable[[_Publication], None]] = {
            "slow": self._drip,
            "oversized": self._flood,
            "not-found": lambda _: self._fail(404),
            "server-error": lambda _: self._fail(503),
        }
        # Feeds add parameters to the addresses of articles, to count their readers.
        publications = self._site.publications
        publication = publications.get(self.path) or publications.get(self.path.partition("?")[0])
        if publication is None:
            self._fail(404)
            return
        answers.get(publication.condition, self._serve)(publication)

    def _begin(self, status: int, length: int, content_type: str) -> None:
        self._state.requests.append(Request(self._site.host, self.path, status))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def _serve(self, publication: _Publication) -> None:
        self._begin(200, len(publication.body), publication.content_type)
        self.wfile.write(publication.body)

    def _fail(self, status: int) -> None:
        body = b"<html><body><h1>Sorry</h1></body></html>"
        self._begin(status, len(body), "text/html; charset=utf-8")
        self.wfile.write(body)

    def _drip(self, publication: _Publication) -> None:
        self._begin(200, len(publication.body), publication.content_type)
        for byte in publication.body:
            if self._state.closing.wait(SLOW_PAUSE_SECONDS):
                return
            self.wfile.write(bytes([byte]))

    def _flood(self, publication: _Publication) -> None:
        self._begin(200, OVERSIZED_BYTES, publication.content_type)
        padding = b"<!-- " + b"x" * 65_526 + b" -->\n"
        for _ in range(OVERSIZED_BYTES // len(padding)):
            if self._state.closing.is_set():
                return
            self.wfile.write(padding)
