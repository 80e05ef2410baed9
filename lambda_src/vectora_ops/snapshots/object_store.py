"""Objects of a vault: bytes stored once under their SHA-256, and read by it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vectora_ops.account import Account
from vectora_ops.snapshots.index import Entry, Slice
from vectora_ops.snapshots.kept_bodies import KeptBodies
from vectora_ops.snapshots.manifest import DamagedError, MissingError
from vectora_ops.snapshots.object_lock import missing_object
from vectora_ops.snapshots.objects import ObjectReader, Response
from vectora_ops.snapshots.written_once import create_object

OBJECTS = "objects/"
# Larger files are cut at this length, so that memory does not grow with them; S3 requires parts of at least 5 MiB.
CHUNK_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that was stored; one that is not new was in the vault already, with a lock that may end sooner."""

    sha256: str
    etag: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class OlderVersion:
    """The version of an object with the right bytes, below a newer one or, when it is hidden, below a delete marker."""

    version_id: str
    is_hidden: bool


class ObjectStore:
    """Objects of the bucket of a vault."""

    def __init__(self, account: Account, bucket: str) -> None:
        self.bucket = bucket
        self._account = account
        self._s3 = account.client("s3")
        self._reader = ObjectReader(account, bucket)
        self._kept = KeptBodies()
        # Of the objects that were read, and whose newest version does not have the bytes that their name says.
        self.older_versions: dict[str, OlderVersion] = {}

    def store(self, body: bytes) -> Stored:
        """Store bytes under their SHA-256 unless the vault has them, and read them back.

        Damaged bytes of that name are hidden and stored again. Raises DamagedError when S3 returns other bytes.
        """
        digest = hashlib.sha256(body)
        sha256 = digest.hexdigest()
        checksum = base64.b64encode(digest.digest()).decode("ascii")
        request: dict[str, Any] = {
            "Body": body,
            "ContentType": "application/octet-stream",
            # Required beside the checksum for objects that Object Lock retains (S3 API reference, PutObject).
            "ChecksumAlgorithm": "SHA256",
            "ChecksumSHA256": checksum,
        }
        if (etag := create_object(self._s3, self.bucket, OBJECTS + sha256, **request)) is None:
            with contextlib.suppress(DamagedError):
                return Stored(sha256, _etag(self._read_checked(sha256)), is_new=False)
            # Behind a delete marker a name is free again (S3 user guide, conditional writes). The damaged version
            # stays for the days that old versions are kept.
            self._s3.delete_object(Bucket=self.bucket, Key=OBJECTS + sha256)
            etag = create_object(self._s3, self.bucket, OBJECTS + sha256, **request)
        found = self._read_checked(sha256)
        return Stored(sha256, etag or _etag(found), is_new=True)

    def read(self, sha256: str) -> bytes:
        """Read an object; raises DamagedError when no version of it has the bytes whose digest is its name."""
        self._kept.forget(sha256)
        body = self._read_any_version(sha256).body
        self._kept.keep(sha256, body)
        return body

    def read_once(self, sha256: str) -> bytes:
        """Read an object, unless its bytes are kept since this vault's object read them; raises DamagedError."""
        kept = self._kept.get(sha256)
        return self.read(sha256) if kept is None else kept

    def _read_checked(self, sha256: str) -> Response:
        """Read the newest version of an object."""
        response = self._reader.get(OBJECTS + sha256)
        if not response.found:
            raise missing_object(OBJECTS + sha256, self.bucket)
        if hashlib.sha256(response.body).hexdigest() != sha256:
            raise DamagedError(f"{OBJECTS}{sha256} is damaged in the vault {self.bucket}: its bytes changed.")
        return response

    def _read_any_version(self, sha256: str) -> Response:
        """Read the version of an object that has the right bytes, mostly the newest."""
        if (known := self.older_versions.get(sha256)) is not None:
            return self._reader.get(OBJECTS + sha256, version_id=known.version_id)
        try:
            return self._read_checked(sha256)
        except DamagedError as error:
            key = OBJECTS + sha256
            pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=key)
            for version in (each for page in pages for each in page.get("Versions", [])):
                response = self._reader.get(key, version_id=version["VersionId"])
                if hashlib.sha256(response.body).hexdigest() == sha256:
                    self.older_versions[sha256] = OlderVersion(version["VersionId"], isinstance(error, MissingError))
                    return response
            raise

    def read_slice(self, piece: Slice) -> bytes:
        """Read a slice without a check: the caller compares the digest of each whole entry."""
        if piece.length == 0:
            return b""
        if (kept := self._kept.get(piece.sha256)) is not None:
            return kept[piece.offset : piece.offset + piece.length]
        response = self._reader.get(
            OBJECTS + piece.sha256,
            version_id=known.version_id if (known := self.older_versions.get(piece.sha256)) else None,
            byte_range=(piece.offset, piece.length),
        )
        if not response.found:
            raise missing_object(OBJECTS + piece.sha256, self.bucket)
        return response.body

    def chunks(self, entry: Entry) -> Iterator[bytes]:
        """Yield the bytes of an entry; raises DamagedError before the last chunk when their size or digest differs."""
        if reason := entry.shape_problem:
            raise DamagedError(f"{entry.path} is damaged in the vault {self.bucket}: {reason}.")
        digest = hashlib.sha256()
        for number, piece in enumerate(entry.slices, start=1):
            chunk = self.read_slice(piece)
            digest.update(chunk)
            if number == len(entry.slices) and digest.hexdigest() != entry.sha256:
                raise DamagedError(f"{entry.path} is damaged in the vault {self.bucket}: its bytes changed.")
            yield chunk

    def bytes_of(self, entry: Entry) -> bytes:
        return b"".join(self.chunks(entry))


def _etag(response: Response) -> str:
    return response.headers["etag"].strip('"')
