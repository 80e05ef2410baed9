"""An issue as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from vectora_core.newsletter.issue import Issue, IssueItem
from vectora_core.newsletter.labels import labels, origin, sources_sentence
from vectora_core.newsletter.wording import Wording

WIDTH = 78  # RFC 5322, 2.1.1: lines of a mail should have at most 78 characters


def as_text(issue: Issue) -> str:
    """Return the issue as lines of at most 78 characters; addresses are longer lines of their own."""
    return "\n".join(_lines(issue, Wording(issue.language))) + "\n"


def _lines(issue: Issue, words: Wording) -> Iterator[str]:
    yield from _wrapped(issue.name)
    yield "=" * min(len(issue.name), WIDTH)
    if issue.draft:
        yield words.text("draft").upper()
    yield from _heading_lines(issue, words)
    if not issue.items:
        yield from ("", *_wrapped(words.text("no_news")))
    if issue.in_brief:
        yield from ("", words.text("in_brief"))
        for item in issue.in_brief:
            yield from _wrapped(item.headline, first="* ", rest="  ")
    for section in issue.sections:
        yield from ("", "", *_wrapped(section.title), "-" * min(len(section.title), WIDTH))
        for item in section.items:
            yield from ("", *_item_lines(item, words))
    yield from ("", "", words.counted("items", len(issue.items)))


def _heading_lines(issue: Issue, words: Wording) -> Iterator[str]:
    yield from _wrapped(words.period(issue.period.first, issue.period.last))
    if issue.sources:
        yield from _wrapped(sources_sentence(issue, words))


def _item_lines(item: IssueItem, words: Wording) -> Iterator[str]:
    yield from _wrapped(item.headline)
    yield from _wrapped(origin(item, words))
    if found := labels(item, words):
        yield from _wrapped(", ".join(found))
    if item.summary:
        yield from _wrapped(item.summary)
    if item.why_it_matters:
        yield from _wrapped(f"{words.text('why_it_matters')} {item.why_it_matters}")
    if item.url:
        yield item.url
    if item.also_reported:
        yield from _wrapped(f"{words.text('also_reported_by')} {', '.join(each.source for each in item.also_reported)}")
        # Addresses stay whole, on lines of their own.
        yield from (report.url for report in item.also_reported if report.url)


def _wrapped(text: str, *, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
