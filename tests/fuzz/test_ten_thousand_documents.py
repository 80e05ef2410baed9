"""Ten thousand feeds and pages, plausible and broken: ingestion handles all and opens no connection."""

from __future__ import annotations

import gzip
import io
import random
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
import pytest
from backports import zstd

from vectora_core.ingest.deadline import Deadline
from vectora_core.ingest.fetch import Page
from vectora_core.ingest.fetch_errors import TemporaryError
from vectora_core.ingest.request import IngestRequest, SourceReport
from vectora_core.ingest.response_body import read_body
from vectora_core.ingest.run import ingest_client
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_client, load_sources
from vectora_shared.errors import VectoraError

CONFIG = FolderContent(Path(__file__).resolve().parents[2] / "config")
NOW = datetime(2026, 2, 2, 8, 0, tzinfo=UTC)
SEED = 20261125
DOCUMENTS = 10_000
LIMIT = 100_000
CLIENT = load_client(CONFIG, "lai_weekly")
CATALOG = load_sources(CONFIG)
SOURCES = 8
REQUEST = IngestRequest(client_id="lai_weekly", ingestion_mode="broad", period_days=365)
HIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
WORDS = (
    "long-acting injectable", "FDA approves", "Uzedy®", "<b>bold</b>", "&amp;", "&#8217;", "&#xD800;", "&#0;",
    "&bogus;", "10 December 2025", "2026-01-30", "03/04/2026", "yesterday", "99/99/9999", "Read more", "\u202egnp",
    "\u0000", "\ud83d\ude00", "日本語", "Ünïcode", "<script>alert(1)</script>", "javascript:alert(1)", "]]>", "-->",
    "<![CDATA[", "<!--", "{{x}}", "%s", "\\u0041", "A" * 300, "x " * 200, "https://example.org/a?b=c&d=e", "http://127.0.0.1/",
    "//evil.example", "mailto:a@b.c",
)  # fmt: skip
DATES = (
    "Mon, 12 Jan 2026 08:00:00 GMT", "2026-01-12T08:00:00Z", "12 Jan 2026", "", "not a date", "Mon, 99 Foo 2026", "0",
    "2026-13-45", "Thu, 01 Jan 1970 00:00:00 +0000", "9999-12-31", "-1", "12/13/2026", "2026-01-12T08:00:00+99:99",
)  # fmt: skip
ENCODINGS = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "latin-1", "cp1252", "utf-32", "utf-32-le", "shift_jis", "euc_kr",
    "gb18030", "big5", "iso2022_jp", "koi8-r",
)  # fmt: skip
CHARSETS = (None, "utf-8", "utf-16", "latin-1", "euc-kr", "gbk", "no-such", "idna", "hex", "\x00", "a" * 200)
# What stands before documents: declarations that are true, false or broken, and a server's warnings.
HEADS = (
    "", "\ufeff", "\n\n", "<meta charset=euc-kr>", "<meta charset=utf-16>",
    "<meta http-equiv=content-type content=charset=gbk>", "<?xml version='1.0' encoding='koi8-r'?>", "<?xml encoding=",
    "<script>'<meta charset=big5>'</script>", "<!-- <rss> ", "<br /><b>Warning</b>: x<br />", "<!doctype html>",
    "<html><pre>", '{"items": "<rss>', "<opml>",
)  # fmt: skip
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda body: brotli.compress(body, quality=1),
    "zstd": zstd.compress,
    "identity": lambda body: body,
    "compress": lambda body: body,
}
TAGS = ("div", "ul", "li", "p", "a", "h3", "span", "table", "tr", "td", "article", "time", "section", "svg", "template")


