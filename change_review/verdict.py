"""Verdict and counts of a review, which every form shows first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from change_review.model import CATEGORIES, Category, Finding, PermissionChange, ResourceChange, Row

WORDS: dict[Category, str] = {
    "data": "data or replacement",
    "permissions": "permissions broadened",
    "gates": "gates or settings loosened",
    "cost": "cost above a limit",
}


def counts_of(
    findings: Sequence[Finding],
    resources: Sequence[ResourceChange],
    permissions: Sequence[PermissionChange],
    rows: Sequence[Row],
) -> dict[str, int]:
    """Return the numbers of a report, each counted once for all environments that have it."""
    open_ = [each for each in findings if each.accepted is None]
    actions = Counter(each.action for each in resources)
    tendencies = Counter(each.tendency for each in permissions)
    return {
        **{each: sum(finding.category == each and not finding.is_new for finding in open_) for each in CATEGORIES},
        "new access": sum(each.is_new for each in open_),
        "accepted": sum(each.accepted is not None for each in findings),
        "resources added": actions["added"],
        "resources changed": actions["changed"] + actions["new version"],
        "resources replaced": actions["replaced"],
        "resources that may be replaced": actions["may be replaced"],
        "resources removed": actions["removed"] + actions["left behind"],
        "permissions broadened": tendencies["looser"],
        "permissions narrowed": tendencies["stricter"],
        "settings changed": sum(each.name == "setting" for each in rows),
        "settings looser": sum(each.name == "setting" and each.tendency == "looser" for each in rows),
    }


def verdict_of(findings: Sequence[Finding], *, is_changed: bool, other_files: int) -> str:
    """Return one sentence that says whether a reader has to stop, and why."""
    open_ = Counter(each.category for each in findings if each.accepted is None and not each.is_new)
    new = sum(each.is_new and each.accepted is None for each in findings)
    accepted = sum(each.accepted is not None for each in findings)
    also = f" {accepted} accepted." if accepted else ""
    if open_ or new:
        found = [f"{open_[each]} {WORDS[each]}" for each in CATEGORIES if open_[each]]
        listed = ", ".join([*found, *([f"{new} with new access"] if new else [])])
        return f"Stop and read: {listed}.{also}"
    if is_changed:
        return (
            f"No risk found: something deployed changes, and nothing is lost, broader, looser or too expensive.{also}"
        )
    if other_files:
        return "Nothing deployed changes in the templates and settings: other files only."
    return "Nothing changes."
