"""Rehearsal of a restore: a snapshot's files, restored to a scratch prefix by the code of a rollback and compared."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.lost_text import describe_lost_text, lost_text_paths
from vectora_ops.cloudformation.templates import parse_template
from vectora_ops.names import Names
from vectora_ops.progress import Advance, Clock, Observer, utc_now
from vectora_ops.rollback.content import DELETED_AT_ONCE, IN_FLIGHT, NOT_IN_XML, EntryWriter
from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.manifest import COMPONENTS, Component, DamagedError, Manifest
from vectora_ops.snapshots.object_metadata import metadata_in
from vectora_ops.snapshots.object_store import CHUNK_BYTES
from vectora_ops.snapshots.objects import ObjectReader
from vectora_ops.snapshots.pack_reads import entry_bytes
from vectora_ops.snapshots.vault import THREADS, Vault
from vectora_shared.aws_errors import error_code, error_message, is_absent
from vectora_shared.errors import VectoraError

SCRATCH = "restore-rehearsal/"
# CloudFormation validates longer templates only from a bucket (ValidateTemplate, API reference).
LONGEST_TEMPLATE_BYTES = 51_200
# S3 user guide, "Naming Amazon S3 objects".
LONGEST_KEY_BYTES = 1024


@dataclass(frozen=True, kw_only=True)
class RestoreRehearsal:
    """Result of a rehearsal; `prefix` was deleted again, `problems` name files that differ from the snapshot."""

    snapshot: str
    prefix: str
    entries: int
    bytes: int
    problems: tuple[str, ...]

    @property
    def restorable(self) -> bool:
        return not self.problems


def rehearse_restore(
    account: Account, names: Names, snapshot: str, *, observer: Observer | None = None, clock: Clock = utc_now
) -> RestoreRehearsal:
    """Restore every file of a snapshot below a scratch prefix of the data bucket, compare it, and delete the copies.

    Raises VectoraError when there is no such snapshot or no data bucket, BusyError when another operation holds the
    environment.
    """
    vault = Vault(account, names)
    # A mistyped name is refused even while the environment is busy.
    vault.anchored_manifest(snapshot)
    with vault.lease("restore rehearsal of", snapshot, clock=clock) as lease:
        # The name is checked again: it may have been deleted before this operation got the lease.
        return _Rehearsal(account, names, vault, vault.anchored_manifest(snapshot), lease, observer or Observer()).run()


class _Rehearsal:
    def __init__(
        self, account: Account, names: Names, vault: Vault, manifest: Manifest, lease: Lease, observer: Observer
    ) -> None:
        self._vault = vault
        self._manifest = manifest
        self._lease = lease
        self._observer = observer
        self._s3 = account.client("s3")
        self._cloudformation = account.client("cloudformation")
        self._bucket = names.bucket("data")
        self._reader = ObjectReader(account, self._bucket)
        self._writer = EntryWriter(self._s3, self._vault, self._bucket)
        self._prefix = f"{SCRATCH}{manifest.name}/"
        self._problems: list[str] = []
        self._entries = 0
        self._bytes = 0

    def run(self) -> RestoreRehearsal:
        try:
            # Files left behind by an interrupted rehearsal would be taken for those of this one.
            self._clean()
            for component in COMPONENTS:
                self._observer.step(component)
                self._component(component)
        finally:
            self._clean()
        return RestoreRehearsal(
            snapshot=self._manifest.name,
            prefix=f"s3://{self._bucket}/{self._prefix}",
            entries=self._entries,
            bytes=self._bytes,
            problems=tuple(self._problems),
        )

    def _component(self, component: Component) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            working: deque[Future[str | None]] = deque()
            for entry, body in entry_bytes(self._vault, self._readable_entries(component)):
                self._lease.renew()
                if len(working) >= IN_FLIGHT:
                    self._add_problem(working.popleft().result())
                working.append(pool.submit(self._restore_and_compare, component, entry, body))
                self._entries, self._bytes = self._entries + 1, self._bytes + entry.size
            while working:
                self._add_problem(working.popleft().result())
        self._observer.advance(Advance(component, self._entries, self._bytes, self._bytes))

    def _readable_entries(self, component: Component) -> Iterator[Entry]:
        try:
            for entry, _ in self._vault.entries(self._manifest.components[component]):
                yield entry
        except DamagedError as error:
            self._problems.append(f"{component}: {error}")

    def _add_problem(self, problem: str | None) -> None:
        if problem:
            self._problems.append(problem)

    def _restore_and_compare(self, component: Component, entry: Entry, body: bytes | None) -> str | None:
        key = self._scratch_key(component, entry)
        try:
            # In the default storage class: others are charged for a month or more, and some cannot be read back.
            self._writer.write(replace(entry, storage_class=None), key, body)
        except DamagedError as error:
            return f"{component}: {error}"
        digest = hashlib.sha256()
        for start in range(0, entry.size, CHUNK_BYTES):
            digest.update(self._reader.get(key, byte_range=(start, min(CHUNK_BYTES, entry.size - start))).body)
        if digest.hexdigest() != entry.sha256:
            return f"{component}: {entry.path} differs after it was restored."
        if entry.metadata is not None and not self._has_metadata_of(entry, key):
            return f"{component}: {entry.path} has other metadata or tags after it was restored."
        if component == "stacks" and entry.path.endswith("/template"):
            return self._validate(entry)
        return None

    def _scratch_key(self, component: Component, entry: Entry) -> str:
        """Return the key of a copy: short enough, and one that DeleteObjects takes."""
        key = f"{self._prefix}{component}/{entry.path}"
        if len(key.encode("utf-8")) <= LONGEST_KEY_BYTES and not NOT_IN_XML.search(key):
            return key
        return f"{self._prefix}{component}/{hashlib.sha256(entry.path.encode('utf-8')).hexdigest()}"

    def _has_metadata_of(self, entry: Entry, key: str) -> bool:
        found = self._reader.head(key)
        same = (found.content_type, metadata_in(found.headers)) == (entry.content_type, entry.metadata)
        return same and (not entry.tags or self._reader.tags(key) == entry.tags)

    def _validate(self, entry: Entry) -> str | None:
        """Return a problem if CloudFormation does not accept the template."""
        template = self._vault.bytes_of(entry).decode("utf-8")
        if doubtful := lost_text_paths(parse_template(template)):
            return f"stacks: {describe_lost_text(entry.path.partition('/')[0], doubtful)}."
        if len(template.encode("utf-8")) > LONGEST_TEMPLATE_BYTES:
            return None
        try:
            self._cloudformation.validate_template(TemplateBody=template)
        except ClientError as error:
            # Other errors, such as a missing permission, are not about the template.
            if error_code(error) != "ValidationError":
                raise
            return f"stacks: {entry.path}: CloudFormation does not accept it: {error_message(error)}"
        return None

    def _clean(self) -> None:
        # A new holder of the lease may be rehearsing the same snapshot below the same prefix.
        self._lease.confirm()
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=self._prefix)
        versions: list[dict[str, Any]] = []
        try:
            for page in pages:
                found = (*page.get("Versions", []), *page.get("DeleteMarkers", []))
                versions += [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        except ClientError as error:
            if not is_absent(error, "bucket"):
                raise
            raise VectoraError(
                f"There is no bucket {self._bucket} to rehearse a restore in: deploy the environment first."
            ) from error
        for start in range(0, len(versions), DELETED_AT_ONCE):
            group = versions[start : start + DELETED_AT_ONCE]
            self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": group, "Quiet": True})
