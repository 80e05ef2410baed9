"""A fetch is limited in time, size, redirects and attempts, and a failure is reported in one sentence."""

from __future__ import annotations

import gzip
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from vectora_core.ingest.fetch import Fetcher, FetchLimits
from vectora_core.text.addresses import PublicWeb
from vectora_shared.errors import VectoraError

# A limit that no test should reach; tests that exceed a limit set their own.
HANGS_AFTER_SECONDS = 600
Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Site:
    """A loopback server with `answers` by path, used in order; the last one is repeated."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()

    def on(self, path: str, *answers: Answer) -> str:
        self.answers[path] = list(answers)
        return self.address + path


@contextmanager
def serving(handler_of: Callable[[], Site]) -> Iterator[http.server.ThreadingHTTPServer]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site = handler_of()
            site.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            answers = site.answers[self.path]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            self.close_connection = True
            try:
                answer(self)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    sites: list[Site] = []
    with serving(lambda: sites[0]) as server:
        sites.append(Site(f"http://127.0.0.1:{server.server_port}"))
        yield sites[0]
        sites[0].released.set()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def fetcher(waits: list[float], loopback: PublicWeb) -> Fetcher:
    limits = FetchLimits(
        connect_seconds=HANGS_AFTER_SECONDS,
        read_seconds=HANGS_AFTER_SECONDS,
        deadline_seconds=HANGS_AFTER_SECONDS,
        attempts=3,
        backoff_seconds=1,
        longest_wait_seconds=7,
        body_bytes=100_000,
    )
    return Fetcher(limits, reachable=loopback, sleep=waits.append)


def reply(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_page_has_its_charset_and_requests_name_the_product(site: Site, fetcher: Fetcher) -> None:
    page = fetcher.fetch(site.on("/", reply(200, b"words", Content_Type="text/html; charset=euc-kr")))

    assert (page.body, page.charset) == (b"words", "euc-kr")
    assert site.requests[0][1]["user-agent"].startswith("vectora-inbox/")


def test_requests_say_how_the_operator_is_reached(site: Site, loopback: PublicWeb) -> None:
    Fetcher(reachable=loopback, contact="news@example.org").fetch(site.on("/", reply(200, b"words")))

    assert site.requests[0][1]["user-agent"].endswith("; +news@example.org)")


@pytest.mark.parametrize("contact", ["a b", "x)y", "a@b.example\r\nX-Injected: 1", "é@example.org"])
def test_a_contact_that_would_break_the_header_is_refused(contact: str) -> None:
    with pytest.raises(VectoraError, match=r"correct `contact` in config/environments\.yaml"):
        Fetcher(contact=contact)


def test_redirects_are_followed_and_the_page_has_the_last_address(site: Site, fetcher: Fetcher) -> None:
    site.on("/new/%C3%A9", reply(200, b"words"))

    page = fetcher.fetch(site.on("/old", reply(302, Location="/new/é")))

    assert page.url == f"{site.address}/new/%C3%A9"
    assert [(redirect.status, redirect.url) for redirect in page.redirects] == [(302, page.url)]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://x.example/", "http://[::1/", "javascript:x"])
def test_a_redirect_away_from_the_web_is_refused(location: str, site: Site, fetcher: Fetcher) -> None:
    with pytest.raises(VectoraError, match="not an http"):
        fetcher.fetch(site.on("/", reply(302, Location=location)))


def test_circular_redirects_end(site: Site, fetcher: Fetcher) -> None:
    with pytest.raises(VectoraError, match="redirects more than 5 times"):
        fetcher.fetch(site.on("/", reply(301, Location="/")))

    assert len(site.requests) == 6


def test_a_transient_failure_is_retried_with_growing_waits(site: Site, fetcher: Fetcher, waits: list[float]) -> None:
    page = fetcher.fetch(site.on("/", reply(503), reply(500), reply(200, b"words")))

    assert page.body == b"words"
    assert 0.5 <= waits[0] <= 1.5
    assert 1.0 <= waits[1] <= 3.0


@pytest.mark.parametrize(("asked_for", "waited"), [("3", 3.0), ("100000", 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)])
def test_the_server_says_how_long_to_wait_within_limits(
    asked_for: str, waited: float, site: Site, fetcher: Fetcher, waits: list[float]
) -> None:
    fetcher.fetch(site.on("/", reply(429, Retry_After=asked_for), reply(200)))

    assert waits == [waited]


def test_a_permanent_failure_ends_after_the_last_attempt(site: Site, fetcher: Fetcher) -> None:
    with pytest.raises(VectoraError, match="answered 500 Internal Server Error, in 3 attempts"):
        fetcher.fetch(site.on("/", reply(500)))

    assert len(site.requests) == 3


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_not_retried(status: int, site: Site, fetcher: Fetcher) -> None:
    with pytest.raises(VectoraError, match=f"answered {status}"):
        fetcher.fetch(site.on("/", reply(status)))

    assert len(site.requests) == 1


def test_a_compressed_page_is_decompressed(site: Site, fetcher: Fetcher) -> None:
    url = site.on("/", reply(200, gzip.compress(b"words " * 100), Content_Encoding="gzip"))

    assert fetcher.fetch(url).body == b"words " * 100


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_page_larger_than_the_limit_is_refused_even_if_it_is_compressed(
    encoding: str, site: Site, fetcher: Fetcher
) -> None:
    body = b"x" * 30_000_000 if encoding == "gzip" else b"x" * 100_001
    packed = gzip.compress(body) if encoding == "gzip" else body

    with pytest.raises(VectoraError, match="larger than 100000 bytes"):
        fetcher.fetch(site.on("/", reply(200, packed, Content_Encoding=encoding)))


def test_a_page_that_cannot_be_decompressed_is_an_error(site: Site, fetcher: Fetcher) -> None:
    with pytest.raises(VectoraError, match="cannot be read"):
        fetcher.fetch(site.on("/", reply(200, b"no gzip at all", Content_Encoding="gzip")))


def test_a_page_that_ends_early_is_retried(site: Site, fetcher: Fetcher) -> None:
    def cut_off(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"half")

    assert fetcher.fetch(site.on("/", cut_off, reply(200, b"whole"))).body == b"whole"


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_site_that_sends_byte_by_byte_is_cut_off_at_the_deadline(part: str, site: Site, loopback: PublicWeb) -> None:
    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        if part == "body":
            handler.send_response(200)
            handler.send_header("Content-Length", "1000000")
            handler.end_headers()
        while not site.released.wait(0.02):
            handler.wfile.write(b"x")

    fetcher = Fetcher(FetchLimits(deadline_seconds=0.3, read_seconds=HANGS_AFTER_SECONDS), reachable=loopback)

    with pytest.raises(VectoraError, match=r"within 0\.3 seconds"):
        fetcher.fetch(site.on("/", drip))


def test_waits_never_exceed_the_deadline(site: Site, waits: list[float], loopback: PublicWeb) -> None:
    limits = FetchLimits(
        read_seconds=HANGS_AFTER_SECONDS, deadline_seconds=HANGS_AFTER_SECONDS, longest_wait_seconds=5000
    )
    fetcher = Fetcher(limits, reachable=loopback, sleep=waits.append)

    with pytest.raises(VectoraError, match="answered 429"):
        fetcher.fetch(site.on("/", reply(429, Retry_After="4000")))

    assert waits == []


def test_a_site_that_does_not_exist_is_an_error(fetcher: Fetcher, site: Site) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    with pytest.raises(VectoraError, match=r"connection to 127\.0\.0\.1 failed .*refused.*, in 3 attempts"):
        fetcher.fetch(f"http://127.0.0.1:{port}/")


def test_the_standard_proxy_variables_are_used(site: Site, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", site.address.replace("http://", "http://user:secret@"))
    monkeypatch.setenv("no_proxy", "direct.example")
    site.on("http://news.example/feed", reply(200, b"by proxy"))

    page = fetcher.fetch("http://news.example/feed")

    assert page.body == b"by proxy"
    assert site.requests[0][1]["proxy-authorization"].startswith("Basic ")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert fetcher.fetch(site.on("/direct", reply(200, b"direct"))).body == b"direct"
