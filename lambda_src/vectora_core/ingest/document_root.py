"""Root element of a document, which decides what the document is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from vectora_core.ingest.html_names import HTML_NAMES, RAW_TEXT_NAMES, UNNESTED_NAMES

# How far the root is searched for. Nothing real stands before it but comments and a server's warnings.
ROOT_CHARACTERS = 100_000

Kind = Literal["feed", "html", "json", "other", "none"]

# Each alternative ends in the end of the text, so that an unclosed one is read once.
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<!\[CDATA\[.*?(?:\]\]>|\Z)"
    r"|(?P<declaration><\?xml\s[^>]*>)"
    r"|<\?.*?(?:\?>|\Z)"
    r"|<!DOCTYPE\s+(?P<doctype>[^\s\[>]+)[^\[>]*+(?:\[.*?(?:\]\s*>|\Z)|>|\Z)"
    r"|<(?P<close>/)?(?P<name>[A-Za-z_][^\s/><]*)(?P<rest>(?:[^\"'<>]|\"[^\"]{0,2000}\"|'[^']{0,2000}')*+)>?",
    re.DOTALL | re.IGNORECASE,
)
_FEED_NAMES = frozenset({"rss", "feed", "rdf"})
_PAGE_NAMES = frozenset({"html", "head", "body", "frameset", "title", "meta"})
_JSON = re.compile(r"[\s\ufeff]*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")


@dataclass(frozen=True)
class Root:
    """Root element: its name as it is written, where it starts, and the XML declaration before it."""

    kind: Kind
    name: str = ""
    start: int = 0
    declaration: str = ""


def find_root(text: str) -> Root:
    """Return the root of a document, past comments, instructions and warnings that a server wrote before it.

    Feed readers accept such warnings. They are HTML whose elements are all closed where the feed begins, so that a
    page which shows a feed within its elements remains a page.
    """
    if _JSON.match(text):
        return Root("json")
    text = text[:ROOT_CHARACTERS]
    lowered = text.lower()
    position, depth, declaration, kind = 0, 0, "", "none"
    while token := _TOKEN.search(text, position):
        position = token.end()
        declaration = token["declaration"] or declaration
        if token["doctype"] and token["doctype"].lower() == "html":
            return Root("html", "html", token.start(), declaration)
        if not token["name"]:
            continue
        name = token["name"].lower()
        local = name.rpartition(":")[2]
        if local in _FEED_NAMES and not token["close"] and depth == 0:
            return Root("feed", token["name"], token.start(), declaration)
        if local in _PAGE_NAMES:
            return Root("html", token["name"], token.start(), declaration)
        if name not in HTML_NAMES:
            if kind == "none" and not token["close"]:
                return Root("other", token["name"], token.start(), declaration)
            continue
        kind = "html"
        depth = _depth_after(token, name, depth)
        if name in RAW_TEXT_NAMES and not token["close"]:
            end = lowered.find(f"</{name}", position)
            position = end if end >= 0 else len(text)
    return Root("html", declaration=declaration) if kind == "html" else Root("none", declaration=declaration)


def _depth_after(token: re.Match[str], name: str, depth: int) -> int:
    if name in UNNESTED_NAMES or token["rest"].endswith("/"):
        return depth
    return max(0, depth - 1) if token["close"] else depth + 1
