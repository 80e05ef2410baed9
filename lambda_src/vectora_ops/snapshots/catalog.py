"""The list of an environment's snapshots, and the pins that keep some of them for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from vectora_ops.plain_text import as_code, in_markdown
from vectora_ops.progress import Clock, utc_now
from vectora_ops.snapshots.manifest import DamagedError, Manifest, Pin, time_in_name, to_bytes
from vectora_ops.snapshots.vault import PINNED, PROGRESS, Files, Vault
from vectora_shared.errors import VectoraError

State = Literal["complete", "incomplete", "damaged", "leftover"]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A snapshot in the list; a leftover is what an interrupted removal has not removed yet."""

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


def list_snapshots(vault: Vault) -> tuple[Listed, ...]:
    """Oldest first; what cannot be read is listed as damaged."""
    listed = [_listed(vault, files) for files in vault.snapshots()]
    return tuple(sorted(listed, key=_age))


def newest_to_return_to(vault: Vault) -> Manifest | None:
    """The newest complete snapshot of something that worked for all we know.

    Not one from before the first deployment, which would remove everything, nor one of what a rollback found broken.
    """
    wanted = [each for each in vault.manifests() if not each.is_empty and each.occasion.kind != "rollback"]
    return wanted[-1] if wanted else None


def _age(each: Listed) -> tuple[str, str, str]:
    # What cannot be read has its name only; two of the same second are told apart by their manifests.
    return time_in_name(each.name), each.started_at.isoformat() if each.started_at else "", each.name


def _listed(vault: Vault, files: Files) -> Listed:
    try:
        if files.is_complete:
            return _complete(vault.manifest(files.name), files)
        if PROGRESS in files.files and (progress := vault.progress(files.name)):
            return Listed(
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
    return _unreadable(files, "leftover")


def _complete(manifest: Manifest, files: Files) -> Listed:
    return Listed(
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


def _unreadable(files: Files, state: State) -> Listed:
    return Listed(
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


def as_markdown(env: str, listed: Sequence[Listed]) -> str:
    """The index that the owner keeps in docs/snapshots/, newest first."""
    rows = "".join(
        f"| {as_code(each.name)} | {each.state}{', pinned' if each.pinned else ''} | {_minute(each.started_at)} | "
        f"{in_markdown(each.occasion)} | {in_markdown(each.release_version or '')} | {each.entries:,} | "
        f"{each.bytes:,} |\n"
        for each in reversed(listed)
    )
    return (
        f"# Snapshots of {in_markdown(env)}\n\n"
        "| snapshot | state | taken (UTC) | occasion | release | entries | bytes |\n"
        f"| --- | --- | --- | --- | --- | ---: | ---: |\n{rows}"
    )


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def pin(vault: Vault, name: str, reason: str, *, clock: Clock = utc_now) -> Pin:
    """Keep a snapshot from ever being pruned; raises VectoraError when there is no complete one of that name."""
    if not reason.strip():
        raise VectoraError(f"Say why {name} is pinned (--reason): whoever finds the pin in a year will want to know.")
    vault.manifest(name)
    record = Pin(snapshot=name, reason=reason.strip(), pinned_at=clock())
    vault.write_file(name, PINNED, to_bytes(record))
    return record


def unpin(vault: Vault, name: str) -> None:
    """Raises VectoraError when the snapshot is not pinned."""
    if vault.file(name, PINNED) is None:
        raise VectoraError(f"Snapshot {name} is not pinned: there is nothing to take away.")
    vault.hide_file(name, PINNED)
