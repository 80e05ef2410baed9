"""The review as lines of a terminal: one screen, the worst first, and equal changes of several things as one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from change_review.brief_changes import (
    Entry,
    cost_entries,
    permission_entries,
    resource_entries,
    row_entries,
)
from change_review.groups import Group, groups_of
from change_review.model import Review, Row
from change_review.sections import SHORT, summary_of
from change_review.short_words import braces, cut, short_text, short_where
from terminal.folding import folded

# A terminal of 50 lines has its prompt and the command, too.
SCREEN = 47
INDENT = "    "
RISK, GOOD, TITLE, QUIET, NOTE = "bold red", "green", "bold", "dim", "yellow"
# From all to little: entries of a part, and characters of what an entry says about its names. Findings get more room.
_LEVELS = (
    (30, 600, 60, 1200), (14, 400, 28, 800), (10, 300, 20, 600), (8, 200, 16, 400), (6, 150, 12, 300),
    (4, 110, 10, 240), (3, 90, 8, 200), (2, 70, 8, 160),
    # Without entries of the other parts.
    (0, 110, 20, 300), (0, 110, 12, 240), (0, 90, 8, 200), (0, 90, 5, 160), (0, 70, 3, 120), (0, 70, 2, 90),
    (0, 60, 1, 60),
)  # fmt: skip
MOST_IN_NOTE = 150
# What CDK appends to the names of resources.
_HASH = re.compile(r"(?<=[a-z])[0-9A-F]{8}$")


# A title, and what is below it.
Part = tuple[str, list[Entry]]


@dataclass(frozen=True)
class Line:
    """A line of the report; `style` is that of its text."""

    text: str
    style: str | None = None


@dataclass(frozen=True)
class _Level:
    """Room for details; a tight report only counts what is in no finding, and has no empty lines."""

    entries: int
    characters: int
    findings: int
    characters_of_finding: int

    @property
    def is_tight(self) -> bool:
        return self.entries == 0


def lines_of(review: Review, width: int | None) -> tuple[Line, ...]:
    """Return the report for a terminal of `width` cells, as detailed as a screen has room for.

    Every finding is named, however long the report becomes. Without a width, lines are not broken.
    """
    found: tuple[Line, ...] = ()
    groups, parts = groups_of(review.findings), tuple(_parts(review))
    for level in (_Level(*each) for each in _LEVELS):
        found = tuple(_lines(review, groups, parts, width, level))
        if len(found) <= SCREEN:
            break
    return found


def _lines(
    review: Review, groups: Sequence[Group], parts: Sequence[Part], width: int | None, level: _Level
) -> Iterator[Line]:
    is_clear = not any(each.accepted is None for each in review.findings)
    yield from _folded(review.verdict, width, GOOD if is_clear else RISK)
    yield from _folded(summary_of(review), width)
    yield from _folded(f"Compared: {review.base.name} with {review.head.name}.", width, QUIET)
    for note in review.notes:
        yield from _folded(cut(note, MOST_IN_NOTE), width, NOTE)
    if groups:
        yield from _title("Findings", level)
        yield from _findings(groups, width, level)
    for title, entries in parts:
        if entries:
            yield from _part(title, entries, width, level)
    files = ", ".join(f"{name} {count}" for name, count in review.other_files)
    if files:
        if not level.is_tight:
            yield Line("")
        yield from _folded(f"Files: {cut(files, level.characters)}", width, QUIET)
    if open_ := [each for each in groups if each.first.accepted is None]:
        yield from _folded(
            f"To accept a line of findings for 30 days: ./vectora review --allow {open_[0].id} --reason REASON",
            width,
            QUIET,
        )
    yield from _folded("Everything: ./vectora review --html FILE, --markdown FILE or --json", width, QUIET)


def _parts(review: Review) -> Iterator[Part]:
    yield "Permissions", list(permission_entries(review))
    yield "Resources", list(resource_entries(review))
    yield "Settings and gates", list(row_entries(_calm(review.settings)))
    yield "Alarms, schedules and rules", list(row_entries(_calm(review.alarms)))
    yield "Functions", list(row_entries(_calm(review.functions)))
    yield "Cost a month", list(cost_entries(review.cost))
    clients = [
        Entry("", (each.client_id,), text) for each in review.clients for text in (*each.changes, *each.newsletter)
    ]
    yield "Clients", clients
    releases = [
        Entry("", (f"{short_where(each.environments, ())}{_by(each.content)}",), each.text) for each in review.releases
    ]
    yield "Releases", releases


def _by(content: Sequence[str]) -> str:
    return f" (by {', '.join(content)})" if content else ""


def _calm(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that are in no finding."""
    return [each for each in rows if each.tendency != "looser"]


