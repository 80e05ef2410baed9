"""Design of the pages: skeleton, colours and parts that every page is made of.

A page is one file that loads nothing: its policy permits no request, and no script but those that the page itself
brings. It works without a script, on narrow screens, in light and dark colours, by keyboard, and on paper.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

from vectora_ops.pages.markup import Content, Html, element, together
from vectora_ops.times import minute

Tone = Literal["good", "warn", "bad", "quiet"]
# A sign beside each colour, for readers who do not see the difference (WCAG 2.2, 1.4.1 Use of Color).
SIGNS: Mapping[Tone, str] = {"good": "✓", "warn": "!", "bad": "✗", "quiet": "-"}
OLD_AFTER_HOURS = 24
_AGE = """
const made = document.querySelector("[data-made]"), note = document.getElementById("age");
const hours = Math.floor((Date.now() - Date.parse(made.dateTime)) / 3600000);
if (hours >= Number(made.dataset.made)) {
  note.textContent = "OLD: made " + hours + " hours ago. Make a new one before you decide anything.";
  note.hidden = false;
}
"""


@dataclass(frozen=True)
class Cell:
    """A cell of a table; a number is aligned to its last digit."""

    content: Content
    is_number: bool = False


def page(
    title: str,
    *,
    made_at: datetime,
    subtitle: Content = None,
    main: Iterable[Html],
    footer: Content = None,
    scripts: Sequence[str] = (),
    becomes_old: bool = True,
) -> str:
    """Return a whole page; one that `becomes_old` says so from 24 hours after it was made."""
    running = (*([_AGE] if becomes_old else []), *scripts)
    made = element("time", minute(made_at), datetime=_machine(made_at), data_made=OLD_AFTER_HOURS)
    head = (
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(running)),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        Html(f"<style>\n{_styles()}</style>"),
    )
    top = element(
        "header",
        element("h1", title),
        element("p", "Made ", made, " · " if subtitle is not None else None, subtitle),
        element("div", element("strong", id="age", class_="age", hidden=True), role="status") if becomes_old else None,
        class_="top",
    )
    body = (
        element("a", "Skip to the content", href="#content", class_="skip"),
        top,
        element("main", *main, id="content", tabindex=-1),
        element("footer", footer, class_="bottom") if footer is not None else None,
        # No text of a page can become part of a script: scripts are constants of this project.
        *(Html(f"<script>{each}</script>") for each in running),
    )
    document = element("html", element("head", *head), element("body", *body), lang="en")
    return f"<!DOCTYPE html>\n{document.markup}\n"


def section(identity: str, heading: str, *content: Content) -> Html:
    """Return a section with its heading, to which `#identity` leads."""
    title = element("h2", heading, id=identity)
    return element("section", title, *content, aria_labelledby=identity)


def cards(contents: Iterable[Html], *, are_steps: bool = False) -> Html:
    """Return cards beside each other, below each other on a narrow screen; steps have arrows between them."""
    return element("ul", *contents, class_="cards steps" if are_steps else "cards", role="list")


def card(heading: Content, *content: Content, tone: Tone = "quiet") -> Html:
    """Return a card, an item of `cards`."""
    return element("li", element("h3", heading), *content, class_=f"card {tone}")


def badge(text: str, tone: Tone) -> Html:
    """Return a short state in a colour, with a sign that has the same meaning."""
    sign = element("span", f"{SIGNS[tone]} ", aria_hidden="true")
    return element("span", sign, text, class_=f"badge {tone}")


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Content | Cell]],
    *,
    shows_caption: bool = True,
) -> Html:
    """Return a table whose first column names its rows; on a narrow screen each row becomes a block.

    A caption that repeats a heading is for screen readers only.
    The roles are explicit, because `display: block` removes those of a table in some browsers (CSS Display 3, "display
    is not supposed to affect semantics", and Adrian Roselli, "Tables, CSS Display Properties, and ARIA").
    """
    head = element("tr", *(element("th", each, scope="col", role="columnheader") for each in columns), role="row")
    return element(
        "table",
        element("caption", caption, class_=None if shows_caption else "unseen"),
        element("thead", head, role="rowgroup"),
        element("tbody", *(_row(columns, row) for row in rows), role="rowgroup"),
        role="table",
    )


def _row(columns: Sequence[str], row: Sequence[Content | Cell]) -> Html:
    cells = [each if isinstance(each, Cell) else Cell(each) for each in row]
    name = element("th", cells[0].content, scope="row", role="rowheader")
    others = (
        element(
            "td",
            each.content,
            class_="number" if each.is_number else None,
            data_label=column or None,
            role="cell",
        )
        for column, each in itertools.islice(zip(columns, cells, strict=True), 1, None)
    )
    return element("tr", name, *others, role="row")


def facts(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Return terms with their values, without those that have none."""
    known = ((term, value) for term, value in pairs if value is not None)
    return element("dl", *(together((element("dt", term), element("dd", value))) for term, value in known))


def bar(share: float, meaning: str) -> Html:
    """Return a bar of which `share`, from 0 to 1, is full; `meaning` says it in words to a screen reader."""
    percent = round(100 * min(max(share, 0.0), 1.0))
    return element("span", element("span", style=f"width:{percent}%"), class_="bar", role="img", aria_label=meaning)


def command(text: str) -> Html:
    """Return a command that a person copies, on a line of its own."""
    return element("code", text, class_="command")


def moment(at: datetime) -> Html:
    """Return a time in UTC."""
    return element("time", minute(at), datetime=_machine(at))


def folded(summary: Content, *content: Content, is_open: bool = False) -> Html:
    """Return content that a person opens; paper shows it."""
    return element("details", element("summary", summary), *content, open=is_open)


def picture(svg: str, description: str) -> Html:
    """Return a drawing as an image: what is inside can neither run nor load anything (SVG 2, "secure static mode")."""
    encoded = base64.b64encode(svg.encode("utf-8")).decode("ascii")
    image = element("img", src=f"data:image/svg+xml;base64,{encoded}", alt=description)
    return element("figure", image, class_="picture")


def _policy(scripts: Sequence[str]) -> str:
    """Return the page's policy, which permits its own scripts by their digests (Content Security Policy level 3)."""
    digests = (base64.b64encode(hashlib.sha256(each.encode("utf-8")).digest()).decode("ascii") for each in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in digests) or "'none'"
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {allowed}; base-uri 'none'; "
        "form-action 'none'"
    )


def _machine(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


@cache
def _styles() -> str:
    return Path(__file__).with_name("design.css").read_text(encoding="utf-8")
