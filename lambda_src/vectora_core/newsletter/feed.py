"""RSS feed of a client's issues."""

from __future__ import annotations

import html
from collections.abc import Sequence
from email.utils import format_datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from vectora_core.newsletter.wording import Wording

if TYPE_CHECKING:
    from vectora_core.newsletter.archive import ArchivedHeadline, ArchivedIssue


def as_feed(
    issues: Sequence[ArchivedIssue], client_id: str, name: str, language: str, archive_url: str | None
) -> bytes:
    """Return an RSS 2.0 document with one entry for each issue, whose id stays when the issue is made again.

    `archive_url` is the address at which readers see the client's folder; without it, links are relative to the feed.
    """
    words = Wording(language)
    base = f"{archive_url.rstrip('/')}/" if archive_url else ""
    root = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(root, "channel")
    _add(channel, "title", name)
    _add(channel, "link", f"{base}index.html")
    _add(channel, "description", words.text("all_issues"))
    _add(channel, "language", language)
    for issue in issues:
        entry = ElementTree.SubElement(channel, "item")
        _add(entry, "title", f"{name}, {words.day(issue.day)}")
        _add(entry, "link", f"{base}{issue.folder}/newsletter.html")
        _add(entry, "guid", f"{client_id}_{issue.day:%Y%m%d}", isPermaLink="false")
        if issue.written_at:
            _add(entry, "pubDate", format_datetime(issue.written_at))
        # RSS readers show a description as HTML.
        lines = "".join(f"<li>{_headline(headline, words)}</li>" for headline in issue.headlines)
        count = "" if issue.items is None else f"<p>{words.counted('items', issue.items)}</p>"
        _add(entry, "description", f"<ul>{lines}</ul>{count}" if lines else count)
    ElementTree.indent(root)
    body: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def _headline(headline: ArchivedHeadline, words: Wording) -> str:
    if not headline.other_reports:
        return html.escape(headline.text)
    sources = ", ".join(
        f'<a href="{html.escape(url)}">{html.escape(source)}</a>' if url else html.escape(source)
        for source, url in headline.other_reports
    )
    return f"{html.escape(headline.text)} ({words.text('also_reported_by')} {sources})"


def _add(parent: ElementTree.Element, tag: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, tag, attributes).text = _printable(text)


def _printable(text: str) -> str:
    """Return the text without characters that XML does not allow."""
    return "".join(sign for sign in text if sign in "\t\n" or _is_allowed(ord(sign)))


def _is_allowed(code: int) -> bool:
    # Extensible Markup Language 1.0, 2.2: no control characters, surrogates, U+FFFE and U+FFFF.
    return 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF
