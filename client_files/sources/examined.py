"""Kind, encoding, language and title of a fetched document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import webencodings

from client_files.sources.json_guess import is_json_feed
from vectora_core.ingest.decoding import Decoded, Evidence, decoded
from vectora_core.ingest.document_root import find_root
from vectora_core.ingest.fetch import Page
from vectora_core.ingest.html_text import plain_text
from vectora_core.ingest.json_values import parse_json
from vectora_core.text.words import collapse_spaces, one_line, shortened
from vectora_shared.config.sources import IngestionMode, language_exists
from vectora_shared.errors import VectoraError

Kind = Literal["RSS feed", "Atom feed", "RDF feed", "JSON Feed", "JSON", "HTML page", "nothing readable"]
_HEAD = 20_000
_KINDS: dict[str, Kind] = {"rss": "RSS feed", "feed": "Atom feed", "rdf": "RDF feed"}
_LANGUAGE_ELEMENT = re.compile(r"<(?:dc:)?language>\s*([A-Za-z]{2})\b", re.IGNORECASE)
_LANGUAGE_ATTRIBUTE = re.compile(r"<(?:html|feed|rss|rdf:RDF)\b[^>]*\slang\s*=\s*[\"']?([A-Za-z]{2})\b", re.IGNORECASE)
_XML_LANGUAGE = re.compile(r"<(?:html|feed|rss|rdf:RDF)\b[^>]*\sxml:lang\s*=\s*[\"']([A-Za-z]{2})\b", re.IGNORECASE)
_SITE_NAME = re.compile(r"<meta\b[^>]*property=[\"']og:site_name[\"'][^>]*content=[\"']([^\"']{1,200})", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^>]{0,200}>(.{1,500}?)</title", re.IGNORECASE | re.DOTALL)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_EVIDENCE: dict[Evidence, str] = {
    "byte-order mark": "byte-order mark",
    "first bytes": "first bytes",
    "HTTP header": "server's header",
    "document": "own declaration",
    "content": "bytes: nothing valid is declared",
}
MAX_NAME_CHARACTERS = 60


@dataclass(frozen=True)
class Document:
    """A document; `mode` is the ingestion mode that reads it, `language` is empty when it declares none."""

    kind: Kind
    mode: IngestionMode | None
    text: str
    json: Any
    encoding: str
    language: str
    title: str


def examine(page: Page) -> Document:
    """Return what a page is."""
    found = decoded(page.body, page.charset)
    root = find_root(found.text)
    head = found.text[root.start : root.start + _HEAD]
    match root.kind:
        case "json":
            return _json(found.text, page.body)
        case "feed":
            kind = _KINDS[root.name.rpartition(":")[2].lower()]
            return Document(kind, "rss", found.text, None, _encoding(found), _language(head), _title(head))
        case "html":
            return Document("HTML page", "html", found.text, None, _encoding(found), _language(head), _title(head))
    return _unreadable(found.text)


def _unreadable(text: str) -> Document:
    return Document("nothing readable", None, text, None, "", "", "")


def _json(text: str, body: bytes) -> Document:
    try:
        document = parse_json(body)
    except VectoraError:
        return _unreadable(text)
    is_feed = is_json_feed(document)
    language = str(document.get("language") or "")[:2].lower() if is_feed else ""
    title = document.get("title") if is_feed else None
    return Document(
        "JSON Feed" if is_feed else "JSON",
        "json",
        text,
        document,
        "utf-8, as all JSON",
        language if re.fullmatch("[a-z]{2}", language) and language_exists(language) else "",
        _name(title) if isinstance(title, str) else "",
    )


def _language(head: str) -> str:
    for pattern in (_LANGUAGE_ELEMENT, _XML_LANGUAGE, _LANGUAGE_ATTRIBUTE):
        if found := pattern.search(head):
            code = found[1].lower()
            return code if language_exists(code) else ""
    return ""


def _title(head: str) -> str:
    found = _SITE_NAME.search(head) or _TITLE.search(head)
    return _name(_CDATA.sub(r"\1", found[1])) if found else ""


def _name(written: str) -> str:
    return shortened(one_line(collapse_spaces(plain_text(written))), MAX_NAME_CHARACTERS)


def _encoding(found: Decoded) -> str:
    """Return the encoding by its name on the web, and what it was found by."""
    known = webencodings.lookup(found.codec)
    return f"{known.name if known else found.codec}, by its {_EVIDENCE[found.found_by]}"
