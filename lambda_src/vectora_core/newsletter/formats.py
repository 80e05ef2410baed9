"""An issue as HTML, as Markdown and as plain text; news is untrusted content and appears as text, never as mark-up."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from vectora_core.newsletter.issue import Issue, IssueItem
from vectora_core.newsletter.labels import labels, origin, sources_sentence
from vectora_core.newsletter.markdown_text import escaped, escaped_link_text
from vectora_core.newsletter.text_format import as_text
from vectora_core.newsletter.wording import Wording

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["as_html", "as_markdown", "as_text"]

HTML_TEMPLATE = Path(__file__).with_name("newsletter.html.j2")
# Gmail clips a message above 102 KB, and hides the rest behind a link.
MOST_HTML_BYTES = 100_000


def as_html(issue: Issue) -> str:
    """Return the issue as a page that is also a mail: with as many of the most important items as a mail may have."""
    page = _rendered(issue, not_shown=0)
    if len(page.encode("utf-8")) <= MOST_HTML_BYTES:
        return page
    fits, exceeds = 0, len(issue.items)
    while exceeds - fits > 1:
        count = (fits + exceeds) // 2
        size = len(_rendered(issue.with_first(count), not_shown=len(issue.items) - count).encode("utf-8"))
        fits, exceeds = (count, exceeds) if size <= MOST_HTML_BYTES else (fits, count)
    return _rendered(issue.with_first(fits), not_shown=len(issue.items) - fits)


def _rendered(issue: Issue, *, not_shown: int) -> str:
    words = Wording(issue.language)
    return _template().render(
        issue=issue,
        words=words,
        direction=words.locale.text_direction,
        sources=sources_sentence(issue, words),
        labels=lambda item: labels(item, words),
        origin=lambda item: origin(item, words),
        not_shown=not_shown,
    )


@cache
def _template() -> Template:
    # Imported here: the other functions of the engine start faster without it.
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(HTML_TEMPLATE.read_text(encoding="utf-8"))


def as_markdown(issue: Issue) -> str:
    words = Wording(issue.language)
    lines = [f"# {escaped(issue.name)}", ""]
    if issue.draft:
        lines += [f"**{escaped(words.text('draft'))}**", ""]
    lines += [escaped(words.period(issue.period.first, issue.period.last)), ""]
    if issue.sources:
        lines += [escaped(sources_sentence(issue, words)), ""]
    if not issue.items:
        lines += [escaped(words.text("no_news")), ""]
    if issue.in_brief:
        lines += [f"## {words.text('in_brief')}", "", *(f"- {_linked_headline(item)}" for item in issue.in_brief), ""]
    for section in issue.sections:
        lines += [f"## {escaped(section.title)}", ""]
        for item in section.items:
            lines += _markdown_item(item, words)
    return "\n".join(lines)


def _markdown_item(item: IssueItem, words: Wording) -> list[str]:
    lines = [f"### {_linked_headline(item)}", "", escaped(origin(item, words)), ""]
    if found := labels(item, words):
        lines += [escaped(", ".join(found)), ""]
    if item.summary:
        lines += [escaped(item.summary), ""]
    if item.why_it_matters:
        lines += [f"**{words.text('why_it_matters')}** {escaped(item.why_it_matters)}", ""]
    if item.also_reported:
        reports = ", ".join(_linked(report.source, report.url) for report in item.also_reported)
        lines += [f"{escaped(words.text('also_reported_by'))} {reports}", ""]
    return lines


def _linked_headline(item: IssueItem) -> str:
    return _linked(item.headline, item.url)


def _linked(text: str, url: str | None) -> str:
    if url is None:
        return escaped(text)
    address = re.sub(r"[()\[\]{}`|^]", lambda sign: quote(sign[0]), url)
    return f"[{escaped_link_text(text)}]({address})"
