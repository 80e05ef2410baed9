"""The vault of an environment: bytes under the name of their SHA-256, snapshots beside them, all under Object Lock."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.snapshots.index import Entry, entries_of
from vectora_ops.snapshots.lease import store_time
from vectora_ops.snapshots.manifest import (
    ComponentRecord,
    DamagedError,
    Manifest,
    MissingError,
    Pin,
    Progress,
    from_bytes,
    read_manifest,
    time_in_name,
)
from vectora_ops.snapshots.objects import ObjectReader
from vectora_shared.aws_errors import error_code, error_message, is_absent
from vectora_shared.errors import VectoraError

OBJECTS = "objects/"
SNAPSHOTS = "snapshots/"
MANIFEST, README, PROGRESS, PINNED = "manifest.json", "README.md", "progress.json", "pinned.json"
# Larger files are cut at this length, so that memory does not grow with them; S3 wants parts of 5 MiB at least.
CHUNK_BYTES = 8 * 1024 * 1024
THREADS = 16
DAYS_OF_A_YEAR = 365
# Between the machine's clock, which names a snapshot's time, and S3's; S3 refuses requests signed 15 minutes off.
LOCK_MARGIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class VaultObject:
    sha256: str
    size: int
    etag: str
    modified: str  # an ISO timestamp


@dataclass(frozen=True)
class Files:
    """The files of one snapshot's folder, and which of them there are."""

    name: str
    files: frozenset[str]

    @property
    def is_complete(self) -> bool:
        return MANIFEST in self.files

    @property
    def is_pinned(self) -> bool:
        return PINNED in self.files


