"""Entries of RSS, Atom and RDF feeds, in plain text."""

from __future__ import annotations

import io
import logging
import re
import sys
from datetime import date
from typing import Any

from vectora_core.ingest.decoding import decode
from vectora_core.ingest.document_root import Root, find_root
from vectora_core.ingest.entries import MAX_CONTENT_CHARACTERS, MAX_ENTRIES, DropReason, Entry, Extraction
from vectora_core.ingest.feed_dates import FeedDates
from vectora_core.ingest.feed_links import FeedLinks, identifier
from vectora_core.ingest.feed_text import construct_text, text_of
from vectora_core.ingest.html_text import require_few_attributes
from vectora_core.ingest.shared_addresses import without_shared_identities
from vectora_core.ingest.status_errors import CHALLENGE, shows_challenge
from vectora_core.text.tracked_links import untracked_text
from vectora_core.text.words import MAX_TITLE_CHARACTERS, collapse_spaces, one_line, shortened
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

logger = logging.getLogger("vectora")

_LINK = re.compile(r"<link\b[^<>]*>", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._:-]{0,60}")
_ENTRY = re.compile(r"<(?:\w{1,40}:)?(?:item|entry)[\s/>]", re.IGNORECASE)
_NESTING = re.compile(r"<(?P<close>/)?[^\W\d]|(?P<empty>/>)|(?P<cdata><!\[CDATA\[.*?(?:\]\]>|\Z))", re.DOTALL)
_REFERENCE = re.compile(r"&#([xX][0-9a-fA-F]{1,12}|[0-9]{1,12});?")
_AMPERSAND = re.compile(r"&(?!#?\w{1,40};)")
_CDATA_OR_AMPERSAND = re.compile(rf"(<!\[CDATA\[.*?(?:\]\]>|\Z))|{_AMPERSAND.pattern}", re.DOTALL)
# XML 1.0, section 2.2: characters that no document may have, not even as references.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
# More than in any real feed. The parser's memory grows with the depth of elements, its time with the mark-up.
MAX_MARKS = 400_000
MAX_DEPTH = 1000
MAX_TAGS = 20


def parse_feed(body: bytes, source: Source, url: str, charset: str | None, today: date) -> Extraction:
    """Return the entries of a feed that was fetched from `url`; raise VectoraError when `body` is no feed."""
    if not body.strip():
        raise VectoraError(
            "The feed's address answered with nothing: open it in a browser and correct the source's url."
        )
    text = decode(body, charset)
    root = find_root(text)
    if root.kind != "feed":
        raise VectoraError(_not_a_feed(text, root))
    feed, cut = _limited(text, root)
    parsed = _parsed(feed, url)
    is_atom = root.name.lower().endswith("feed")
    all_entries = parsed.get("entries", ())
    raw_entries = all_entries[:MAX_ENTRIES]
    channel = parsed.get("feed", {})
    links = FeedLinks(channel, url, is_atom=is_atom)
    dates = FeedDates(channel, raw_entries, source, today)
    entries = [entry for raw in raw_entries if (entry := _entry(raw, links, dates, is_atom)) is not None]
    problem = _problem(parsed, len(raw_entries), len(entries))
    if cut:
        problem = f"The feed has more than {MAX_ENTRIES} entries: the first {len(entries)} were read."
    dropped: dict[DropReason, int] = {
        "too_many_entries": cut + len(all_entries) - len(raw_entries),
        "without_title": len(raw_entries) - len(entries),
    }
    return Extraction(entries=without_shared_identities(entries), problem=problem, dropped=dropped)


def _limited(text: str, root: Root) -> tuple[str, int]:
    """Return the feed's root element with at most MAX_ENTRIES entries, and how many more were cut off.

    Remove everything before the root: declarations of entities can expand without limit or read files.
    Raise VectoraError when the feed has more mark-up, or is deeper, than any real feed.
    """
    # Empty lines replace it, so that line numbers in the parser's messages stay right.
    text = _DECLARATION + "\n" * text.count("\n", 0, root.start) + text[root.start :]
    starts = [entry.start() for entry, _ in zip(_ENTRY.finditer(text), range(MAX_ENTRIES + 1), strict=False)]
    cut = 0
    if len(starts) > MAX_ENTRIES:
        cut = 1 + sum(1 for _ in _ENTRY.finditer(text, starts[-1] + 1))
        end = f"</{root.name}>" if root.name.lower() != "rss" else f"</channel></{root.name}>"
        text = text[: starts[-1]] + end
    if text.count("<") + text.count("&") > MAX_MARKS or _deepest(text) > MAX_DEPTH:
        raise VectoraError(
            f"The feed has more than {MAX_MARKS} characters of mark-up or nests more than {MAX_DEPTH} elements: "
            "it is broken or hostile, and was not read."
        )
    require_few_attributes(text)
    text = _REFERENCE.sub(_valid_reference, _NO_XML.sub(" ", text))
    return _with_escaped_ampersands(text), cut


def _with_escaped_ampersands(text: str) -> str:
    """Escape ampersands that begin no reference: the parser would make "Q&A; with" of "Q&A with"."""
    if not _AMPERSAND.search(text):
        return text
    return _CDATA_OR_AMPERSAND.sub(lambda found: found[1] or "&amp;", text)


