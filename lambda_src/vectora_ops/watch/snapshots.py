"""Age of the newest usable snapshot, and snapshots that no rollback can use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.notifications import REFUSED_SNAPSHOT
from vectora_ops.snapshots.manifest import DamagedError, NoSnapshotError
from vectora_ops.snapshots.vault import SnapshotFiles, Vault
from vectora_ops.watch.reading import Reading
from vectora_shared.notifications import Notification

HOUR_SECONDS = 3600
# Their objects are looked for in a listing; manifests of all are compared with their anchors.
SNAPSHOTS_WITH_OBJECTS = 5
# In commands; the message names all.
NAMED_SNAPSHOTS = 3


def snapshot_age(account: Account, names: Names) -> Reading:
    """Return the hours since the newest snapshot was complete: every byte of it was read back, and it has its anchor.

    Without any, the age of the environment's first anchor is a lower bound; a new environment has neither.
    """
    vault = Vault(account, names)
    now = vault.now()
    newest = next(iter(vault.newest(1, now=now)), None)
    since = newest.completed_at if newest else _first_anchor(vault)
    if since is None:
        return Reading(value=None, why=f"{names.env} has no snapshot yet")
    return Reading(value=round((now - since).total_seconds() / HOUR_SECONDS, 2))


def _first_anchor(vault: Vault) -> datetime | None:
    vault.anchors.all()
    return vault.anchors.since


def damaged_snapshots(account: Account, names: Names) -> Reading:
    """Count the snapshots whose manifest is damaged, forged, hidden or without its anchor, or whose objects are gone.

    No object is read: `./vectora snapshot verify` and each rollback read every byte.
    """
    vault = Vault(account, names)
    before = vault.lease_mark()
    problems = dict(_problems(vault))
    if problems and (before is None or before != vault.lease_mark()):
        # A new snapshot has no anchor for a moment, and a pruned one still has its own.
        return Reading(value=None, why="another operation changes the vault")
    return Reading(value=len(problems), found=(_damaged(names.env, problems),) if problems else ())


def _problems(vault: Vault) -> Iterator[tuple[str, str]]:
    """Yield name and problem of each damaged snapshot."""
    anchored = vault.anchors.all()
    listed = vault.snapshots()
    complete = [each for each in listed if each.is_complete]
    usable = []
    for files in complete:
        if problem := _problem_of_manifest(vault, files):
            yield files.name, problem
        else:
            usable.append(files)
    known = {each.name for each in complete}
    for name in sorted(set(anchored) - known):
        yield name, "its manifest was hidden or deleted"
    yield from _without_objects(vault, usable[-SNAPSHOTS_WITH_OBJECTS:])


def _problem_of_manifest(vault: Vault, files: SnapshotFiles) -> str:
    try:
        vault.manifest(files.name)
    except DamagedError as error:
        return str(error)
    except NoSnapshotError:
        # Pruned since it was listed.
        return ""
    return "" if vault.is_trusted(files) else "it has no anchor, although anchors existed when it was stored"


def _without_objects(vault: Vault, snapshots: list[SnapshotFiles]) -> Iterator[tuple[str, str]]:
    stored = {each.sha256 for each in vault.objects()}
    for files in snapshots:
        try:
            missing = vault.needed_objects(files) - stored
        except (DamagedError, NoSnapshotError) as error:
            yield files.name, str(error)
            continue
        if missing:
            yield files.name, f"{len(missing)} of its objects are not in the vault any more"


def _damaged(env: str, problems: Mapping[str, str]) -> Notification:
    count = "1 snapshot is damaged" if len(problems) == 1 else f"{len(problems)} snapshots are damaged"
    return Notification(
        what=count,
        happened=f"In {env} {count}, so no rollback can use them.",
        details=tuple(f"{name}: {problem}" for name, problem in sorted(problems.items())),
        commands=(
            *(f"./vectora snapshot verify {name} --env {env}" for name in sorted(problems)[:NAMED_SNAPSHOTS]),
            f"./vectora snapshot create --env {env} --name after_damage",
        ),
        runbook=REFUSED_SNAPSHOT,
    )