class Vault:
    def __init__(self, account: Account, names: Names) -> None:
        """Raises VectoraError when the environment has no vault."""
        self.bucket = names.bucket("snapshots")
        self.names = names
        self._s3 = account.client("s3")
        self._reader = ObjectReader(account, self.bucket)
        self.lock_days, self._opened_at = self._lock_days()

    # --- bytes

    def store(self, body: bytes) -> tuple[str, str]:
        """Store bytes under their SHA-256 and read them back; the result is that and the ETag.

        Raises DamagedError when S3 gives back other bytes.
        """
        digest = hashlib.sha256(body)
        sha256 = digest.hexdigest()
        checksum = base64.b64encode(digest.digest()).decode("ascii")
        answer = self._s3.put_object(
            Bucket=self.bucket,
            Key=OBJECTS + sha256,
            Body=body,
            ContentType="application/octet-stream",
            # Required beside the checksum for what Object Lock retains (S3 API reference, PutObject).
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum,
        )
        self.read(sha256)
        return sha256, answer["ETag"].strip('"')

    def read(self, sha256: str) -> bytes:
        """Raises DamagedError when the object is missing or its bytes are not those of its name."""
        response = self._reader.get(OBJECTS + sha256)
        if not response.found:
            raise MissingError(f"{OBJECTS}{sha256} is missing from the vault {self.bucket}.")
        if hashlib.sha256(response.body).hexdigest() != sha256:
            raise DamagedError(f"{OBJECTS}{sha256} is damaged in the vault {self.bucket}: its bytes changed.")
        return response.body

    def read_slice(self, entry: Entry, number: int) -> bytes:
        """One slice of an entry, not checked: the caller compares the whole entry's digest."""
        piece = entry.slices[number]
        if piece.length == 0:
            return b""
        response = self._reader.get(OBJECTS + piece.sha256, byte_range=(piece.offset, piece.length))
        if not response.found:
            raise MissingError(f"{OBJECTS}{piece.sha256} is missing from the vault {self.bucket}.")
        return response.body

    def chunks(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of an entry; raises DamagedError, at the last chunk at the latest, when they are not its own."""
        digest = hashlib.sha256()
        for number in range(len(entry.slices)):
            chunk = self.read_slice(entry, number)
            digest.update(chunk)
            if number + 1 == len(entry.slices) and digest.hexdigest() != entry.sha256:
                raise DamagedError(f"{entry.path} is damaged in the vault {self.bucket}: its bytes changed.")
            yield chunk

    def bytes_of(self, entry: Entry) -> bytes:
        return b"".join(self.chunks(entry))

    def objects(self) -> Iterator[VaultObject]:
        for found in self._reader.listed(OBJECTS):
            yield VaultObject(found.key.removeprefix(OBJECTS), found.size, found.etag, found.modified)

    def lock(self, sha256s: Iterable[str], until: datetime) -> None:
        """Extend Object Lock on these objects; raises DamagedError when one is missing.

        Raises VectoraError for a lock that lasts longer than the vault's own rule, which is the policy's minimum age:
        nobody could remove such objects before, and they are paid for until then.
        """
        longest = self._opened_at + timedelta(days=self.lock_days or 0) + LOCK_MARGIN
        if until > longest:
            raise VectoraError(
                f"Nothing is locked until {until:%Y-%m-%d %H:%M} UTC: {self.bucket} locks for {self.lock_days or 0} "
                f"days, until {longest - LOCK_MARGIN:%Y-%m-%d %H:%M} UTC by S3's time. Is this machine's clock right?"
            )
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda sha256: self._lock(sha256, until), sha256s):
                pass

    def delete(self, sha256s: Iterable[str]) -> set[str]:
        """Remove objects for good; the result is those that are gone, without those that Object Lock still keeps."""
        wanted = list(sha256s)
        with ThreadPoolExecutor(THREADS) as pool:
            kept = list(pool.map(lambda sha256: self._delete_versions(OBJECTS + sha256), wanted))
        return {sha256 for sha256, still_there in zip(wanted, kept, strict=True) if not still_there}

    # --- snapshots

    def snapshots(self) -> tuple[Files, ...]:
        """Sorted by name."""
        found: dict[str, set[str]] = {}
        for item in self._reader.listed(SNAPSHOTS):
            name, _, file = item.key.removeprefix(SNAPSHOTS).partition("/")
            found.setdefault(name, set()).add(file)
        return tuple(Files(name, frozenset(found[name])) for name in sorted(found))

    def manifests(self) -> tuple[Manifest, ...]:
        """All complete snapshots that can be read, oldest first; damaged ones are `verify`'s business."""
        return tuple(self._readable(files.name for files in self.snapshots() if files.is_complete))

    def _readable(self, names: Iterable[str]) -> list[Manifest]:
        found = []
        for name in names:
            with contextlib.suppress(DamagedError):
                found.append(self.manifest(name))
        return sorted(found, key=lambda manifest: (manifest.started_at, manifest.name))

    def newest(self, count: int) -> list[Manifest]:
        """At most so many complete snapshots whose manifests can be read, newest first."""
        complete = [files.name for files in self.snapshots() if files.is_complete]
        found: list[Manifest] = []
        for _, of_a_second in groupby(sorted(complete, key=time_in_name, reverse=True), key=time_in_name):
            found += reversed(self._readable(of_a_second))
            if len(found) >= count:
                break
        return found[:count]

    def manifest(self, name: str) -> Manifest:
        """Raises VectoraError when there is no complete snapshot of that name, DamagedError when it is damaged."""
        key = f"{SNAPSHOTS}{name}/{MANIFEST}"
        body = self.file(name, MANIFEST)
        if body is None:
            if self.file(name, PROGRESS) is not None:
                raise VectoraError(
                    f"Snapshot {name} of {self.names.env} is incomplete: resume it "
                    f"(./vectora snapshot create --env {self.names.env} --resume {name}) or choose another."
                )
            known = [files.name for files in self.snapshots() if files.is_complete]
            raise VectoraError(
                f"There is no snapshot {name} in {self.bucket}; "
                f"there {'is' if len(known) == 1 else 'are'}: {', '.join(known[-10:]) or 'none'}."
            )
        manifest = read_manifest(key, body)
        if (manifest.name, manifest.env, manifest.project) != (name, self.names.env, self.names.project):
            raise VectoraError(
                f"{key} is the snapshot {manifest.name} of environment {manifest.env} of {manifest.project}, "
                f"not of {self.names.env} of {self.names.project}: it is not used here."
            )
        return manifest

    def progress(self, name: str) -> Progress | None:
        body = self.file(name, PROGRESS)
        return None if body is None else from_bytes(Progress, f"{SNAPSHOTS}{name}/{PROGRESS}", body)

    def pin(self, name: str) -> Pin | None:
        body = self.file(name, PINNED)
        return None if body is None else from_bytes(Pin, f"{SNAPSHOTS}{name}/{PINNED}", body)

    def file(self, name: str, file: str) -> bytes | None:
        response = self._reader.get(f"{SNAPSHOTS}{name}/{file}")
        return response.body if response.found else None

    def write_file(self, name: str, file: str, body: bytes) -> None:
        """Write a file of a snapshot and read it back."""
        kind = "text/markdown" if file.endswith(".md") else "application/json"
        self._s3.put_object(
            Bucket=self.bucket, Key=f"{SNAPSHOTS}{name}/{file}", Body=body, ContentType=f"{kind}; charset=utf-8"
        )
        if self.file(name, file) != body:
            raise DamagedError(f"{SNAPSHOTS}{name}/{file} did not read back as it was written to {self.bucket}.")

    def hide_file(self, name: str, file: str) -> None:
        """Hide a file behind a delete marker: it is not offered any more, its locked bytes stay as they must."""
        self._s3.delete_object(Bucket=self.bucket, Key=f"{SNAPSHOTS}{name}/{file}")

    def delete_folder(self, name: str) -> int:
        """Remove all files of a snapshot for good; the result counts the versions that Object Lock still keeps."""
        return self._delete_versions(f"{SNAPSHOTS}{name}/")

    def entries(self, record: ComponentRecord | None, after: str = "") -> Iterator[tuple[Entry, bytes]]:
        """The entries of a component after a path, one part in memory at a time; raises DamagedError."""
        for part in record.parts if record else ():
            if part.last > after:
                for entry, line in entries_of(self.read(part.index)):
                    if entry.path > after:
                        yield entry, line

    def references(self, manifest: Manifest) -> dict[str, str]:
        """The ETag by SHA-256 of every vault object that the snapshot needs, but for this list itself."""
        lines = self.read(manifest.references).decode("ascii").splitlines()
        return dict(line.split(" ", 1) for line in lines)

    # --- S3

    def _lock_days(self) -> tuple[int | None, datetime]:
        """Days for which the vault locks what is put into it, None when it has no Object Lock; and S3's time now."""
        try:
            answer = self._s3.get_object_lock_configuration(Bucket=self.bucket)
        except ClientError as error:
            if is_absent(error, "bucket"):
                raise VectoraError(
                    f"Environment {self.names.env} has no vault ({self.bucket}): deploy it first "
                    f"(cdk deploy {self.names.stack('s0-operations')} --context env={self.names.env})."
                ) from error
            if error_code(error) == "ObjectLockConfigurationNotFoundError":
                return None, store_time(error.response)
            raise
        # A rule has either days or years (DefaultRetention, S3 API reference).
        rule = answer["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention", {})
        days = rule.get("Days") or DAYS_OF_A_YEAR * rule.get("Years", 0)
        return int(days) or None, store_time(answer)

    def _lock(self, sha256: str, until: datetime) -> None:
        try:
            self._s3.put_object_retention(
                Bucket=self.bucket,
                Key=OBJECTS + sha256,
                Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until},
            )
        except ClientError as error:
            if is_absent(error, "object"):
                raise MissingError(f"{OBJECTS}{sha256} is missing from the vault {self.bucket}.") from error
            # To shorten a lock is denied, and not wanted either.
            if error_code(error) != "AccessDenied" or self._retained_until(Key=OBJECTS + sha256)[0] < until:
                raise

    def _retained_until(self, **version: str) -> tuple[datetime, datetime]:
        """Until when Object Lock keeps an object's version, and S3's time now."""
        try:
            answer = self._s3.get_object_retention(Bucket=self.bucket, **version)
        except ClientError as error:
            # The version was never locked, or the whole bucket has no Object Lock (InvalidRequest, "Bucket is missing
            # Object Lock Configuration"): what was denied was a permission.
            if error_code(error) in ("NoSuchObjectLockConfiguration", "InvalidRequest"):
                return datetime.min.replace(tzinfo=UTC), store_time(error.response)
            raise
        return answer["Retention"]["RetainUntilDate"].astimezone(UTC), store_time(answer)

    def _delete_versions(self, prefix: str) -> int:
        """How many versions Object Lock still keeps; markers go last, so that a kept version stays hidden."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        versions, markers = [], []
        for page in pages:
            versions += [(each["Key"], each["VersionId"]) for each in page.get("Versions", [])]
            markers += [(each["Key"], each["VersionId"]) for each in page.get("DeleteMarkers", [])]
        kept = sum(not self._delete_version(key, version_id) for key, version_id in versions)
        if not kept:
            for key, version_id in markers:
                self._delete_version(key, version_id)
        return kept

    def _delete_version(self, key: str, version_id: str) -> bool:
        try:
            self._s3.delete_object(Bucket=self.bucket, Key=key, VersionId=version_id)
        except ClientError as error:
            if error_code(error) not in ("AccessDenied", "InvalidRequest"):
                raise
            if not self._is_kept(error, key, version_id):
                raise VectoraError(
                    f"s3://{self.bucket}/{key} is not locked, and you may not delete it ({error_message(error)}): "
                    "s3:DeleteObjectVersion is needed."
                ) from error
            return False
        return True

    def _is_kept(self, error: ClientError, key: str, version_id: str) -> bool:
        """Tell Object Lock from a missing permission: S3 answers both with AccessDenied."""
        if "object lock" in error_message(error).lower():
            return True
        until, now = self._retained_until(Key=key, VersionId=version_id)
        return until > now
