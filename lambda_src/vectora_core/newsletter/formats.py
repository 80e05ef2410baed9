"""An issue as Markdown and as HTML; news is untrusted content and appears as text, never as mark-up."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from urllib.parse import quote

from vectora_core.newsletter.issue import KEY_ENTITIES, Issue, IssueItem

HTML_TEMPLATE = Path(__file__).with_name("newsletter.html.j2")
EMPTY = "No news of the watched field was found in this period."


def as_html(issue: Issue) -> str:
    # Imported here: the other functions of the engine start faster without it.
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["day"] = readable_day
    template = environment.from_string(HTML_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(issue=issue, empty=EMPTY)


def as_markdown(issue: Issue) -> str:
    lines = [f"# {escaped(issue.name)}", "", f"{readable_day(issue.period_start)} to {readable_day(issue.day)}", ""]
    if not issue.items:
        lines += [EMPTY, ""]
    for section in issue.sections:
        lines += [f"## {escaped(section.title)}", ""]
        for item in section.items:
            lines += [f"### {_linked_title(item)}", "", _origin(item), ""]
            if item.summary:
                lines += [escaped(item.summary), ""]
    return "\n".join(lines)


def readable_day(day: date | None) -> str:
    return f"{day.day} {day:%B %Y}" if day else "undated"


def escaped(text: str) -> str:
    """Return the text with Markdown's mark-up escaped."""
    plain = re.sub(r"([\\`*_\[\]<>#|~&!])", r"\\\1", text)
    # At the beginning of a line, these characters start lists, rules and quotations. Addresses become links.
    plain = re.sub(r"^([-+=]|\d+(?=[.)]))", _escaped_start, plain)
    plain = re.sub(r"(https?|ftp|www|mailto|xmpp)([:.])", r"\1\\\2", plain, flags=re.IGNORECASE)
    # GitHub makes links of e-mail addresses and user names even if the @ is escaped.
    return re.sub(r"@(?=\w)", "@\u200b", plain)


def _escaped_start(match: re.Match[str]) -> str:
    start = match[1]
    return f"\\{start}" if not start.isdigit() else f"{start}\u200b"


def _linked_title(item: IssueItem) -> str:
    if item.url is None:
        return escaped(item.title)
    address = re.sub(r"[()\[\]{}`|^]", lambda sign: quote(sign[0]), item.url)
    return f"[{escaped(item.title)}]({address})"


def _origin(item: IssueItem) -> str:
    names = [*item.entities.companies, *item.entities.trademarks]
    parts = [item.source, readable_day(item.published), ", ".join(list(dict.fromkeys(names))[:KEY_ENTITIES])]
    return " · ".join(escaped(part) for part in parts if part)
