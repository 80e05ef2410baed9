"""Publication of a release's configuration in the config bucket."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vectora_shared.config.changes import parsed_version, version_problem
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import PROMPTS_PREFIX
from vectora_shared.config.content import BucketContent, ContentWithFile
from vectora_shared.config.loading import load_configuration, load_section, validate_all
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import CLIENTS_PREFIX, client_key
from vectora_shared.storage import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


logger = logging.getLogger("vectora")
RECORD_KEY = "published.json"
PREFIXES = ("canonical/", "clients/")


class ArchiveContent:
    """Configuration content in the zip file of a release."""

    def __init__(self, archive: bytes) -> None:
        """Read the archive; raise ConfigurationError when it is damaged or contains anything but configuration."""
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
    """Result of a publication: the changed keys of the config bucket."""

    digest: str
    written: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: int


def publish(s3: S3Client, *, archive: bytes, digest: str, bucket: str) -> Publication:
    """Replace the bucket's canonical and client files by those of `archive`; other objects in the bucket stay.

    Prompts that no release published are deleted too: a run loads all prompts, and cannot read those of the system that
    ran before this app.

    A client's file that was promoted ahead of a release stays until a release has its version or a later one. Can be
    repeated after an interruption at any point. Raise ConfigurationError, with nothing changed, when the content is
    invalid or a client's file changed while its version did not.
    """
    content = ArchiveContent(archive)
    validate_all(content)
    target = Bucket(s3, bucket)
    record = target.read_json(RECORD_KEY) or {}
    promoted = _ahead_of(content, record.get("promoted", {}))
    files = {key: body for key, body in content.files.items() if key not in promoted}
    there = _md5_by_key(s3, bucket)
    changed = [key for key, body in files.items() if there.get(key) != _md5(body)]
    _require_versions_moved(BucketContent(s3, bucket), content, [key for key in changed if key in there], record)
    published_before = set(record.get("keys", {}))
    kept = {key: record["keys"][key] for key in promoted}
    # Until everything is written, the record names old and new keys: after an interruption, the next publication knows
    # all keys that it may delete.
    both = sorted(published_before | set(files))
    _write_record(target, "publishing", digest, {**{key: _sha256(files.get(key)) for key in both}, **kept}, promoted)
    for key in changed:
        target.write(key, files[key], "application/xml" if key.endswith(".xml") else "application/yaml")
    unpublished_prompts = {key for key in there if key.startswith(PROMPTS_PREFIX)}
    deleted = tuple(sorted(((published_before | unpublished_prompts) - set(files) - set(kept)) & set(there)))
    for key in deleted:
        s3.delete_object(Bucket=bucket, Key=key)
    _write_record(
        target, "published", digest, {**{key: _sha256(body) for key, body in files.items()}, **kept}, promoted
    )
    logger.info("Published %s: %d written, %d deleted", digest, len(changed), len(deleted))
    return Publication(digest, tuple(changed), deleted, unchanged=len(content.files) - len(changed))


def publish_client(s3: S3Client, *, bucket: str, client_id: str, body: bytes) -> None:
    """Publish one client's file from another environment, ahead of the release that contains it.

    Raise ConfigurationError, with nothing changed, when it does not fit the published canonical files.
    """
    key = client_key(client_id)
    content = ContentWithFile(BucketContent(s3, bucket), key, body)
    version = load_configuration(content, client_id).client.client_profile.version
    target = Bucket(s3, bucket)
    record = target.read_json(RECORD_KEY) or {}
    # The record first: a file that is not written yet only shows as edited, a file without a record could be deleted.
    target.write_json(
        RECORD_KEY,
        {
            **record,
            "keys": {**record.get("keys", {}), key: _sha256(body)},
            "promoted": {**record.get("promoted", {}), key: version},
        },
    )
    target.write(key, body, "application/yaml")


def _ahead_of(content: ArchiveContent, promoted: Mapping[str, str]) -> dict[str, str]:
    """Return the versions, by key, of the promoted client files that are newer than the release's."""
    return {
        key: version
        for key, version in promoted.items()
        if key in content.files
        and parsed_version(load_section(content, key, ClientConfig).client_profile.version) < parsed_version(version)
    }


def _require_versions_moved(
    deployed: BucketContent, content: ArchiveContent, changed: Sequence[str], record: Mapping[str, Any]
) -> None:
    """Raise ConfigurationError when a client's file changed and its version did not; an earlier version is allowed."""
    problems = []
    for key in changed:
        published = record.get("keys", {}).get(key)
        if not key.startswith(CLIENTS_PREFIX) or published in (None, _sha256(content.files[key])):
            continue
        with contextlib.suppress(ConfigurationError):
            before, after = load_section(deployed, key, ClientConfig), load_section(content, key, ClientConfig)
            if before.client_profile.version == after.client_profile.version:
                problems.append(version_problem(before, after, "what is published"))
    if problems:
        raise ConfigurationError("\n".join(filter(None, problems)))


def _write_record(
    target: Bucket,
    state: Literal["publishing", "published"],
    digest: str,
    keys: Mapping[str, str | None],
    promoted: Mapping[str, str],
) -> None:
    record = {"state": state, "digest": digest, "keys": dict(sorted(keys.items())), "promoted": dict(promoted)}
    target.write_json(RECORD_KEY, record)


def _md5_by_key(s3: S3Client, bucket: str) -> dict[str, str]:
    # All of these objects are put in one part with SSE-S3, so their ETag is the MD5 of their bytes (S3 API reference,
    # Object).
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {entry["Key"]: entry["ETag"].strip('"') for page in pages for entry in page.get("Contents", [])}


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _sha256(body: bytes | None) -> str | None:
    return None if body is None else hashlib.sha256(body).hexdigest()
