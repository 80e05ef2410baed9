"""Content codings and ends of bodies: all is read, or nothing."""

from __future__ import annotations

import gzip
import http.server
import zlib

import brotli
import pytest
from backports import zstd

from tests.unit.ingest.test_fetching import Answer, Site, reply, site
from vectora_core.ingest.fetch import Fetcher, FetchLimits
from vectora_core.ingest.response_body import ACCEPT_ENCODING
from vectora_core.text.addresses import PublicWeb
from vectora_shared.errors import VectoraError

__all__ = ["site"]
FEED = b"<rss><channel>" + b"".join(b"<item><title>News %d</title></item>" % number for number in range(9000))
PACKED = {
    "gzip": gzip.compress(FEED),
    "x-gzip": gzip.compress(FEED[:1000]) + gzip.compress(FEED[1000:]),
    "GZIP": gzip.compress(FEED) + bytes(512),
    "gzip, identity": gzip.compress(FEED) + b"\0",
    "deflate": zlib.compress(FEED),
    " deflate": zlib.compress(FEED)[2:-4],
    "br": brotli.compress(FEED),
    "zstd": zstd.compress(FEED),
    "zstd,": zstd.compress(FEED[:1000]) + zstd.compress(FEED[1000:]),
    "gzip, br": brotli.compress(gzip.compress(FEED)),
    "gzip,gzip": gzip.compress(gzip.compress(FEED)),
    "identity": FEED,
    # Text under the name of a coding.
    "utf-8": FEED,
    "none": b"\xef\xbb\xbf\n" + FEED,
    "gzip,": FEED,
}


def fetch(site: Site, loopback: PublicWeb, answer: Answer, **limits: float) -> bytes:
    given = FetchLimits.model_validate({"attempts": 1, "deadline_seconds": 600, "read_seconds": 600, **limits})
    return Fetcher(given, reachable=loopback, sleep=lambda _: None).fetch(site.on("/", answer)).body


@pytest.mark.parametrize("coding", PACKED)
def test_each_coding_is_read(coding: str, site: Site, loopback: PublicWeb) -> None:
    body = fetch(site, loopback, reply(200, PACKED[coding], Content_Encoding=coding))

    assert body.removeprefix(b"\xef\xbb\xbf\n") == FEED


def test_requests_name_exactly_the_codings_that_are_read(site: Site, loopback: PublicWeb) -> None:
    fetch(site, loopback, reply(200, FEED))

    accepted = site.requests[0][1]["accept-encoding"]
    assert accepted == ACCEPT_ENCODING
    assert set(accepted.split(", ")) == {coding.strip(" ,").lower() for coding in PACKED} & {
        "gzip",
        "deflate",
        "br",
        "zstd",
    }


@pytest.mark.parametrize("content_type", ["application/gzip", "application/rss+xml", "application/octet-stream"])
def test_a_compressed_file_is_read_as_what_it_contains(content_type: str, site: Site, loopback: PublicWeb) -> None:
    assert fetch(site, loopback, reply(200, PACKED["gzip"], Content_Type=content_type)) == FEED


def test_a_file_of_zstd_is_read_too(site: Site, loopback: PublicWeb) -> None:
    assert fetch(site, loopback, reply(200, PACKED["zstd"])) == FEED


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"%PDF-1.7 x", "a PDF document"), (b"PK\x03\x04x", "a ZIP archive"), (b"\x89PNG\r\n\x1a\n", "a picture")],
)
def test_a_file_that_has_no_news_is_named(body: bytes, kind: str, site: Site, loopback: PublicWeb) -> None:
    with pytest.raises(VectoraError, match=f"The answer is {kind}, neither a feed nor a page"):
        fetch(site, loopback, reply(200, body))


@pytest.mark.parametrize("coding", ["compress", "exi", "x-unknown\x1b[31m", "aes128gcm"])
def test_an_unknown_coding_is_named(coding: str, site: Site, loopback: PublicWeb) -> None:
    with pytest.raises(
        VectoraError, match=r"compressed as [\w-]+.*, which was not requested and cannot be read"
    ) as caught:
        fetch(site, loopback, reply(200, b"\x1f\x9d\x90", Content_Encoding=coding))

    assert str(caught.value).isprintable()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_is_not_in_its_coding_is_named(coding: str, site: Site, loopback: PublicWeb) -> None:
    with pytest.raises(VectoraError, match=f"its Content-Encoding is {coding}, but it cannot be unpacked"):
        fetch(site, loopback, reply(200, b"\xffno such data\xff", Content_Encoding=coding))


def cut(coding: str) -> Answer:
    return reply(200, PACKED[coding][: -len(PACKED[coding]) // 3], Content_Encoding=coding)


def raw(answer: bytes) -> Answer:
    def write(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(answer)

    return write


EARLY_ENDS = {
    **{coding: cut(coding) for coding in ("gzip", "deflate", " deflate", "br", "zstd", "gzip, br")},
    "gzip without its last byte": reply(200, PACKED["gzip"][:-1], Content_Encoding="gzip"),
    "a compressed file": reply(200, PACKED["gzip"][:-20]),
    "second stream": reply(200, gzip.compress(FEED) + gzip.compress(FEED)[:-99], Content_Encoding="gzip"),
    "length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<rss>"),
    "nothing of a length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"),
    "chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n<rss>"),
    "last chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n"),
    "no chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
}


@pytest.mark.parametrize("kind", EARLY_ENDS)
def test_a_body_that_ends_early_is_an_error_and_is_tried_again(kind: str, site: Site, loopback: PublicWeb) -> None:
    with pytest.raises(VectoraError, match=r"answer ended early.*in 2 attempts"):
        fetch(site, loopback, EARLY_ENDS[kind], attempts=2)

    assert len(site.requests) == 2


def test_an_unknown_transfer_coding_is_named(site: Site, loopback: PublicWeb) -> None:
    with pytest.raises(VectoraError, match="transfer coding gzip, chunked, which was not requested"):
        fetch(site, loopback, raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"))


@pytest.mark.parametrize("coding", ["", "gzip", "br", "zstd", "compress"])
def test_an_empty_body_is_empty_in_every_coding(coding: str, site: Site, loopback: PublicWeb) -> None:
    assert fetch(site, loopback, reply(200, b"", Content_Encoding=coding)) == b""
