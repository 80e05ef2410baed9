"""Tables of the snapshot commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from rich.filesize import decimal as size
from rich.table import Table

from cli.output import out
from cli.snapshot.drill import RestoreRehearsal
from terminal.console import new_table, styled
from vectora_ops.snapshots.catalog import SnapshotSummary, state_of
from vectora_ops.snapshots.compare import Change
from vectora_ops.times import minute

CHANGES_SHOWN = 50


def show_changes(changes: Iterable[Change], when_equal: str) -> bool:
    """Show the first changes of each component, count the others, and return whether there are any."""
    counts: Counter[str] = Counter()
    marks = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
    for change in changes:
        counts[change.component] += 1
        if counts[change.component] <= CHANGES_SHOWN:
            mark, colour = marks[change.kind]
            out.say(f"{mark} {change.component}: {change.path}", style=colour)
            for line in change.text:
                out.say(f"      {line}")
    for component, count in counts.items():
        if count > CHANGES_SHOWN:
            out.say(f"{component}: {count - CHANGES_SHOWN:,} more")
    if not counts:
        out.say(when_equal)
    return bool(counts)


def counted_in_files(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of the vault with the commands' word for what a snapshot holds: files."""
    return {"files" if key == "entries" else key: value for key, value in document.items()}


def snapshot_table(listed: Iterable[SnapshotSummary]) -> Table:
    table = new_table("snapshot", "state", "taken", "occasion", "release", "files", "bytes")
    for each in listed:
        colour = {"complete": "", "incomplete": "yellow", "damaged": "red", "leftover": "dim"}[each.state]
        table.add_row(
            each.name,
            styled(state_of(each), colour),
            minute(each.started_at) if each.started_at else "",
            each.occasion,
            each.release_version or "",
            f"{each.entries:,}",
            size(each.bytes),
        )
    return table


def show_verification(verification: dict[str, Any]) -> None:
    name = verification["snapshot"]
    if not verification["problems"]:
        out.say(f"{name} is intact: {verification['entries']:,} files.")
        return
    out.say(f"{name} is not intact:", style="red")
    for problem in verification["problems"]:
        out.say(f"  {problem['kind']}: {problem['name']} ({problem['detail']})")


def show_rehearsal(rehearsal: RestoreRehearsal) -> None:
    out.say(
        f"Restored {rehearsal.entries:,} files ({size(rehearsal.bytes)}) to {rehearsal.prefix}, compared them, and "
        "deleted the copies."
    )
    for problem in rehearsal.problems:
        out.say(f"  {problem}", style="red")
