"""Publication of a release's configuration content: validated first, then versioned puts, then deletes of its own."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vectora_core.config.content import validate_all
from vectora_core.errors import ConfigurationError
from vectora_core.storage import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger("vectora")

RECORD_KEY = "published.json"
PREFIXES = ("canonical/", "clients/")


class ArchiveContent:
    """Configuration content in the zip file of a release."""

    def __init__(self, archive: bytes) -> None:
        """Raises ConfigurationError when the archive is damaged or holds anything but configuration."""
        try:
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                self.files: Mapping[str, bytes] = {name: files.read(name) for name in sorted(files.namelist())}
        except zipfile.BadZipFile as error:
            raise ConfigurationError(
                "The configuration content is not a zip file: deploy the release again."
            ) from error
        if strays := [name for name in self.files if not name.startswith(PREFIXES)]:
            raise ConfigurationError(
                f"The configuration content holds {strays[0]}: only {' and '.join(PREFIXES)} belong there."
            )

    def read(self, key: str) -> bytes:
        if key not in self.files:
            raise ConfigurationError(f"{key} is missing from the release: add config/{key}.")
        return self.files[key]

    def keys(self, prefix: str) -> list[str]:
        return [key for key in self.files if key.startswith(prefix)]


@dataclass(frozen=True)
class Publication:
    """What a publication changed; keys are those of the config bucket."""

    digest: str
    written: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: int


def publish(s3: S3Client, *, archive: bytes, digest: str, bucket: str) -> Publication:
    """Make the bucket's canonical and client files those of `archive`; what others put there stays.

    Can be repeated after an interruption at any point. Raises ConfigurationError, with nothing changed, when the
    content is invalid.
    """
    content = ArchiveContent(archive)
    validate_all(content)
    target = Bucket(s3, bucket)
    record = target.read_json(RECORD_KEY) or {}
    published_before = set(record.get("keys", {}))
    # Until all is done the record names both, so that whatever comes next knows what it may remove.
    both = sorted(published_before | set(content.files))
    _write_record(target, "publishing", digest, {key: _sha256(content.files.get(key)) for key in both})
    there = _md5_by_key(s3, bucket)
    written = tuple(key for key, body in content.files.items() if there.get(key) != _md5(body))
    for key in written:
        target.write(key, content.files[key], "application/xml" if key.endswith(".xml") else "application/yaml")
    deleted = tuple(sorted((published_before - set(content.files)) & set(there)))
    for key in deleted:
        s3.delete_object(Bucket=bucket, Key=key)
    _write_record(target, "published", digest, {key: _sha256(body) for key, body in content.files.items()})
    logger.info("Published %s: %d written, %d deleted", digest, len(written), len(deleted))
    return Publication(digest, written, deleted, unchanged=len(content.files) - len(written))


def _write_record(
    target: Bucket, state: Literal["publishing", "published"], digest: str, keys: Mapping[str, str | None]
) -> None:
    record = {"state": state, "digest": digest, "keys": dict(keys)}
    target.write(RECORD_KEY, json.dumps(record, indent=2, sort_keys=True).encode("utf-8"), "application/json")


def _md5_by_key(s3: S3Client, bucket: str) -> dict[str, str]:
    # The ETag of an object put in one part under SSE-S3, as all of these are, is the MD5 of its bytes.
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {entry["Key"]: entry["ETag"].strip('"') for page in pages for entry in page.get("Contents", [])}


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _sha256(body: bytes | None) -> str | None:
    return None if body is None else hashlib.sha256(body).hexdigest()
