"""Vault objects of a snapshot that is being taken."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor

from vectora_ops.snapshots.index import Slice
from vectora_ops.snapshots.object_store import Stored
from vectora_ops.snapshots.packing import Packs, PendingEntry
from vectora_ops.snapshots.vault import Vault


class UsedObjects:
    """Vault objects that a snapshot may reuse, those that it needs, and those that it added.

    Objects are known by their SHA-256; `usable` and `added` also hold their ETags. `new` are those added that were not
    in the vault at all: S3 locked them when they were written.
    """

    def __init__(self, vault: Vault, pool: ThreadPoolExecutor) -> None:
        self._vault = vault
        self._pool = pool
        self.usable: dict[str, str] = {}
        self.needed: set[str] = set()
        self.added: dict[str, str] = {}
        self.new: set[str] = set()
        self.copied_bytes = 0
        self.packs = Packs(self.store)
        # Files by content, so that a function's code that is also an asset of a stack is stored once.
        self.by_content: dict[str, PendingEntry] = {}

    def has(self, slices: tuple[Slice, ...]) -> bool:
        return all(each.sha256 in self.usable for each in slices)

    def store(self, body: bytes) -> Future[Stored]:
        """Store bytes unless they are known to be in the vault."""
        sha256 = hashlib.sha256(body).hexdigest()
        if sha256 in self.usable:
            known: Future[Stored] = Future()
            known.set_result(Stored(sha256, self.usable[sha256], is_new=False))
            return known
        return self._pool.submit(self._vault.store, body)

    def finish(self, stored: Future[Stored], size: int) -> str:
        """Wait until an object is stored, count it when it is new, and return its SHA-256."""
        found = stored.result()
        if found.sha256 not in self.usable:
            self.usable[found.sha256] = self.added[found.sha256] = found.etag
            if found.is_new:
                self.new.add(found.sha256)
                self.copied_bytes += size
        return found.sha256
