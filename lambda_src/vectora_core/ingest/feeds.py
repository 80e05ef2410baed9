"""RSS, Atom and RDF feeds: what a feed reader would list, as plain text."""

from __future__ import annotations

import io
import logging
import re
from datetime import date
from typing import Any
from urllib.parse import urljoin

from vectora_core.config.canonical import Source
from vectora_core.errors import VectoraError
from vectora_core.ingest.dates import is_plausible, parse_date
from vectora_core.ingest.entries import (
    MAX_CONTENT_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    Entry,
    Extraction,
    shortened,
)
from vectora_core.ingest.html_text import decode, plain_text

logger = logging.getLogger("vectora")

_FEED_ROOT = re.compile(r"<(?:\w+:)?(?:rss|feed|RDF)[\s>]", re.IGNORECASE)
_HTML_ROOT = re.compile(r"<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_ANNOUNCED_FEED = re.compile(r"<link\b[^>]*application/(?:rss|atom)\+xml[^>]*>", re.IGNORECASE)


def looks_like_feed(text: str) -> bool:
    return bool(_FEED_ROOT.search(text[:5000])) and not _HTML_ROOT.search(text[:5000])


def parse_feed(body: bytes, source: Source, url: str, charset: str | None, today: date) -> Extraction:
    """The entries of a feed that was fetched from `url`.

    Raises VectoraError when `body` is not a feed at all.
    """
    if not body.strip():
        raise VectoraError(
            "The feed's address answered with nothing: open it in a browser and correct the source's url."
        )
    text = decode(body, charset)
    if not looks_like_feed(text):
        raise VectoraError(_what_it_is_instead(text))
    parsed = _parsed(body, url, charset)
    entries = tuple(
        entry for raw in parsed.get("entries", ()) if (entry := _entry(raw, source, url, today)) is not None
    )
    return Extraction(entries=entries, problem=_problem(parsed, entries))


def _what_it_is_instead(text: str) -> str:
    if not _HTML_ROOT.search(text[:5000]):
        return "The address answers with something that is neither RSS nor Atom: correct the source's url."
    announced = _ANNOUNCED_FEED.search(text)
    address = re.search(r"href\s*=\s*[\"']([^\"']+)", announced[0]) if announced else None
    hint = f" (the page announces its feed at {address[1][:200]})" if address else ""
    return f"The address answers with an HTML page instead of a feed{hint}: correct the source's url."


def _parsed(body: bytes, url: str, charset: str | None) -> dict[str, Any]:
    import feedparser

    headers = {"content-location": url}
    if charset:
        headers["content-type"] = f"application/xml; charset={charset}"
    try:
        # A stream, because feedparser would open bytes that look like a path or an address.
        parsed: dict[str, Any] = feedparser.parse(io.BytesIO(body), response_headers=headers)
    except Exception as error:
        logger.exception("feedparser failed on %s", url)
        raise VectoraError(
            f"The feed cannot be read ({type(error).__name__}): its XML is broken beyond repair."
        ) from error
    return parsed


def _problem(parsed: dict[str, Any], entries: tuple[Entry, ...]) -> str | None:
    raw_count = len(parsed.get("entries", ()))
    reason = re.sub(r"^<unknown>:(\d+):\d+:", r"line \1:", " ".join(str(parsed.get("bozo_exception", "")).split()))[
        :120
    ]
    if parsed.get("bozo") and type(parsed.get("bozo_exception")).__name__ not in _HARMLESS:
        return f"The feed is broken ({reason}); {len(entries)} entries could be read all the same."
    if len(entries) < raw_count:
        return f"{raw_count - len(entries)} of the feed's {raw_count} entries have neither a title nor a text."
    return None


# The server's content type or declared encoding is wrong, but the feed was read in full.
_HARMLESS = frozenset({"NonXMLContentType", "CharacterEncodingOverride"})


# WordPress ends the texts of its feeds so.
_WORDPRESS_FOOTER = re.compile(r"\s*The post .{1,400}? (?:first )?appeared (?:first )?on [^\n]{1,100}$")


def _entry(raw: Any, source: Source, url: str, today: date) -> Entry | None:
    content = _content(raw)
    title = " ".join(plain_text(_text(raw, "title")).split())
    if not title:
        title = content.partition("\n")[0]
    if not title:
        return None
    return Entry(
        title=shortened(title, MAX_TITLE_CHARACTERS),
        url=_link(raw, url),
        content=shortened(content, MAX_CONTENT_CHARACTERS),
        published=_published(raw, source, today),
        author=" ".join(plain_text(_text(raw, "author")).split())[:200],
        tags=tuple(
            dict.fromkeys(
                term.strip()[:100] for tag in raw.get("tags", ()) if (term := tag.get("term")) and term.strip()
            )
        ),
    )


def _text(raw: Any, key: str) -> str:
    value = dict.get(raw, key)
    return value if isinstance(value, str) else ""


def _content(raw: Any) -> str:
    """The richest of the entry's texts: full content where the feed carries it, else its summary."""
    texts = [_text(raw, "summary"), *(_text(part, "value") for part in raw.get("content", ()))]
    return max((_WORDPRESS_FOOTER.sub("", plain_text(text).strip()) for text in texts), key=len)


def _link(raw: Any, url: str) -> str:
    alternates = [_text(link, "href") for link in raw.get("links", ()) if link.get("rel") == "alternate"]
    identifier = _text(raw, "id")
    # An id such as "12345" is no address, not even a relative one.
    for candidate in (_text(raw, "link"), *alternates, identifier if "://" in identifier else ""):
        try:
            address = urljoin(url, candidate.strip()) if candidate else ""
        except ValueError:
            continue
        if address.startswith(("http://", "https://")):
            return address
    return url


def _published(raw: Any, source: Source, today: date) -> date | None:
    for key in ("published", "updated", "created"):
        text = _text(raw, key)
        # feedparser makes the first of January out of a mere year.
        if not text or re.fullmatch(r"\s*\d{4}(-\d{1,2})?\s*", text):
            continue
        if source.date_format and (day := parse_date(text, today=today, date_format=source.date_format)):
            return day
        moment = dict.get(raw, f"{key}_parsed")
        day = date(moment.tm_year, moment.tm_mon, moment.tm_mday) if moment else parse_date(text, today=today)
        if day and is_plausible(day, today):
            return day
    return None
