"""Anchors of the environment's snapshots, created by a role that cannot write the vault."""

from __future__ import annotations

import hashlib

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Clock, utc_now
from vectora_ops.snapshots.anchors import Anchor, ForgedError
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.manifest import STACK_COMPONENTS, Manifest
from vectora_ops.snapshots.vault import Vault
from vectora_ops.withholding_key import own_withholding_key


def anchor_snapshot(account: Account, names: Names, snapshot: str, *, clock: Clock = utc_now) -> Anchor:
    """Create the anchor of the manifest that the vault has now, and return it; the same manifest keeps the one it has.

    Raises ForgedError when the snapshot does not say what is deployed, so that no writer of the vault gets an anchor
    for stacks or functions that it invented.
    """
    vault = Vault(account, names)
    body, version_id = vault.newest_manifest(snapshot)
    anchor = Anchor(snapshot=snapshot, sha256=hashlib.sha256(body).hexdigest(), version_id=version_id, at=clock())
    if vault.anchors.of(snapshot) is None:
        require_deployed(vault, Environment(account, names, key=own_withholding_key), vault.parsed(snapshot, body))
    return vault.anchors.create(anchor)


def require_deployed(vault: Vault, environment: Environment, manifest: Manifest) -> None:
    """Raise ForgedError when the stacks, functions, layers or release of a snapshot are not those that are deployed."""
    change = next(with_live(vault, environment, manifest, STACK_COMPONENTS, with_text=False), None)
    if change is not None:
        raise ForgedError(
            f"Snapshot {manifest.name} is not what is deployed in {manifest.env}: {change.component}: {change.path} "
            f"was {change.kind}. It was changed since, or the snapshot is forged: take another one."
        )


def forget_anchors(account: Account, names: Names) -> tuple[str, ...]:
    """Delete the anchors of snapshots that the vault no longer has, and return the names of these."""
    vault = Vault(account, names)
    anchored = vault.anchors.all()
    complete = {files.name for files in vault.snapshots() if files.is_complete}
    forgotten = tuple(sorted(set(anchored) - complete))
    for snapshot in forgotten:
        vault.anchors.delete(snapshot)
    return forgotten
