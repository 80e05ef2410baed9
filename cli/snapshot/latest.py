"""Full name of the snapshot that `latest` stands for."""

from __future__ import annotations

from cli.options import LATEST
from cli.target import Target
from vectora_ops.snapshots.catalog import list_snapshots, newest_rollback_target
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError


def full_name(target: Target, name: str) -> str:
    """Return the name of a snapshot; raise VectoraError when it is `latest` and there is none."""
    if name != LATEST:
        return name
    latest = newest_rollback_target(Vault(target.account, target.names))
    if latest is None:
        env = target.names.env
        raise VectoraError(
            f"There is no latest snapshot of {env}: latest skips empty snapshots and safety snapshots of rollbacks. "
            f"Give a full name (./vectora snapshot list --env {env})."
        )
    return latest.name


def interrupted_name(target: Target, name: str) -> str:
    """Return the name of an interrupted snapshot; raise VectoraError when it is `latest` and there is none."""
    if name != LATEST:
        return name
    listed = list_snapshots(Vault(target.account, target.names))
    incomplete = [each.name for each in listed if each.state == "incomplete"]
    if not incomplete:
        raise VectoraError(f"{target.names.env} has no interrupted snapshot to finish.")
    return incomplete[-1]
