"""Buckets, objects and their versions, in memory."""

from __future__ import annotations

import base64
import hashlib
import itertools
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object; a delete marker has no body."""

    key: str
    version_id: str
    etag: str
    modified: datetime
    body: bytes | None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> int:
        return len(self.body or b"")


@dataclass(slots=True)
class Bucket:
    """One bucket; `versions` has the versions of each key, oldest first."""

    name: str
    region: str
    versioning: bytes | None = None
    object_lock: bytes | None = None
    versions: dict[str, list[Version]] = field(default_factory=dict)
    retention: dict[tuple[str, str], bytes] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    _sorted: list[str] | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def is_versioned(self) -> bool:
        return self.versioning is not None and b"<Status>Enabled" in self.versioning

    def put(self, key: str, body: bytes | None, headers: tuple[tuple[str, str], ...] = (), etag: str = "") -> Version:
        """Add a version, or replace the only one of an unversioned bucket."""
        number = next(self._numbers)
        version_id = f"{number:020x}{len(key):012x}" if self.is_versioned else "null"
        digest = etag or hashlib.md5(body or b"", usedforsecurity=False).hexdigest()
        version = Version(key, version_id, f'"{digest}"', datetime.now(UTC), body, headers)
        known = self.versions.get(key)
        if known is None:
            self.versions[key] = [version]
            self._sorted = None
        elif self.is_versioned:
            known.append(version)
        else:
            known[:] = [version]
        return version

    def remove(self, key: str, version_id: str) -> None:
        """Delete one version for good."""
        remaining = [each for each in self.versions.get(key, []) if each.version_id != version_id]
        if remaining:
            self.versions[key] = remaining
        elif self.versions.pop(key, None):
            self._sorted = None

    def find(self, key: str, version_id: str = "") -> Version | None:
        """Return a version, by default the current one; None when there is none or it is a delete marker."""
        known = self.versions.get(key)
        if not known:
            return None
        version: Version | None = known[-1]
        if version_id:
            version = next((each for each in known if each.version_id == version_id), None)
        return version if version is not None and version.body is not None else None

    def keys(self, prefix: str, after: str) -> Iterator[str]:
        """Yield the keys with a prefix that come after another key, sorted by their UTF-8 bytes, as in S3."""
        if self._sorted is None:
            self._sorted = sorted(self.versions, key=lambda key: key.encode("utf-8"))
        names = self._sorted
        start = bisect_left(names, max(prefix, after).encode("utf-8"), key=lambda key: key.encode("utf-8"))
        for position in range(start, len(names)):
            if not names[position].startswith(prefix):
                return
            if names[position] > after or not after:
                yield names[position]


@dataclass(slots=True)
class Upload:
    """One multipart upload."""

    key: str
    headers: tuple[tuple[str, str], ...]
    parts: dict[int, bytes] = field(default_factory=dict)


def checksum(algorithm: str, body: bytes) -> str:
    """Return the checksum of bytes as S3 writes it; `algorithm` is crc32, sha1 or sha256."""
    if algorithm == "crc32":
        return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode("ascii")
    return base64.b64encode(hashlib.new(algorithm, body).digest()).decode("ascii")