def _part(title: str, entries: Sequence[Entry], width: int | None, level: _Level) -> Iterator[Line]:
    if level.is_tight and len(entries) > 1:
        yield from _folded(f"{title}: {len(entries)} lines, not here", width, QUIET)
        return
    if level.is_tight:
        [only] = entries
        yield from _folded(f"{title}: {_entry(only, level)}", width)
        return
    yield from _title(title, level)
    # One line that says how many are missing takes no less room than one entry.
    most = level.entries if len(entries) > level.entries + 1 else len(entries)
    for each in entries[:most]:
        yield from _folded(_entry(each, level), width)
    if rest := entries[most:]:
        names = braces(name for each in rest for name in each.names)
        yield from _folded(f"and {len(rest)} more: {cut(names, level.characters)}", width, QUIET)


def _title(title: str, level: _Level) -> Iterator[Line]:
    if not level.is_tight:
        yield Line("")
        yield Line(title, TITLE)


def _entry(entry: Entry, level: _Level) -> str:
    names = cut(braces(entry.names), max(level.characters, 60))
    lead = f"{entry.lead} {names}".strip()
    where = f" ({entry.where})" if entry.where else ""
    joint = "" if lead.endswith(":") else ":"
    text = f"{joint} {cut(short_text(entry.text), level.characters)}" if entry.text else ""
    return f"{lead}{where}{text}"


def _findings(groups: Sequence[Group], width: int | None, level: _Level) -> Iterator[Line]:
    kinds: dict[str, list[Group]] = {}
    for group in groups:
        kinds.setdefault(_kind(group), []).append(group)
    for kind, found in kinds.items():
        most = level.findings if len(found) > level.findings + 1 else len(found)
        for group in found[:most]:
            yield from _folded(_finding(kind, group, level), width)
        by_marks: dict[tuple[str, ...], list[Group]] = {}
        for group in found[most:]:
            by_marks.setdefault(group.marks, []).append(group)
        for marks, rest in by_marks.items():
            count = sum(len(each.findings) for each in rest)
            names = braces(_without_hash(cut(name, MOST_IN_NOTE)) for each in rest for name in each.names)
            marked = f" ({', '.join(marks)})" if marks else ""
            yield from _folded(f"{kind}{marked} and {count} more: {names}", width)


def _without_hash(name: str) -> str:
    return _HASH.sub("", name)


def _kind(group: Group) -> str:
    first = group.first
    return "ACCEPTED" if first.accepted else "NEW ACCESS" if first.is_new else SHORT[first.category]


def _finding(kind: str, group: Group, level: _Level) -> str:
    first, count = group.first, len(group.findings)
    marks = f" ({', '.join(group.marks)})" if group.marks else ""
    alike = f"{count} alike: " if count > 1 else ""
    name = braces(group.names) if first.subject else ""
    said = cut(short_text(group.said), level.characters_of_finding)
    joint = "" if not name else ": " if count > 1 or group.is_list else " "
    state = ""
    if accepted := first.accepted or first.expired:
        over = "" if first.accepted else ", which is over"
        state = f" [accepted by {accepted.by} until {accepted.until}{over}: {accepted.reason}]"
    place = short_where(group.environments, group.stacks)
    return f"{kind}{marks} {alike}{name}{joint}{said} ({place}) {group.id}{state}"


def _folded(text: str, width: int | None, style: str | None = None) -> Iterator[Line]:
    """Yield a text in lines that fit; all but the first are indented."""
    if width is None:
        yield Line(text, style)
        return
    for number, each in enumerate(folded(text, width - len(INDENT))):
        yield Line(f"{INDENT}{each}" if number else each, style)
