"""Encoding of a document: by its byte-order mark, its server, then itself, as the standards say.

The order is that of the HTML standard ("Determining the character encoding") and, for XML, of RFC 7303, section 3.
Labels mean what the WHATWG Encoding standard says. A byte that cannot be decoded becomes U+FFFD, and no more than it.
Browsers obey a server that is plainly wrong; feed readers do not, and neither does this module, in three cases:

- The text is valid UTF-8 throughout: by chance, no other encoding looks so.
- UTF-16 or UTF-32 is declared in or for a document whose bytes show that it is not, or the other way round.
- UTF-8 is declared, but more characters are undecodable than decodable: the next declaration counts. Without one, it
  is Windows-1252 if single bytes stand within words, as they do in that encoding and never in cut UTF-8.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import webencodings

from vectora_core.ingest.document_root import ROOT_CHARACTERS, find_root
from vectora_core.ingest.html_names import UNNESTED_NAMES

# The standard's first look is at 1,024 bytes; its parser then obeys a declaration wherever it stands. This is how far.
DECLARATION_BYTES = 250_000
# The HTML parser's time grows with the square of the depth. No real page declares its encoding at such a depth.
_MAX_DEPTH = 500
_MARKS = (
    # Before UTF-16, whose mark is the start of this one.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# How mark-up, or JSON, starts without a mark (XML 1.0, appendix F).
_WIDE = (
    (re.compile(rb"\0\0\0[<\s{\[]\0\0\0"), "utf-32-be"),
    (re.compile(rb"[<\s{\[]\0\0\0.\0\0\0", re.DOTALL), "utf-32-le"),
    (re.compile(rb"\0[<\s{\[]\0[^\0]"), "utf-16-be"),
    (re.compile(rb"[<\s{\[]\0[^\0]\0"), "utf-16-le"),
)
_XML_ENCODING = re.compile(r"\sencoding\s*=\s*[\"']\s*([A-Za-z0-9][\w.:-]{0,99})")
_META_CHARSET = re.compile(r"charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;\"']+))", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# A single byte before a letter. In UTF-8, characters beyond ASCII have two bytes or more.
_SINGLE_IN_WORD = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?=[A-Za-z])")
_MANY = 3
_BEYOND_ASCII = re.compile("[^\x00-\x7f\ufffd]")
# Python's codecs that no document uses, and those that only marks and patterns decide.
_NO_CODECS = ("idna", "punycode", "unicode", "raw", "undefined", "utf-7", "utf-16", "utf-32", "mbcs", "oem")


Evidence = Literal["byte-order mark", "first bytes", "HTTP header", "document", "content"]


@dataclass(frozen=True)
class Decoded:
    """Text of a document, Python's name of its encoding, and what the encoding was found by."""

    text: str
    codec: str
    found_by: Evidence


def decode(body: bytes, charset: str | None) -> str:
    """Return the text of a document; `charset` is the label in its server's Content-Type."""
    return decoded(body, charset).text


def decoded(body: bytes, charset: str | None) -> Decoded:
    """Return the text of a document with its encoding; `charset` is the label in its server's Content-Type."""
    if first := _by_first_bytes(body):
        codec, evidence = first
        return Decoded(body.decode(codec, "replace").lstrip("\ufeff"), codec, evidence)
    text = _valid_utf8(body)
    valid = Decoded(text, "utf-8", "content") if text is not None else None
    beyond_ascii = len(body) - len(text) if text is not None else 0
    is_utf8 = False
    for codec, evidence in _declared_codecs(body, charset):
        if codec != "utf-8":
            is_chance = beyond_ascii < (1 if _is_single_byte(codec) else _MANY)
            return valid if valid and not is_chance else Decoded(body.decode(codec, "replace"), codec, evidence)
        is_utf8 = True
        if text is not None:
            return Decoded(text, "utf-8", evidence)
        replaced = body.decode("utf-8", "replace")
        if replaced.count("\ufffd") <= max(_MANY, _decoded(replaced)):
            return Decoded(replaced, "utf-8", evidence)
    return valid or _undecided(body, is_utf8)


