"""Anchors of snapshots: digest and version of each manifest, recorded where no writer of the vault can write.

Each anchor is a parameter of Systems Manager, which is created and never overwritten. Only function promotion creates
anchors, after it has compared the snapshot with what is deployed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from vectora_ops.account import Account
from vectora_ops.names import ANCHORS, FIRST_ANCHOR, Names
from vectora_ops.remote import run_remotely
from vectora_ops.snapshots.manifest import DamagedError, Sha256
from vectora_ops.store_clock import CLOCK_MARGIN
from vectora_shared.aws_errors import error_code
from vectora_shared.errors import VectoraError

# GetParameters takes no more names (API reference).
NAMES_AT_ONCE = 10
# A parameter may be read as it was a moment ago.
READS, READ_PAUSE_SECONDS = 4, 1.0


class ForgedError(DamagedError):
    """A manifest is not the one that was recorded when its snapshot was taken."""


class NoAnchorError(VectoraError):
    """A snapshot has no anchor."""


class Anchor(BaseModel):
    """Record of a manifest: its snapshot, the SHA-256 of its bytes, and the version of its object."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    snapshot: str
    sha256: Sha256
    version_id: str | None
    at: AwareDatetime


class Anchors:
    """Anchors of the snapshots of one environment; what was read once is kept."""

    def __init__(self, account: Account, names: Names, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._ssm = account.client("ssm")
        self._names = names
        self._sleep = sleep
        self._known: dict[str, Anchor | None] = {}
        self._since: datetime | None = None

    def of(self, snapshot: str) -> Anchor | None:
        """Return the anchor of a snapshot, as it is now; raises ForgedError when the parameter holds none."""
        self.load((snapshot,))
        return self._known[snapshot]

    def known(self, snapshot: str) -> Anchor | None:
        """Return an anchor without a request when `load` looked for it before."""
        return self._known[snapshot] if snapshot in self._known else self.of(snapshot)

    def settled(self, snapshot: str) -> Anchor | None:
        """Return an anchor that may have been created a moment ago."""
        for _ in range(READS - 1):
            if (found := self.of(snapshot)) is not None:
                return found
            self._sleep(READ_PAUSE_SECONDS)
        return self.of(snapshot)

    def load(self, snapshots: Iterable[str]) -> None:
        """Read the anchors of snapshots by few requests; an anchor never changes, so none is read twice."""
        unknown = [each for each in snapshots if self._known.get(each) is None]
        for start in range(0, len(unknown), NAMES_AT_ONCE - 1):
            group = unknown[start : start + NAMES_AT_ONCE - 1]
            paths = {self._path(each): each for each in (FIRST_ANCHOR, *group)}
            found = self._ssm.get_parameters(Names=list(paths))["Parameters"]
            self._known |= dict.fromkeys(group)
            for each in found:
                self._note(paths[each["Name"]], each)

    def remember(self, anchor: Anchor) -> None:
        """Keep an anchor that was created just now."""
        self._known[anchor.snapshot] = anchor

    def all(self) -> Mapping[str, Anchor]:
        """Read all anchors again, and return them by snapshot."""
        self._known.clear()
        pages = self._ssm.get_paginator("get_parameters_by_path").paginate(Path=self._path("").rstrip("/"))
        for page in pages:
            for each in page["Parameters"]:
                self._note(each["Name"].rpartition("/")[2], each)
        return {snapshot: anchor for snapshot, anchor in self._known.items() if anchor is not None}

    @property
    def since(self) -> datetime | None:
        """Time of the first anchor that the environment ever had; None without one, or before any was read."""
        return self._since

    def expected_at(self, stored: datetime) -> bool:
        """Return whether a snapshot that was stored at this time should have an anchor, as far as anchors were read."""
        return self._since is not None and stored >= self._since - CLOCK_MARGIN

    def create(self, anchor: Anchor) -> Anchor:
        """Create an anchor and return it, or the same that exists; raises ForgedError when another one exists."""
        self.load((anchor.snapshot,))
        if self._since is None:
            self._put(FIRST_ANCHOR, "-", "When this environment began to anchor its snapshots")
        if not self._put(anchor.snapshot, anchor.model_dump_json(), "Manifest of a snapshot; never overwritten"):
            self._known.clear()
            existing = self.settled(anchor.snapshot)
            if existing is None or existing.sha256 != anchor.sha256:
                raise ForgedError(
                    f"Snapshot {anchor.snapshot} has an anchor of another manifest"
                    f"{f', of {existing.at.isoformat()}' if existing else ''}: an anchor is never replaced."
                )
            return existing
        self.remember(anchor)
        return anchor

    def delete(self, snapshot: str) -> None:
        """Delete the anchor of a snapshot that was deleted."""
        self._ssm.delete_parameter(Name=self._path(snapshot))
        self._known.pop(snapshot, None)

    def _put(self, name: str, value: str, description: str) -> bool:
        try:
            self._ssm.put_parameter(
                Name=self._path(name), Description=description, Type="String", Value=value, Overwrite=False
            )
        except ClientError as error:
            if error_code(error) != "ParameterAlreadyExists":
                raise
            return False
        return True

    def _note(self, snapshot: str, parameter: Mapping[str, Any]) -> None:
        if snapshot == FIRST_ANCHOR:
            self._since = parameter["LastModifiedDate"]
            return
        try:
            anchor = Anchor.model_validate_json(parameter["Value"])
        except ValidationError as error:
            raise ForgedError(
                f"SSM parameter {parameter['Name']} holds no anchor ({error.errors()[0]['msg']}): it was changed by "
                "hand, so what it recorded is unknown (aws ssm get-parameter-history)."
            ) from error
        self._known[snapshot] = anchor if anchor.snapshot == snapshot else None

    def _path(self, snapshot: str) -> str:
        return self._names.parameter(f"{ANCHORS}/{snapshot}")


def ask_for_anchor(account: Account, names: Names, snapshot: str) -> Anchor:
    """Let function promotion compare a snapshot with what is deployed, and anchor it."""
    event = {"operation": "anchor", "snapshot": snapshot}
    return Anchor.model_validate(run_remotely(account, names, "promotion", event, lambda count: None)["anchor"])


def ask_to_forget(account: Account, names: Names) -> None:
    """Let function promotion delete the anchors of deleted snapshots."""
    run_remotely(account, names, "promotion", {"operation": "forget-anchors"}, lambda count: None)
