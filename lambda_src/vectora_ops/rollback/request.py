"""Request and result of a rollback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from vectora_ops.smoke import SmokeResult
from vectora_ops.snapshots.manifest import COMPONENTS, Component

# The result is None without a canary client in the snapshot: then there is nothing to run.
SmokeTest = Callable[[], SmokeResult | None]


OPERATORS_REASON = "requested by an operator"


@dataclass(frozen=True, kw_only=True)
class RollbackResult:
    """Result of a rollback; `ignored` names newer versions in the vault that lie over the right ones."""

    snapshot: str
    env: str
    components: tuple[Component, ...]
    nothing_to_do: bool
    safety_snapshot: str | None
    stacks_changed: tuple[str, ...] = ()
    resources_recreated: tuple[str, ...] = ()
    objects_written: int = 0
    objects_deleted: int = 0
    smoke_test: SmokeResult | None = None
    seconds: float = 0.0
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RollbackRequest:
    """Request for a rollback.

    `reason`, `cause` and `replaced_since`, when another release was deployed, are for the ledger. `without_anchor` is
    an operator's reason to use a snapshot from before there were anchors.
    """

    snapshot: str
    components: tuple[Component, ...] = COMPONENTS
    owner: str | None = None  # may resume under its own lease
    reason: str = OPERATORS_REASON
    cause: Literal["operator", "failure"] = "operator"
    replaced_since: datetime | None = None
    without_anchor: str = ""
