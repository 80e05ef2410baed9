"""Links of a feed's entries to their articles, and the identifiers that the publisher gives them."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from vectora_core.ingest.entries import MAX_GUID_CHARACTERS
from vectora_core.text.addresses import resolved_link
from vectora_core.text.words import one_line

_MAX_LINKS = 20
# FeedBurner and Pheedo replace an entry's link by one of their own, and keep the publisher's in these elements.
_ORIGINALS = ("feedburner_origlink", "pheedo_origlink")
# In this order, behind "alternate": RFC 4287, 4.2.7.2. "self", "edit", "replies" and all others lead to no article.
_OTHER_RELATIONS = ("related", "via", "enclosure")
_WITHOUT_SCHEME = re.compile(r"www\.[\w-]+\.[\w.-]+(?:[/?#:]|\Z)", re.IGNORECASE)


class FeedLinks:
    """Resolver of the links in one feed.

    feedparser has already resolved those below an xml:base (RFC 4287, 2). For the others, RSS names no base, and its
    relative links are meant to be the site's; in Atom they are the document's, unless another host serves the feed.
    """

    def __init__(self, feed: Any, url: str, *, is_atom: bool) -> None:
        """Initialize with the parsed feed's own elements and the address that it was finally fetched from."""
        self._url = url
        site = next((link for written in _links(feed) if (link := self._resolved(written, [url]))), None)
        self._site = site
        elsewhere = site is not None and urlsplit(site).hostname != urlsplit(url).hostname
        self._bases = [site, url] if site and (elsewhere or not is_atom) else [url]

    def article(self, raw: Any) -> tuple[str, bool]:
        """Return the address of an entry's article, and whether it is the entry's own."""
        for written in _candidates(raw):
            if written.strip() and (address := self._resolved(written, self._bases)):
                return address, True
        return self._site or self._url, False

    @staticmethod
    def _resolved(written: str, bases: list[str]) -> str | None:
        # Some feeds encode "&" twice, and some omit the scheme.
        written = html.unescape(written).strip() if "&amp;" in written or "&#" in written else written.strip()
        if _WITHOUT_SCHEME.match(written):
            written = f"https://{written}"
        return next((address for base in bases if (address := resolved_link(base, written))), None)


def identifier(raw: Any) -> str:
    """Return the publisher's identifier of an entry, or its digest when it is longer than any real one."""
    guid = one_line(_text(raw, "id"))
    if len(guid) <= MAX_GUID_CHARACTERS:
        return guid
    return "sha256:" + hashlib.sha256(guid.encode("utf-8")).hexdigest()


def _candidates(raw: Any) -> Iterator[str]:
    """Yield what may lead to an entry's article, the best first."""
    yield from (_text(raw, key) for key in _ORIGINALS)
    links = raw.get("links", ())[:_MAX_LINKS]
    yield from _links(raw)
    guid = _text(raw, "id")
    # An identifier is an address only if it is a complete one: "12345" is not a relative address.
    if re.match(r"https?://", guid.strip(), re.IGNORECASE) or (guid.startswith("/") and raw.get("guidislink")):
        yield guid
    yield from (_text(part, "src") for part in raw.get("content", ())[:1])
    for relation in _OTHER_RELATIONS:
        yield from (_text(link, "href") for link in links if link.get("rel") == relation)


def _links(raw: Any) -> Iterator[str]:
    """Yield the alternate links, pages before other types: "application/json" is no article for a reader."""
    alternates = [link for link in raw.get("links", ())[:_MAX_LINKS] if link.get("rel") == "alternate"]
    yield from (_text(link, "href") for link in sorted(alternates, key=lambda link: "html" not in link.get("type", "")))


def _text(raw: Any, key: str) -> str:
    value = dict.get(raw, key)
    return value if isinstance(value, str) else ""