class Author:
    """Writer of random documents; the same seed gives the same document."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)  # noqa: S311

    def document(self) -> tuple[bytes, str | None]:
        text = self._chance.choice((self._rss, self._atom, self._rdf, self._list, self._tables, self._soup))()
        head = self._chance.choice(HEADS) if self._chance.random() < 0.3 else ""
        body = (head + text).encode(self._chance.choice(ENCODINGS), "replace")
        for _ in range(self._chance.choice((0, 0, 1, 1, 2, 5))):
            body = self._mutated(body)
        return body, self._chance.choice(CHARSETS)

    def packed(self) -> tuple[bytes, str]:
        """Return a document in content codings that are broken now and then, and its Content-Encoding."""
        body, _ = self.document()
        codings = self._chance.choices(tuple(CODINGS), k=self._chance.choice((1, 1, 1, 2, 3)))
        for coding in codings:
            body = CODINGS[coding](body)
        if self._chance.random() < 0.5:
            body = self._mutated(body)
        return body, ", ".join(codings)

    def _words(self) -> str:
        return " ".join(self._chance.choices(WORDS, k=self._chance.randint(0, 6)))

    def _date(self) -> str:
        return self._chance.choice(DATES)

    def _some(self, part: Callable[[], str]) -> str:
        return "".join(part() for _ in range(self._chance.randint(0, 6)))

    def _rss(self) -> str:
        def item() -> str:
            extra = self._chance.choice(
                ("<author>a</author>", "<enclosure url='x'/>", "<category>c</category>" * 30, "<guid>1</guid>", "")
            )
            return (
                f"<item><title>{self._words()}</title><link>{self._words()}</link>{extra}"
                f"<description>{self._words()}</description><pubDate>{self._date()}</pubDate></item>"
            )

        kind = self._chance.choice(
            ("", "<!DOCTYPE rss [<!ENTITY a 'b'>]>", "<?xml-stylesheet href='http://evil.example'?>")
        )
        return f"<?xml version='1.0'?>{kind}<rss version='2.0'><channel>{self._some(item)}</channel></rss>"

    def _atom(self) -> str:
        def entry() -> str:
            kind = self._chance.choice(("text", "html", "xhtml", "application/octet-stream"))
            return (
                f"<entry><title type='{kind}'>{self._words()}</title><link href=\"{self._words()[:80]}\"/>"
                f"<content type='{kind}'>{self._words()}</content><updated>{self._date()}</updated></entry>"
            )

        return f"<feed xmlns='http://www.w3.org/2005/Atom' xml:base='{self._words()[:40]}'>{self._some(entry)}</feed>"

    def _rdf(self) -> str:
        def item() -> str:
            return f"<item rdf:about='x'><title>{self._words()}</title><dc:date>{self._date()}</dc:date></item>"

        return f"<rdf:RDF xmlns:rdf='r' xmlns:dc='http://purl.org/dc/elements/1.1/'>{self._some(item)}</rdf:RDF>"

    def _list(self) -> str:
        def entry() -> str:
            return (
                f"<li class='news'><time datetime='{self._date()}'>{self._date()}</time>"
                f'<a href="{self._words()[:80]}"><h3>{self._words()}</h3></a><p>{self._words()}</p></li>'
            )

        base = self._chance.choice(("", "<base href='//['>", "<base href='http://127.0.0.1/'>"))
        return f"<!doctype html><html><head>{base}</head><body><ul>{self._some(entry)}</ul></body></html>"

    def _tables(self) -> str:
        def row() -> str:
            return f"<tr><td>{self._date()}</td><td><a href='/n'>{self._words()}</a></td><td>{self._words()}</td></tr>"

        return f"<html><body><table>{self._some(row)}</table></body></html>"

    def _soup(self) -> str:
        def piece() -> str:
            tag = self._chance.choice(TAGS)
            return self._chance.choice((f"<{tag}>", f"</{tag}>", f"<{tag} class='{self._words()[:30]}", self._words()))

        return "<html>" + "".join(piece() for _ in range(self._chance.randint(0, 60)))

    def _mutated(self, body: bytes) -> bytes:
        start, end = sorted(self._chance.randrange(len(body) + 1) for _ in range(2))
        match self._chance.randrange(6):
            case 0:
                return body[:start]
            case 1:
                return body[:start] + body[min(end, start + 200) :]
            case 2:
                return body[:start] + self._chance.randbytes(self._chance.randint(1, 20)) + body[start:]
            case 3:
                return body[:end] + body[start:end][:500] * self._chance.randint(1, 20) + body[end:]
            case 4:
                bits = bytearray(body)
                for _ in range(self._chance.randint(1, 10)):
                    if bits:
                        bits[self._chance.randrange(len(bits))] ^= 1 << self._chance.randrange(8)
                return bytes(bits)
            case _:
                return body.replace(b">", b"", 1).replace(b"'", b"", 1)


@dataclass
class Bucket:
    """A data bucket in memory for one run."""

    name: str = "data"
    objects: dict[str, Any] = field(default_factory=dict)

    def read_json(self, key: str) -> Any | None:
        return self.objects.get(key)

    def write_json(self, key: str, document: Any) -> None:
        self.objects[key] = document

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))


@dataclass(frozen=True)
class Publishers:
    """Sources that answer with another document in each run."""

    run: str

    def fetch(self, url: str) -> Page:
        body, charset = Author(f"{self.run} {url}").document()
        return Page(url=url, body=body, charset=charset)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: Any) -> None:
        raise AssertionError("a document made the engine open a connection")

    monkeypatch.setattr("socket.socket.connect", connect)


def _ingested(run: str) -> tuple[tuple[SourceReport, ...], list[dict[str, Any]]]:
    """Return reports and items of a run; if all sources failed, one report with their messages and no items."""
    data: Any = Bucket()
    try:
        report = ingest_client(
            CLIENT, CATALOG, data, REQUEST, fetcher=Publishers(run), now=NOW, mentions_watched_term=lambda _: True
        )
    except VectoraError as error:
        return (SourceReport(source_key="all", status="failed", message=str(error)),), []
    (items,) = [document for key, document in data.objects.items() if key.endswith("items.json")]
    return report.sources, items


# Several tests, so that parallel test processes can share the work.
@pytest.mark.parametrize("part", range(4))
def test_any_document_is_read_or_reported_in_a_sentence(part: int) -> None:
    documents = found = 0
    while documents < DOCUMENTS / 4:
        run = f"{SEED} {part} {documents}"
        sources, items = _ingested(run)
        for source in sources:
            assert "unexpectedly" not in source.message, (run, source)
            assert source.message.isprintable(), (run, source)
            assert source.message == "" or source.message.endswith("."), (run, source)
        for item in items:
            _is_fit_for_readers(item)
        documents += SOURCES
        found += len(items)
    # Enough documents are plausible: not all of them are refused.
    assert found > documents / 2


@dataclass
class Answer:
    """An answer that is read in pieces."""

    body: io.BytesIO
    headers: dict[str, str]

    def read1(self, size: int, decode_content: bool) -> bytes:
        assert not decode_content
        return self.body.read(size)


def test_any_content_coding_is_removed_within_the_limit_or_reported_in_a_sentence() -> None:
    read = 0
    with Deadline(3600) as deadline:
        for number in range(2000):
            body, codings = Author(f"{SEED} packed {number}").packed()
            answer: Any = Answer(io.BytesIO(body), {"Content-Encoding": codings})
            document, message = _read(answer, deadline)
            read += document is not None
            assert len(document or b"") <= LIMIT, number
            assert message.isprintable(), number
    assert 600 < read < 1800


def _read(answer: Any, deadline: Deadline) -> tuple[bytes | None, str]:
    try:
        return read_body(answer, LIMIT, deadline), ""
    except (VectoraError, TemporaryError, ValueError) as error:
        return None, str(error)


def _is_fit_for_readers(item: dict[str, Any]) -> None:
    """Check that the item has plain text within the limits, and an address that is safe to show."""
    assert item["url"].startswith(("http://", "https://"))
    assert "127.0.0.1" not in item["url"].split("/")[2]
    assert 0 < len(item["title"]) <= 500
    assert len(item["content"]) <= 8000
    for text in (item["title"], *item["content"].splitlines()):
        assert not HIDDEN.search(text), ascii(text)
