"""A review as one page that loads nothing, for a person who decides in five minutes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from change_review.architecture import Architecture
from change_review.drawing import mermaid_of, svg_of
from change_review.model import Finding, PermissionChange, Review
from change_review.sections import Section, finding_cells, sections_of, summary_of, where
from change_review.verdict import WORDS
from vectora_ops.pages.design import Tone, badge, card, cards, command, folded, page, picture, section, table
from vectora_ops.pages.markup import Content, Html, element, together

# Rows that do not have the text are hidden, and folded parts with such rows are opened.
SEARCH = """
const field = document.getElementById("find"), count = document.getElementById("found");
document.getElementById("search").hidden = false;
const rows = [...document.querySelectorAll("tbody tr")];
field.addEventListener("input", () => {
  const text = field.value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const fits = row.textContent.toLowerCase().includes(text);
    row.hidden = !fits;
    shown += fits;
    if (fits && text) for (let node = row; (node = node.parentElement.closest("details")); ) node.open = true;
  }
  count.textContent = text ? shown + " of " + rows.length + " rows" : "";
});
"""
_IN_FRONT = ("Findings", "Permissions")
# Words of short cells stay whole beside long texts.
_WHOLE_CHARACTERS = 18


def page_of(
    review: Review, made_at: datetime, architecture: Architecture | None = None, *, lines_at: str | None = None
) -> str:
    """Return the page; every text of the change is escaped, and the drawing is an image that runs nothing.

    `lines_at` is the web address of the changed lines.
    """
    rest = [each for each in sections_of(review) if each.title not in _IN_FRONT]
    parts = [
        section("verdict", "Verdict", *_verdict(review, lines_at)),
        section("risks", "Risks", *_risks(review.findings)),
        section("permissions", "Permissions, before and after", *_permissions(review.permissions)),
        section("details", "Details", *(_folded(each) for each in rest)) if rest else None,
        _drawing(architecture) if architecture is not None and architecture.nodes else None,
    ]
    return page(
        "Review of a change",
        made_at=made_at,
        subtitle=f"{review.head.name}, compared with {review.base.name}",
        main=[each for each in parts if each is not None],
        footer="Made by ./vectora review --html. It shows files of two commits, and loads nothing.",
        scripts=(SEARCH,),
        becomes_old=False,
    )


def _verdict(review: Review, lines_at: str | None) -> Iterator[Html]:
    yield element("p", element("strong", review.verdict))
    yield element("p", f"{summary_of(review)}.")
    if lines_at:
        yield element("p", element("a", "All changed lines", href=lines_at))
    for note in review.notes:
        yield element("p", badge("note", "warn"), " ", note)
    shown = [*WORDS.items(), ("new access", "with new access")]
    yield cards(
        card(words, badge(str(review.counts[kind]), _tone(review.counts[kind])), tone=_tone(review.counts[kind]))
        for kind, words in shown
    )
    field = element("input", type="search", id="find", autocomplete="off")
    label = element("label", "Search in all tables: ", for_="find")
    yield element("p", label, field, " ", element("span", id="found", role="status"), id="search", hidden=True)


def _tone(count: int) -> Tone:
    return "bad" if count else "good"


def _risks(findings: Iterable[Finding]) -> Iterator[Html]:
    rows = []
    for finding in findings:
        kind, place, text, identity = finding_cells(finding)
        tone: Tone = "quiet" if finding.accepted else "warn" if finding.is_new else "bad"
        rows.append(
            (_whole(badge(kind.lower(), tone), kind), _cell(place), text, _whole(element("code", identity), identity))
        )
    if not rows:
        yield element("p", badge("none found", "good"))
        return
    yield table("Risks", ("kind", "where", "what", "id"), rows, shows_caption=False)
    open_ = next((each.id for each in findings if each.accepted is None), None)
    if open_:
        yield element("p", "To accept one for 30 days, and commit that with the change:")
        yield command(f'./vectora review --allow {open_} --reason "moved to the archive bucket first"')


def _permissions(changes: Iterable[PermissionChange]) -> Iterator[Html]:
    """Yield a table with a row for each holder: what it no longer may, and what it now may."""
    holders: dict[tuple[str, str], dict[str, list[Content]]] = {}
    for each in changes:
        sides = holders.setdefault((where(each.environments, each.stack), each.holder), {})
        marks = together(part for mark in each.marks for part in (" ", badge(mark, "bad")))
        sides.setdefault(each.tendency, []).append(together((each.text, marks)))
    if not holders:
        yield element("p", "No permission changes.")
        return
    rows = [
        (
            _cell(who),
            _cell(place),
            _listed(sides.get("stricter")),
            _listed([*sides.get("looser", ()), *sides.get("changed", ())]),
        )
        for (place, who), sides in holders.items()
    ]
    yield table("Permissions", ("who", "where", "narrower", "broader or new"), rows, shows_caption=False)


def _listed(contents: list[Content] | None) -> Content:
    return element("ul", *(element("li", each) for each in contents)) if contents else "-"


def _cell(text: str) -> Html:
    return _whole(text, text)


def _whole(content: Content, text: str) -> Html:
    """Return the content of a cell that is at least as wide as its text, up to some words."""
    return element("span", content, style=f"display:inline-block;min-width:{min(len(text) + 2, _WHOLE_CHARACTERS)}ch")


def _folded(part: Section) -> Html:
    summary = f"{part.title} ({len(part.rows)})"
    rows = [[_cell(text) for text in row] for row in part.rows]
    return folded(summary, table(part.title, [each or "remark" for each in part.columns], rows, shows_caption=False))


def _drawing(architecture: Architecture) -> Html:
    changed = [each.name for each in architecture.nodes if each.is_changed]
    words = f"Changed, with a red border: {', '.join(changed)}." if changed else "Nothing in it changes."
    description = "Architecture of prod by names and grants. " + words
    source = folded("Source of the drawing (Mermaid)", element("pre", element("code", mermaid_of(architecture))))
    return section(
        "architecture", "Architecture", element("p", words), picture(svg_of(architecture), description), source
    )
