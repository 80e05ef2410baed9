"""Sections of a report: the parts of a review as tables of texts, for every form that shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from change_review.model import (
    Category,
    Finding,
    PermissionChange,
    PropertyChange,
    ResourceChange,
    Review,
    Row,
    Tendency,
)
from vectora_ops.settings import ENVIRONMENT_NAMES

SIGNS: dict[Tendency, str] = {"looser": "+", "changed": "~", "stricter": "-"}
SHORT: dict[Category, str] = {"data": "DATA", "permissions": "PERMISSIONS", "gates": "GATES", "cost": "COST"}
MOST_PROPERTIES = 6
IS_RULES = re.compile(r"(^|\.)\w*PolicyDocument\.Statement|^KeyPolicy\.Statement")
NOTHING = "none"


@dataclass(frozen=True)
class Section:
    """A table with a title; `is_detail` marks one that a reader needs only to look something up."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_detail: bool = False


def sections_of(review: Review) -> tuple[Section, ...]:
    """Return the sections of a review that have rows, in the order in which a reader needs them."""
    found = (
        Section("Findings", ("kind", "where", "what", "id"), tuple(map(finding_cells, review.findings))),
        Section("Permissions", ("", "where", "who", "what", "marks"), tuple(map(_permission, review.permissions))),
        Section("Resources", ("what", "where", "resource", "why"), tuple(map(_resource, review.resources))),
        Section("Settings and gates", _ROW, tuple(map(_row, review.settings))),
        Section("Alarms, schedules and rules", _ROW, tuple(map(_row, review.alarms))),
        Section("Functions", _ROW, tuple(map(_row, review.functions))),
        Section("Cost a month, in US dollars", ("where", "what", "before", "after"), tuple(_cost(review))),
        Section("Clients", ("client", "version", "what"), tuple(_clients(review))),
        Section("Releases", ("where", "what changes", "effect"), tuple(_releases(review))),
        Section(
            "Where environments differ",
            ("setting", *ENVIRONMENT_NAMES, "changed"),
            tuple(_differences(review)),
            is_detail=True,
        ),
        Section(
            "Files",
            ("folder", "files"),
            tuple((name, str(count)) for name, count in review.other_files),
            is_detail=True,
        ),
    )
    return tuple(each for each in found if each.rows)


_ROW = ("where", "what", "key", "before", "after", "")


def where(environments: tuple[str, ...], stack: str = "") -> str:
    """Return environments and a stack for people, such as `dev, stage, prod: s0-core`."""
    listed = ", ".join(environments)
    return f"{listed}: {stack}" if stack and stack not in environments else listed


def finding_cells(finding: Finding) -> tuple[str, str, str, str]:
    """Return kind, place, text and id of a finding."""
    text = finding.text
    if finding.accepted:
        text += f" [accepted by {finding.accepted.by} until {finding.accepted.until}: {finding.accepted.reason}]"
    elif finding.expired:
        text += f" [accepted by {finding.expired.by} until {finding.expired.until}, which is over]"
    kind = "accepted" if finding.accepted else "NEW ACCESS" if finding.is_new else SHORT[finding.category]
    return kind, where(finding.environments, finding.stack), text, finding.id


def _permission(change: PermissionChange) -> tuple[str, ...]:
    place = where(change.environments, change.stack)
    return SIGNS[change.tendency], place, change.holder, change.text, ", ".join(change.marks)


def _resource(change: ResourceChange) -> tuple[str, ...]:
    reasons = [change.reason] if change.reason else list(_properties(change.properties))
    if change.note:
        reasons.append(change.note)
    kind = change.type.removeprefix("AWS::").replace("::", " ")
    return change.action, where(change.environments, change.stack), f"{kind} {change.name}", "; ".join(reasons)


def _properties(changes: tuple[PropertyChange, ...]) -> Iterator[str]:
    for each in changes[:MOST_PROPERTIES]:
        if IS_RULES.search(each.path):
            yield f"{each.path}: see the permissions"
            continue
        values = f"{each.before} -> {each.after}" if each.before != each.after else each.why
        yield f"{each.path} {values}"
    if len(changes) > MOST_PROPERTIES:
        yield f"and {len(changes) - MOST_PROPERTIES} more"


def _row(row: Row) -> tuple[str, ...]:
    remark = "LOOSER" if row.tendency == "looser" else row.tendency if row.tendency != "changed" else ""
    name = "" if row.name == "setting" else row.name
    return where(row.environments), name, row.key, row.before, row.after, "; ".join(filter(None, (remark, row.why)))


def _cost(review: Review) -> Iterator[tuple[str, ...]]:
    for each in review.cost.lines:
        yield each.environment, each.item, f"{each.before_usd:.2f}", f"{each.after_usd:.2f}"
    for name in review.cost.unknown:
        yield name, "paid by its size or use: look it up", NOTHING, NOTHING


def _clients(review: Review) -> Iterator[tuple[str, ...]]:
    for client in review.clients:
        versions = " -> ".join(dict.fromkeys(filter(None, (client.version_before, client.version_after))))
        for text in (*client.changes, *client.newsletter):
            yield client.client_id, versions, text


def _releases(review: Review) -> Iterator[tuple[str, ...]]:
    for each in review.releases:
        yield where(each.environments), ", ".join(each.content) or NOTHING, each.text


def _differences(review: Review) -> Iterator[tuple[str, ...]]:
    for each in review.environments:
        yield each.key, *(value for _, value in each.values), "changed" if each.is_changed else ""


def summary_of(review: Review) -> str:
    """Return the counts of a review in one line."""
    counts = review.counts
    kinds = ("added", "changed", "replaced", "that may be replaced", "removed")
    found = [(counts[f"resources {kind}"], kind) for kind in kinds]
    resources = ", ".join(f"{number} {kind.removeprefix('that ')}" for number, kind in found if number) or "no change"
    parts = [f"resources: {resources}"]
    if broader := counts["permissions broadened"] + counts["permissions narrowed"]:
        parts.append(f"permissions: {counts['permissions broadened']} broader of {broader}")
    if counts["settings changed"]:
        parts.append(f"settings: {counts['settings changed']} changed, {counts['settings looser']} looser")
    difference = review.cost.after_usd - review.cost.before_usd
    if review.cost.lines:
        parts.append(f"cost: {'+' if difference >= 0 else '-'}${abs(difference):.2f} a month")
    return "; ".join(parts)