def _valid_reference(reference: re.Match[str]) -> str:
    """Return a character reference, or nothing if its number is no character, on which the parser would fail."""
    number = reference[1]
    code = int(number[1:], 16) if number[0] in "xX" else int(number)
    return reference[0] if code <= sys.maxunicode and not _NO_XML.match(chr(code)) else ""


def _deepest(text: str) -> int:
    """Return the depth of nested elements; it restarts at each entry, because broken entries leave elements open."""
    starts = {entry.start() for entry in _ENTRY.finditer(text)}
    deepest = depth = 0
    for mark in _NESTING.finditer(text):
        if mark["cdata"]:
            continue
        if mark.start() in starts:
            depth = 0
        depth = max(0, depth - 1) if mark["close"] or mark["empty"] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _not_a_feed(text: str, root: Root) -> str:
    """Return the message for a text that is not a feed."""
    if root.kind == "json":
        return (
            "The address answers with JSON, which is neither RSS nor Atom: give the source the url of its feed, or "
            "ingestion_mode json and a mapping."
        )
    if root.kind != "html":
        found = f"an XML document <{root.name}>, which" if _PLAIN_NAME.fullmatch(root.name) else "something that"
        return f"The address answers with {found} is neither RSS nor Atom: correct the source's url."
    if shows_challenge(text):
        return CHALLENGE
    links = (link[0] for link in _LINK.finditer(text[:200_000]))
    announced = next((link for link in links if re.search(r"application/(?:rss|atom)\+xml", link, re.IGNORECASE)), "")
    address = re.search(r"href\s*=\s*[\"']([^\"']+)", announced)
    hint = f" (the page announces its feed at {one_line(address[1])[:200]})" if address else ""
    return f"The address answers with an HTML page instead of a feed{hint}: correct the source's url."


def _parsed(text: str, url: str) -> dict[str, Any]:
    import feedparser

    # Without the feed's address: feedparser would resolve links against it, which is right for some of them only.
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        parsed: dict[str, Any] = feedparser.parse(
            # A stream: feedparser would open a text that looks like a path or an address.
            io.BytesIO(text.encode("utf-8")),
            response_headers=headers,
            # No sanitizing: `plain_text` makes plain text of all HTML.
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as error:
        logger.exception("feedparser failed on %s", url)
        raise VectoraError(
            f"The feed cannot be read ({type(error).__name__}): its XML is broken beyond repair."
        ) from error
    return parsed


def _problem(parsed: dict[str, Any], raw_count: int, count: int) -> str | None:
    error = one_line(str(parsed.get("bozo_exception", "")))
    reason = re.sub(r"^<unknown>:(\d+):\d+:", r"line \1:", error)[:120]
    if parsed.get("bozo") and type(parsed.get("bozo_exception")).__name__ not in _HARMLESS:
        return f"The feed is broken ({reason}); {count} entries could still be read."
    if count < raw_count:
        return f"{raw_count - count} of the feed's {raw_count} entries have neither a title nor a text."
    return None


# The server's content type or declared encoding is wrong, but the feed was read completely.
_HARMLESS = frozenset({"NonXMLContentType", "CharacterEncodingOverride"})


# Last sentence of the texts in WordPress's feeds.
_WORDPRESS_FOOTER = re.compile(r"The post .{1,400}? (?:first )?appeared (?:first )?on [^\n]{1,100}\Z")


def _entry(raw: Any, links: FeedLinks, dates: FeedDates, is_atom: bool) -> Entry | None:
    content = _content(raw, is_atom)
    title = collapse_spaces(construct_text(raw, "title", is_atom=is_atom))
    if not title:
        title = content.partition("\n")[0]
    if not title:
        return None
    url, has_own_url = links.article(raw)
    return Entry(
        title=shortened(title, MAX_TITLE_CHARACTERS),
        url=url,
        content=shortened(untracked_text(content), MAX_CONTENT_CHARACTERS),
        published=dates.published(raw),
        author=collapse_spaces(construct_text(raw, "author", is_atom=False))[:200],
        tags=tuple(
            dict.fromkeys(
                term for tag in raw.get("tags", ())[:MAX_TAGS] if (term := one_line(tag.get("term") or "")[:100])
            )
        ),
        guid=identifier(raw),
        has_own_url=has_own_url,
    )


def _text(raw: Any, key: str) -> str:
    value = dict.get(raw, key)
    return value if isinstance(value, str) else ""


def _content(raw: Any, is_atom: bool) -> str:
    """Return the longest of the entry's texts: its full content if the feed has it, else its summary."""
    parts = dict.get(raw, "content", ())[:MAX_TAGS]
    texts = [text_of(_text(part, "value"), _text(part, "type"), is_atom=is_atom) for part in parts]
    # feedparser copies the content of an entry without a summary, and then gives the copy no type.
    if not texts or dict.get(raw, "summary_detail"):
        texts.append(construct_text(raw, "summary", is_atom=is_atom))
    return max((_without_footer(text.strip()) for text in texts), key=len)


def _without_footer(text: str) -> str:
    end = max(0, len(text) - 600)
    return text[:end] + _WORDPRESS_FOOTER.sub("", text[end:]).rstrip()
