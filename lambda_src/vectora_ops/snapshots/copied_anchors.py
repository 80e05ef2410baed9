"""Anchors in the copy of a vault, which outlive the account whose function promotion created them.

Only that function writes objects below `anchors/` in the copy, and none of them is ever replaced: the bucket's policy
(stacks.permissions.backup) denies everything else, also to the writers of the vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import ValidationError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.snapshots.anchors import Anchor, Anchors, ForgedError
from vectora_ops.snapshots.objects import ListedObject, ObjectReader
from vectora_ops.snapshots.written_once import create_object

PREFIX = "anchors/"


def copy_anchor(account: Account, names: Names, region: str, anchor: Anchor) -> None:
    """Write an anchor into the copy; one that exists is left as it is."""
    create_object(
        account.in_region(region).client("s3"),
        names.copy_bucket("snapshots-copy"),
        key_of(anchor.snapshot),
        Body=anchor.model_dump_json().encode("utf-8"),
        ContentType="application/json; charset=utf-8",
    )


def key_of(snapshot: str) -> str:
    return f"{PREFIX}{snapshot}.json"


class CopiedAnchors(Anchors):
    """Anchors of a copy, read from its bucket."""

    def __init__(self, account: Account, names: Names, bucket: str) -> None:
        super().__init__(account, names)
        self._reader = ObjectReader(account, bucket)
        self._is_listed = False

    def load(self, snapshots: Iterable[str]) -> None:
        """Read the anchors of snapshots; the first call lists all that the copy has."""
        if not self._is_listed:
            first = min((datetime.fromisoformat(each.modified) for each in self._listed()), default=None)
            # The time of a manifest, from a HEAD request, has whole seconds.
            self._since = first.replace(microsecond=0) if first else None
            self._is_listed = True
        for snapshot in snapshots:
            if snapshot not in self._known:
                self._known[snapshot] = self._read(snapshot)

    def all(self) -> Mapping[str, Anchor]:
        """Return all anchors by snapshot."""
        self.load(each.key.removeprefix(PREFIX).removesuffix(".json") for each in self._listed())
        return {snapshot: anchor for snapshot, anchor in self._known.items() if anchor is not None}

    def _listed(self) -> list[ListedObject]:
        return list(self._reader.listed(PREFIX))

    def _read(self, snapshot: str) -> Anchor | None:
        found = self._reader.get(key_of(snapshot))
        if not found.found:
            return None
        try:
            anchor = Anchor.model_validate_json(found.body)
        except ValidationError as error:
            raise ForgedError(f"{key_of(snapshot)} in {self._reader.bucket} holds no anchor: it is damaged.") from error
        return anchor if anchor.snapshot == snapshot else None
