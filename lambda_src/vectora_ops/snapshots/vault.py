"""Vault of an environment: bytes stored under their SHA-256, and snapshots that refer to them."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import groupby

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Clock, utc_now
from vectora_ops.snapshots.anchors import Anchor, Anchors, ForgedError, NoAnchorError
from vectora_ops.snapshots.index import IndexedEntry, entries_of
from vectora_ops.snapshots.lease import LEASE_KEY, Lease
from vectora_ops.snapshots.manifest import (
    NAME,
    ComponentRecord,
    DamagedError,
    Manifest,
    NoSnapshotError,
    Pin,
    Progress,
    from_bytes,
    is_from_the_future,
    read_manifest,
    time_in_name,
    to_bytes,
)
from vectora_ops.snapshots.object_lock import ObjectLock
from vectora_ops.snapshots.object_store import OBJECTS, ObjectStore
from vectora_ops.snapshots.objects import Response
from vectora_ops.snapshots.written_once import create_object
from vectora_ops.store_clock import StoreClock
from vectora_ops.times import minute
from vectora_ops.unknown_names import unknown_name

REFERENCE = re.compile(r"([0-9a-f]{64}) (\S+)")
DIGEST = re.compile(r"[0-9a-f]{64}")
SNAPSHOTS = "snapshots/"
MANIFEST, README, PROGRESS, PINNED = "manifest.json", "README.md", "progress.json", "pinned.json"
THREADS = 16


@dataclass(frozen=True, slots=True)
class VaultObject:
    sha256: str
    size: int
    etag: str
    modified: str  # an ISO timestamp


@dataclass(frozen=True)
class SnapshotFiles:
    """Names of the files that exist in the folder of one snapshot.

    `stored_at` is S3's time of its manifest, else of its progress file.
    """

    name: str
    files: frozenset[str]
    stored_at: datetime | None = None

    @property
    def is_complete(self) -> bool:
        return MANIFEST in self.files

    @property
    def is_pinned(self) -> bool:
        return PINNED in self.files


class Vault(ObjectStore):
    """The vault of one environment, or its copy in another bucket."""

    def __init__(self, account: Account, names: Names, *, bucket: str | None = None) -> None:
        """Open the vault, or its copy in `bucket`; raises VectoraError when the environment has none."""
        super().__init__(account, bucket or names.bucket("snapshots"))
        self.names = names
        self._clock = StoreClock(lambda: self._s3.get_object_lock_configuration(Bucket=self.bucket))
        self._object_lock = ObjectLock(self._s3, self.bucket, names)
        self.anchors = Anchors(account, names)
        # Sentences on the snapshots whose manifest has a newer version than the anchored one.
        self.newer_manifests: dict[str, str] = {}

    @property
    def lock_days(self) -> int | None:
        """Days for which new objects are locked, None without Object Lock."""
        return self._object_lock.days

    def now(self) -> datetime:
        """Return the time by S3's clock, which decides about all times in the vault."""
        return self._clock()

    def lease(self, operation: str, subject: str, *, clock: Clock = utc_now) -> Lease:
        """Return the lease for an operation that changes nothing in the environment."""
        return Lease(
            self._account, self.names, operation=operation, subject=subject, keeps_predecessor=True, clock=clock
        )

    def lease_mark(self) -> str | None:
        """Return a mark of the lease that differs after each operation; None while an operation holds the lease."""
        return self.lease("", "").mark()

    # --- objects

    def objects(self) -> Iterator[VaultObject]:
        """Yield the vault objects, without stray files beside them."""
        for found in self._reader.listed(OBJECTS):
            name = found.key.removeprefix(OBJECTS)
            if DIGEST.fullmatch(name):
                yield VaultObject(name, found.size, found.etag, found.modified)

    def replication_status(self, key: str) -> str | None:
        """Return how far S3 is with the replication of an object, such as FAILED; None when it replicates none."""
        return self._reader.head(key).headers.get("x-amz-replication-status")

    def strays(self) -> Iterator[str]:
        """Yield the keys in the vault that belong neither to its format nor to the folder of a snapshot."""
        for found in self._reader.listed(""):
            if not _belongs_here(found.key):
                yield found.key

    def lock(self, sha256s: Iterable[str], until: datetime) -> None:
        """Extend Object Lock on these objects; raises MissingError when one is missing.

        Raises VectoraError for a lock that lasts longer than the vault's own rule.
        """
        self._object_lock.check(until)
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda sha256: self._object_lock.extend(OBJECTS + sha256, until), sha256s):
                pass

    def delete(self, sha256s: Iterable[str]) -> set[str]:
        """Delete all versions of objects; return those that are deleted, without those that are still locked."""
        wanted = list(sha256s)
        with ThreadPoolExecutor(THREADS) as pool:
            retained = list(pool.map(lambda sha256: self._object_lock.delete_versions(OBJECTS + sha256), wanted))
        return {sha256 for sha256, versions in zip(wanted, retained, strict=True) if not versions}

    # --- snapshots

    def snapshots(self) -> tuple[SnapshotFiles, ...]:
        """Return the files of every snapshot, sorted by the snapshot's name; other folders are no snapshots."""
        found: dict[str, dict[str, str]] = {}
        for item in self._reader.listed(SNAPSHOTS):
            name, _, file = item.key.removeprefix(SNAPSHOTS).partition("/")
            if NAME.fullmatch(name) and file:
                found.setdefault(name, {})[file] = item.modified
        return tuple(_files_of(name, found[name]) for name in sorted(found))

    def manifests(self) -> tuple[Manifest, ...]:
        """Return all complete snapshots that have an anchor, oldest first, without those from the future.

        Damaged ones are excluded too; `verify` reports them.
        """
        now = self.now()
        found = self._readable(files.name for files in self.snapshots() if files.is_complete)
        return tuple(each for each in found if not is_from_the_future(each.name, each.started_at, now))

    def _readable(self, names: Iterable[str]) -> list[Manifest]:
        listed, found = list(names), []
        self.anchors.load(listed)
        for name in listed:
            # A snapshot that was listed may be deleted by now.
            with contextlib.suppress(DamagedError, NoSnapshotError):
                if self.anchors.known(name) is not None:
                    found.append(self.manifest(name))
        return sorted(found, key=lambda manifest: (manifest.started_at, manifest.name))

    def newest(
        self, count: int, among: Iterable[SnapshotFiles] | None = None, *, now: datetime | None = None
    ) -> list[Manifest]:
        """Return at most `count` complete snapshots with an anchor whose manifests can be read, newest first.

        Those from the future are excluded. `among` are the snapshots when the caller has listed them already, `now` is
        S3's time when the caller knows it.
        """
        now = now or self.now()
        complete = [files.name for files in among or self.snapshots() if files.is_complete]
        past = [name for name in complete if not is_from_the_future(name, None, now)]
        found: list[Manifest] = []
        for _, of_a_second in groupby(sorted(past, key=time_in_name, reverse=True), key=time_in_name):
            readable = self._readable(of_a_second)
            found += reversed([each for each in readable if not is_from_the_future(each.name, each.started_at, now)])
            if len(found) >= count:
                break
        return found[:count]

    def manifest(self, name: str) -> Manifest:
        """Return a manifest; raises NoSnapshotError when no complete snapshot has that name, DamagedError when damaged.

        A manifest that was copied into another folder, or from another vault, is damaged too. With an anchor, it is the
        version that the anchor names, also below a newer one; raises ForgedError when that one is gone.
        """
        key = f"{SNAPSHOTS}{name}/{MANIFEST}"
        newest = self._reader.get(key)
        if not newest.found:
            raise self._no_manifest(name)
        anchor = self.anchors.known(name)
        return self.parsed(name, self._anchored(anchor, newest) if anchor else newest.body)

    def parsed(self, name: str, body: bytes) -> Manifest:
        """Read the bytes of a snapshot's manifest; raises DamagedError."""
        key = f"{SNAPSHOTS}{name}/{MANIFEST}"
        manifest = read_manifest(key, body)
        if (manifest.name, manifest.env, manifest.project) != (name, self.names.env, self.names.project):
            raise DamagedError(
                f"{key} is the snapshot {manifest.name} of environment {manifest.env} of {manifest.project}, "
                f"not of {self.names.env} of {self.names.project}: it is not used here."
            )
        return manifest

    def _anchored(self, anchor: Anchor, newest: Response) -> bytes:
        """Return the bytes of the manifest that an anchor names."""
        if _sha256(newest.body) == anchor.sha256:
            return newest.body
        key = f"{SNAPSHOTS}{anchor.snapshot}/{MANIFEST}"
        was = f"version {anchor.version_id}, recorded on {minute(anchor.at)} with SHA-256 {anchor.sha256[:12]}"
        now = (
            f"version {newest.version_id}, stored on {minute(_stored_at(newest))} with SHA-256 "
            f"{_sha256(newest.body)[:12]}"
        )
        right = self._reader.get(key, version_id=anchor.version_id) if anchor.version_id else Response(found=False)
        if not right.found or _sha256(right.body) != anchor.sha256:
            raise ForgedError(
                f"{key} is damaged or forged: it is {now}, but its anchor names {was}, which is not in the vault."
            )
        self.newer_manifests[anchor.snapshot] = f"{now}, is over the right one: {was}"
        return right.body

    def anchored_manifest(self, name: str, without_anchor: str = "") -> Manifest:
        """Return a manifest to which an environment may be rolled back.

        Raises NoAnchorError for a snapshot without an anchor, unless there is a reason to use it `without_anchor` and
        it is from before the first anchor.
        """
        is_anchored = self.anchors.of(name) is not None
        manifest = self.manifest(name)
        if is_anchored:
            return manifest
        stored, env = self.stored_at(name), self.names.env
        if self.anchors.since and self.anchors.expected_at(stored):
            what = f"Anchors exist since {minute(self.anchors.since)}: it is forged, or its end was interrupted"
        elif without_anchor:
            return manifest
        else:
            what = (
                "It is from before anchors existed, or forged. If you know that it is right, use it: "
                f"./vectora rollback --env {env} --snapshot {name} --without-anchor REASON"
            )
        raise NoAnchorError(
            f"Snapshot {name} of {env}, stored on {minute(stored)}, has no anchor, so nothing was changed. {what}."
        )

    def is_trusted(self, files: SnapshotFiles) -> bool:
        """Return whether a snapshot has its anchor, or is incomplete, or from before the first anchor."""
        if not files.is_complete or self.anchors.known(files.name) is not None:
            return True
        return files.stored_at is not None and not self.anchors.expected_at(files.stored_at)

    def stored_at(self, name: str) -> datetime:
        """Return S3's time of the newest version of a manifest, which no writer chooses."""
        found = self._reader.head(f"{SNAPSHOTS}{name}/{MANIFEST}")
        if not found.found:
            raise self._no_manifest(name)
        return _stored_at(found)

    def newest_manifest(self, name: str) -> tuple[bytes, str | None]:
        """Return the bytes of the manifest that the vault has now, and the id of their version."""
        found = self._reader.get(f"{SNAPSHOTS}{name}/{MANIFEST}")
        if not found.found:
            raise self._no_manifest(name)
        return found.body, found.version_id

    def _no_manifest(self, name: str) -> NoSnapshotError:
        if self.file(name, PROGRESS) is not None:
            return NoSnapshotError(
                f"Snapshot {name} of {self.names.env} is incomplete: resume it "
                f"(./vectora snapshot create --env {self.names.env} --resume {name}) or choose another."
            )
        newest_first = reversed([files.name for files in self.snapshots() if files.is_complete])
        return NoSnapshotError(unknown_name("snapshot", name, newest_first, where=f"in {self.bucket}"))

    def progress(self, name: str) -> Progress | None:
        body = self.file(name, PROGRESS)
        return None if body is None else from_bytes(Progress, f"{SNAPSHOTS}{name}/{PROGRESS}", body)

    def pin(self, name: str) -> Pin | None:
        body = self.file(name, PINNED)
        return None if body is None else from_bytes(Pin, f"{SNAPSHOTS}{name}/{PINNED}", body)

    def file(self, name: str, file: str) -> bytes | None:
        response = self._reader.get(f"{SNAPSHOTS}{name}/{file}")
        return response.body if response.found else None

    def write_progress(self, progress: Progress) -> None:
        """Write the progress of a snapshot; it is not read back, because a damaged one only costs time."""
        self._write(progress.name, PROGRESS, to_bytes(progress))

    def write_file(self, name: str, file: str, body: bytes) -> None:
        """Write a file of a snapshot and read it back."""
        self._write(name, file, body)
        self._require_stored(name, file, body)

    def write_manifest(self, name: str, body: bytes) -> None:
        """Write the manifest of a snapshot, once, and read it back."""
        key = f"{SNAPSHOTS}{name}/{MANIFEST}"
        # None too when an answer was lost: botocore's second attempt then finds the first one's manifest.
        create_object(self._s3, self.bucket, key, Body=body, ContentType=_content_type(MANIFEST))
        self._require_stored(name, MANIFEST, body)

    def _require_stored(self, name: str, file: str, body: bytes) -> None:
        if self.file(name, file) != body:
            raise DamagedError(f"{SNAPSHOTS}{name}/{file} did not read back as it was written to {self.bucket}.")

    def _write(self, name: str, file: str, body: bytes) -> None:
        self._s3.put_object(
            Bucket=self.bucket, Key=f"{SNAPSHOTS}{name}/{file}", Body=body, ContentType=_content_type(file)
        )

    def hide_file(self, name: str, file: str) -> None:
        """Hide a file behind a delete marker; its locked versions stay in the bucket."""
        self._s3.delete_object(Bucket=self.bucket, Key=f"{SNAPSHOTS}{name}/{file}")

    def delete_folder(self, name: str) -> int:
        """Delete all versions of a snapshot's files and return how many Object Lock still retains."""
        return self._object_lock.delete_versions(f"{SNAPSHOTS}{name}/")

    def entries(self, record: ComponentRecord | None, after: str = "") -> Iterator[IndexedEntry]:
        """Yield the entries of a component after a path, one part in memory at a time; raises DamagedError."""
        for part in record.parts if record else ():
            if part.last > after:
                for entry, line in entries_of(self.read_once(part.index)):
                    if entry.path > after:
                        yield entry, line

    def references(self, manifest: Manifest) -> dict[str, str]:
        """Return the ETags of all objects that the snapshot needs, by SHA-256, except for this list itself."""
        return references_in(self.read_once(manifest.references))

    def needed_objects(self, files: SnapshotFiles) -> set[str]:
        """Return the SHA-256 of all objects that a complete or interrupted snapshot needs; raises DamagedError."""
        if files.is_complete:
            manifest = self.manifest(files.name)
            return {*self.references(manifest), manifest.references}
        progress = self.progress(files.name)
        return set(progress.stored) if progress else set()


