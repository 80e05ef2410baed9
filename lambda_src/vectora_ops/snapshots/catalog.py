"""List of an environment's snapshots, and pins that exempt snapshots from pruning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from vectora_ops.plain_text import as_code, in_markdown
from vectora_ops.snapshots.manifest import (
    DamagedError,
    Manifest,
    NoSnapshotError,
    Pin,
    is_from_the_future,
    time_in_name,
    to_bytes,
)
from vectora_ops.snapshots.vault import PINNED, PROGRESS, SnapshotFiles, Vault
from vectora_ops.times import minute
from vectora_shared.errors import VectoraError

State = Literal["complete", "incomplete", "damaged", "leftover"]


@dataclass(frozen=True, kw_only=True)
class SnapshotSummary:
    """A snapshot in the list; a leftover is a folder that an interrupted deletion has not finished.

    `started_at` is what the snapshot says; `stored_at` is S3's time of its manifest or progress file. One `from_future`
    was taken by a machine with a wrong clock. One that is not `trusted` has no anchor, and is not from before anchors.
    """

    name: str
    state: State
    started_at: datetime | None
    occasion: str
    release_version: str | None
    release_digest: str | None
    entries: int
    bytes: int
    copied_bytes: int
    pinned: bool
    locked_until: datetime | None
    stored_at: datetime | None = None
    from_future: bool = False
    trusted: bool = True


def list_snapshots(vault: Vault, *, newest: int | None = None) -> tuple[SnapshotSummary, ...]:
    """List all snapshots, oldest first; one that cannot be read is listed as damaged.

    `newest` limits the list to so many by the times in their names, and to those that are pinned.
    """
    now, found_files = vault.now(), vault.snapshots()
    if newest is not None:
        last = sorted(found_files, key=lambda files: time_in_name(files.name))[-newest:]
        found_files = tuple(files for files in found_files if files in last or files.is_pinned)
    vault.anchors.load(files.name for files in found_files if files.is_complete)
    listed = [
        replace(
            found,
            stored_at=files.stored_at,
            from_future=is_from_the_future(found.name, found.started_at, now),
            trusted=vault.is_trusted(files),
        )
        for files in found_files
        if (found := _summary(vault, files)) is not None
    ]
    return tuple(sorted(listed, key=_by_time))


def future_snapshots(vault: Vault) -> tuple[str, ...]:
    """Return the names that have a later time than S3, read from a listing only."""
    now = vault.now()
    return tuple(files.name for files in vault.snapshots() if is_from_the_future(files.name, None, now))


def sentence_on_future(env: str, names: Sequence[str]) -> str:
    """Return what snapshots from the future mean, for people."""
    them = "it" if len(names) == 1 else "them"
    return (
        f"From the future: {', '.join(names)}. A machine with a wrong clock took {them}: not the newest of {env}, not "
        "among the last that prune keeps, and not deleted."
    )


def newest_rollback_target(vault: Vault) -> Manifest | None:
    """Return the newest complete snapshot of an environment that is not known to be broken.

    Excluded are snapshots from before the first deployment, which would delete everything, those that a rollback took
    of the state it replaced, and those from the future. Raises VectoraError when a newer one was hidden or deleted.
    """
    anchored = vault.anchors.all()
    known = vault.manifests()
    wanted = [each for each in known if not each.is_empty and each.occasion.kind != "rollback"]
    if not wanted:
        return None
    complete = {files.name for files in vault.snapshots() if files.is_complete}
    lost = [each for each in anchored if each not in complete and time_in_name(each) > time_in_name(wanted[-1].name)]
    if lost:
        anchor = anchored[max(lost, key=time_in_name)]
        raise VectoraError(
            f"The newest snapshot may not be {wanted[-1].name}: {anchor.snapshot} was anchored on {minute(anchor.at)} "
            f"with version {anchor.version_id}, and was hidden or deleted since. Give the full name of a snapshot."
        )
    return wanted[-1]


def _by_time(each: SnapshotSummary) -> tuple[str, str, str]:
    # An unreadable snapshot has only its name; manifests distinguish snapshots of the same second.
    return time_in_name(each.name), each.started_at.isoformat() if each.started_at else "", each.name


def _summary(vault: Vault, files: SnapshotFiles) -> SnapshotSummary | None:
    """Return a snapshot in the list; None when it was deleted since its files were listed."""
    try:
        if files.is_complete:
            return _complete(vault.manifest(files.name), files)
        if PROGRESS in files.files and (progress := vault.progress(files.name)):
            return SnapshotSummary(
                name=files.name,
                state="incomplete",
                started_at=progress.started_at,
                occasion=progress.occasion.kind,
                release_version=None,
                release_digest=None,
                entries=sum(each.entries for each in progress.done.values()),
                bytes=sum(each.bytes for each in progress.done.values()),
                copied_bytes=progress.copied_bytes,
                pinned=files.is_pinned,
                locked_until=None,
            )
    except DamagedError:
        return _unreadable(files, "damaged")
    except NoSnapshotError:
        return None
    return _unreadable(files, "leftover")


def _complete(manifest: Manifest, files: SnapshotFiles) -> SnapshotSummary:
    return SnapshotSummary(
        name=manifest.name,
        state="complete",
        started_at=manifest.started_at,
        occasion=manifest.occasion.kind,
        release_version=manifest.release.version if manifest.release else None,
        release_digest=manifest.release.digest if manifest.release else None,
        entries=manifest.entries,
        bytes=manifest.bytes,
        copied_bytes=manifest.copied_bytes,
        pinned=files.is_pinned,
        locked_until=manifest.locked_until,
    )


def _unreadable(files: SnapshotFiles, state: State) -> SnapshotSummary:
    return SnapshotSummary(
        name=files.name,
        state=state,
        started_at=None,
        occasion="",
        release_version=None,
        release_digest=None,
        entries=0,
        bytes=0,
        copied_bytes=0,
        pinned=files.is_pinned,
        locked_until=None,
    )


def as_markdown(env: str, listed: Sequence[SnapshotSummary]) -> str:
    """Return a list, newest first, as a Markdown page such as docs/snapshots/ holds."""
    rows = "".join(
        f"| {as_code(each.name)} | {state_of(each)} | {_started(each)} | "
        f"{in_markdown(each.occasion)} | {in_markdown(each.release_version or '')} | {each.entries:,} | "
        f"{each.bytes:,} |\n"
        for each in listed
    )
    return (
        f"# Snapshots of {in_markdown(env)}\n\n"
        "| snapshot | state | taken (UTC) | occasion | release | files | bytes |\n"
        f"| --- | --- | --- | --- | --- | ---: | ---: |\n{rows}"
    )


def state_of(each: SnapshotSummary) -> str:
    """Return the state for people, with what sets the snapshot apart."""
    notes = (("pinned", each.pinned), ("from the future", each.from_future), ("no anchor", not each.trusted))
    return ", ".join((each.state, *(note for note, applies in notes if applies)))


def _started(each: SnapshotSummary) -> str:
    return minute(each.started_at, zone=False) if each.started_at else ""


def pin(vault: Vault, name: str, reason: str) -> Pin:
    """Protect a snapshot from pruning; raises VectoraError when no complete snapshot has that name.

    Raises BusyError when another operation, such as the deletion of this snapshot, holds the environment.
    """
    if not reason.strip():
        raise VectoraError(f"Give the reason to pin {name} (--reason): it is shown with the pin.")
    with vault.lease("pin of", name):
        vault.manifest(name)
        record = Pin(snapshot=name, reason=reason.strip(), pinned_at=vault.now())
        vault.write_file(name, PINNED, to_bytes(record))
    return record


def unpin(vault: Vault, name: str) -> None:
    """Remove the pin of a snapshot; raises VectoraError when it is not pinned, BusyError as `pin` does."""
    with vault.lease("unpin of", name):
        if vault.file(name, PINNED) is None:
            raise VectoraError(f"Snapshot {name} is not pinned: there is no pin to remove.")
        vault.hide_file(name, PINNED)