def _by_first_bytes(body: bytes) -> tuple[str, Evidence] | None:
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return codec, "byte-order mark"
    return next(((codec, "first bytes") for pattern, codec in _WIDE if pattern.match(body)), None)


def _valid_utf8(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _declared_codecs(body: bytes, charset: str | None) -> Iterator[tuple[str, Evidence]]:
    """Yield the codecs of the server's declaration, then of the document's own."""
    if codec := _codec(charset):
        yield codec, "HTTP header"
    head = body[:DECLARATION_BYTES].decode("latin-1")
    root = find_root(head[:ROOT_CHARACTERS])
    if root.kind in ("html", "none") and (codec := _meta_codec(head)):
        yield codec, "document"
    declared = _XML_ENCODING.search(root.declaration)
    if declared and (codec := _own_codec(declared[1])):
        yield codec, "document"
    if root.kind in ("feed", "other", "json"):
        # XML without a declaration is in UTF-8 (XML 1.0, section 4.3.3), as is JSON (RFC 8259, section 8.1).
        yield "utf-8", "content"


def _meta_codec(head: str) -> str | None:
    """Return the codec of the page's meta element, found by an HTML parser: scripts and comments declare nothing."""
    end = head.lower().rfind("charset")
    # The tag that the last "charset" stands in.
    head = head[: head.find(">", end) + 1 or len(head)] if end >= 0 else ""
    if "<meta" not in head.lower() or _depth(head) > _MAX_DEPTH:
        return None
    from selectolax.lexbor import LexborHTMLParser

    for meta in LexborHTMLParser(head).css("meta"):
        attributes = meta.attributes
        label = attributes.get("charset")
        # Some pages write the names without hyphens.
        pragma = attributes.get("http-equiv") or attributes.get("httpequiv") or ""
        if label is None and pragma.strip().lower() in ("content-type", "contenttype"):
            # HTML standard, "Extracting a character encoding from a meta element".
            found = _META_CHARSET.search(attributes.get("content") or "")
            label = next(filter(None, found.groups()), None) if found else None
        if codec := _own_codec(label):
            return codec
    return None


def _depth(head: str) -> int:
    deepest = depth = 0
    for tag in _TAG.finditer(head):
        if tag[2].lower() not in UNNESTED_NAMES:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _own_codec(label: str | None) -> str | None:
    """Return the codec of a document's own label; one that could be read as ASCII is not in UTF-16, but in UTF-8.

    HTML standard, "Prescan a byte stream to determine its encoding".
    """
    found = webencodings.lookup(label or "")
    return "utf-8" if found and found.name.startswith("utf-16") else _codec(label)


def _codec(label: str | None) -> str | None:
    """Return Python's name of the codec with this label; None for those that no browser reads either."""
    if not label:
        return None
    found = webencodings.lookup(label)
    if found is not None:
        if found.name in ("replacement", "x-user-defined", "utf-16le", "utf-16be"):
            return None
        # The standard's decoder of GBK is that of GB18030.
        return "gb18030" if found.name == "gbk" else found.codec_info.name
    try:
        codec = codecs.lookup(label.strip())
    except (LookupError, ValueError):
        return None
    # Names that are no labels, such as "latin-1" and "cp949".
    known = webencodings.lookup(codec.name)
    if known is not None:
        return _codec(codec.name)
    return codec.name if codec._is_text_encoding and not codec.name.startswith(_NO_CODECS) else None


def _is_single_byte(codec: str) -> bool:
    return len(b"\xc3\xa9".decode(codec, "replace")) > 1


def _decoded(text: str) -> int:
    """Return the number of characters beyond ASCII that were decoded."""
    return len(_BEYOND_ASCII.findall(text))


def _undecided(body: bytes, is_utf8: bool) -> Decoded:
    """Decode a body that is not valid UTF-8, although no other encoding is declared.

    The HTML standard's default is Windows-1252.
    """
    replaced = body.decode("utf-8", "replace")
    decoded_characters = _decoded(replaced)
    errors = len(_SINGLE_IN_WORD.findall(body)) if is_utf8 else replaced.count("\ufffd")
    if errors > decoded_characters:
        return Decoded(body.decode("cp1252", "replace"), "cp1252", "content")
    return Decoded(replaced, "utf-8", "content")