def _content_type(file: str) -> str:
    return f"{'text/markdown' if file.endswith('.md') else 'application/json'}; charset=utf-8"


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _stored_at(response: Response) -> datetime:
    return parsedate_to_datetime(response.headers["last-modified"]).astimezone(UTC)


def _belongs_here(key: str) -> bool:
    folder, _, rest = key.partition("/")
    name, _, file = rest.partition("/")
    match f"{folder}/":
        case "objects/":
            return DIGEST.fullmatch(rest) is not None
        case "snapshots/":
            return bool(NAME.fullmatch(name) and file)
        case _:
            return key == LEASE_KEY


def _files_of(name: str, modified: Mapping[str, str]) -> SnapshotFiles:
    written = modified.get(MANIFEST) or modified.get(PROGRESS)
    return SnapshotFiles(name, frozenset(modified), datetime.fromisoformat(written) if written else None)


def references_in(body: bytes) -> dict[str, str]:
    """Return the ETags by SHA-256 of a list of references; raises DamagedError when it is none."""
    found: dict[str, str] = {}
    for line in body.decode("latin-1").splitlines():
        match = REFERENCE.fullmatch(line)
        if match is None:
            raise DamagedError(f"A list of references is damaged: it has the line '{line[:80]}'.")
        found[match[1]] = match[2]
    return found
