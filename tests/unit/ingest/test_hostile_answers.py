"""Answers of hostile sites: bombs, floods and endless bodies end in a message, within a limit of memory."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import date

import brotli
import pytest
from backports import zstd

from tests.unit.ingest.test_fetching import Site, reply, site
from vectora_core.ingest.feeds import parse_feed
from vectora_core.ingest.fetch import Fetcher, FetchLimits
from vectora_core.ingest.pages import parse_page
from vectora_core.text.addresses import PublicWeb
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

__all__ = ["site"]
LIMIT = 200_000
Answer = Callable[[http.server.BaseHTTPRequestHandler], None]
SOURCE = Source(
    source_key="test__source", source_type="press_sector", ingestion_mode="rss", url="https://news.example.com/"
)
TODAY = date(2026, 1, 30)


def _fetched(site: Site, loopback: PublicWeb, answer: Answer) -> bytes:
    limits = FetchLimits(attempts=1, body_bytes=LIMIT, deadline_seconds=600, read_seconds=600, connect_seconds=600)
    return Fetcher(limits, reachable=loopback).fetch(site.on("/", answer)).body


def _compressed(times: int, megabytes: int) -> bytes:
    """Return zeros, compressed `times` times; each time to about a thousandth."""
    body = bytes(megabytes * 1_000_000)
    for _ in range(times):
        body = gzip.compress(body)
    return body


def _zstd(megabytes: int) -> bytes:
    return zstd.compress(bytes(megabytes * 1_000_000))


BOMBS: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", _compressed(1, 200)),
    "deflate": ("deflate", zlib.compress(bytes(200_000_000))),
    "deflate without header": ("deflate", zlib.compress(bytes(200_000_000))[2:-4]),
    "many streams": ("gzip", _compressed(1, 1) * 300),
    "packed twice": ("gzip, gzip", _compressed(2, 50)),
    "br": ("br", brotli.compress(bytes(200_000_000), quality=1)),
    "zstd": ("zstd", _zstd(200)),
    "zstd with a large window": (
        "zstd",
        zstd.compress(bytes(200_000_000), options={zstd.CompressionParameter.window_log: 27}),
    ),
    "a file": ("", _compressed(1, 200)),
    "a file within a coding": ("br", brotli.compress(_compressed(1, 50))),
    "two codings": ("zstd, br", brotli.compress(_zstd(200))),
    "empty streams": ("gzip", gzip.compress(b"") * 9_000),
    "packed five times": ("gzip,gzip,gzip,gzip,gzip", _compressed(5, 50)),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_not_decompressed_beyond_the_limit(kind: str, site: Site, loopback: PublicWeb) -> None:
    coding, body = BOMBS[kind]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with pytest.raises(VectoraError, match=r"larger than|compressed more than twice|cannot be read"):
            _fetched(site, loopback, reply(200, body, Content_Encoding=coding))
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    # Including the server's copy of the body.
    assert peak < 10 * LIMIT + 3 * len(body)


def _raw(answer: bytes) -> Answer:
    def write(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(answer)

    return write


def _endless(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        handler.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")


ANSWERS: dict[str, Answer] = {
    "no HTTP": _raw(b"220 smtp ready\r\n"),
    "nothing": _raw(b""),
    "half a status line": _raw(b"HTTP/1.1 2"),
    "a status that is none": _raw(b"HTTP/1.1 99999 What\r\n\r\n"),
    "ten thousand headers": _raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"),
    "one endless header": _raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n"),
    "a length that is a lie": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nbody"),
    "a chunk of nonsense": _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nbody\r\n"),
    "a chunk of terabytes": _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\nbody"),
    "an endless body": _endless,
    "a redirect to nowhere": _raw(b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n"),
    "a redirect of control characters": _raw(b"HTTP/1.1 302 F\r\nLocation: \x01\x02\xff\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_broken_answer_is_reported_in_one_printable_sentence(kind: str, site: Site, loopback: PublicWeb) -> None:
    with pytest.raises(VectoraError) as caught:
        _fetched(site, loopback, ANSWERS[kind])
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(".")


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
XML_BOMBS = {
    "a billion laughs": f'<!DOCTYPE rss [<!ENTITY l0 "ha">{LAUGHS}]><rss><channel><item><title>&l9;</title></item>',
    "quadratic blow-up": f'<!DOCTYPE rss [<!ENTITY a "{"x" * 50_000}">]><rss><channel><item><title>{"&a;" * 5000}',
    "a file": '<!DOCTYPE rss [<!ENTITY f SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&f;</title></item>',
    "another site": '<!DOCTYPE rss [<!ENTITY f SYSTEM "http://127.0.0.1/">]><rss><channel><item><title>&f; a</title>',
    "a parameter entity": '<!DOCTYPE rss [<!ENTITY % p SYSTEM "http://127.0.0.1/d">%p;]><rss><channel><item><title>a',
    "an external document type": '<!DOCTYPE rss SYSTEM "http://127.0.0.1/dtd"><rss><channel><item><title>a b c</title>',
}


@pytest.mark.parametrize("kind", XML_BOMBS)
def test_entities_are_neither_expanded_nor_fetched(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        pytest.fail("something was fetched")

    monkeypatch.setattr("socket.socket.connect", connect)
    body = f'<?xml version="1.0"?>{XML_BOMBS[kind]}'.encode()
    text = ""
    with contextlib.suppress(VectoraError):
        extraction = parse_feed(body, SOURCE, SOURCE.url, None, TODAY)
        text = "".join(f"{entry.title}{entry.content}" for entry in extraction.entries)
    assert len(text) < 20_000
    assert "root:" not in text


def test_too_many_entries_are_cut_off_and_reported() -> None:
    body = b"<rss><channel>" + b"<item><title>Some title here</title></item>" * 5000 + b"</channel></rss>"
    extraction = parse_feed(body, SOURCE, SOURCE.url, None, TODAY)
    assert len(extraction.entries) == 1000
    assert "more than 1000 entries" in str(extraction.problem)


HEAVY = {
    "deep elements": "<a>" * 50_000,
    "attributes": "<div " + " ".join(f"a{n}=1" for n in range(50_000)) + ">",
    "one long attribute": f'<div title="{"x" * 2_000_000}">Some words here</div>',
    "open angles": "<" * 400_000,
    "ampersands": "&" * 400_000,
    "entities": "&amp;" * 200_000,
    "comments": "<!--" * 100_000,
    "blanks": "Title" + " " * 1_000_000 + "end",
    "dates": "10 December 2025 " * 30_000,
    "digits": "1/" * 200_000,
    "numbers": "2025-12-" * 60_000,
    "the post": "The post " * 60_000,
    "words": "long-acting injectable " * 40_000,
    "hyphens": "-" * 300_000,
    "capitals": "A. " * 100_000,
}


@pytest.mark.parametrize("kind", HEAVY)
@pytest.mark.parametrize("as_feed", [True, False])
def test_text_that_is_slow_to_parse_is_read_or_refused(kind: str, as_feed: bool) -> None:
    heavy = HEAVY[kind]
    feed = f"<rss><channel><item><title>A title</title><description>{heavy}</description></item></channel></rss>"
    page = f"<html><body><div><h3><a href='/x'>A title of words</a></h3><p>{heavy}</p></div></body></html>"
    body, parse = (feed, parse_feed) if as_feed else (page, parse_page)
    with contextlib.suppress(VectoraError):
        extraction = parse(body.encode(), SOURCE, SOURCE.url, None, TODAY)
        assert all(len(entry.content) <= 8000 and len(entry.title) <= 500 for entry in extraction.entries)
