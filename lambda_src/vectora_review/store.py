"""Accepted states and approvals of changes: objects that only the review writes, and a parameter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from vectora_review.executions import Artifact
from vectora_review.facts import Facts
from vectora_shared.aws import read_object

# Below this prefix of the artifacts bucket, its policy lets only the review write.
PREFIX = "review/"
ACCEPTED = f"{PREFIX}accepted.json"
# What the report for an approval compares with; the build that makes it reads them.
RELEASES = f"{PREFIX}releases/"
ABSENT = ("NoSuchKey", "404", "ParameterNotFound")


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The last accepted state: its facts, and the version of the last approval that was used."""

    facts: Facts
    execution: str
    approval_version: int = 0
    approved_by: str | None = None


@dataclass(frozen=True)
class Approval:
    """An approval of a change; SSM says who gave it."""

    digest: str
    version: int
    by: str | None


class Store:
    """Records of the review in bucket `bucket`, and the approvals in SSM parameter `approvals`."""

    def __init__(self, s3: Any, ssm: Any, *, bucket: str, approvals: str) -> None:
        self._s3 = s3
        self._ssm = ssm
        self._bucket = bucket
        self._approvals = approvals

    def accepted(self) -> Accepted | None:
        """Return the last accepted state; None before the first review."""
        found = self._read(ACCEPTED)
        return Accepted(**found) if found is not None else None

    def write_accepted(self, accepted: Accepted) -> None:
        self._write(ACCEPTED, asdict(accepted))

    def reviewed(self, execution: str) -> Artifact | None:
        """Return the artifact of an execution that was accepted."""
        found = self._read(_of_execution(execution))
        return Artifact(**found) if found is not None else None

    def write_reviewed(self, execution: str, artifact: Artifact) -> None:
        self._write(_of_execution(execution), asdict(artifact))

    def contents_of_assets(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the digests of the contents that were accepted under these keys."""
        found = {key: self._read(_of_asset(key)) for key in keys}
        return {key: str(each["content"]) for key, each in found.items() if each is not None}

    def write_content_of_asset(self, key: str, content: str) -> None:
        self._write(_of_asset(key), {"content": content})

    def assets_of_content(self, content_digest: str) -> str | None:
        """Return the digest of the assets that a release's content had when it was first accepted."""
        found = self._read(_of_content(content_digest))
        return str(found["assets"]) if found is not None else None

    def write_assets_of_content(self, content_digest: str, assets: str) -> None:
        self._write(_of_content(content_digest), {"assets": assets})

    def write_release_files(self, commit: str, body: bytes) -> None:
        """Keep what a later report compares with, for as long as the release may be in prod."""
        self._s3.put_object(
            Bucket=self._bucket, Key=release_files_key(commit), Body=body, ContentType="application/zip"
        )

    def approvals_of(self, digest: str, *, after: int) -> tuple[Approval, ...]:
        """Return the approvals of a change that are newer than version `after`, oldest first."""
        try:
            pages = self._ssm.get_paginator("get_parameter_history").paginate(Name=self._approvals)
            values = [each for page in pages for each in page["Parameters"]]
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return ()
            raise
        found = (_approval(each) for each in sorted(values, key=lambda each: each["Version"]))
        return tuple(each for each in found if each is not None and each.digest == digest and each.version > after)

    def _read(self, key: str) -> dict[str, Any] | None:
        try:
            body = read_object(self._s3, Bucket=self._bucket, Key=key).body
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None
            raise
        found: dict[str, Any] = json.loads(body)
        return found

    def _write(self, key: str, document: Mapping[str, Any]) -> None:
        body = json.dumps(document, sort_keys=True).encode("utf-8")
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")


def _approval(parameter: Mapping[str, Any]) -> Approval | None:
    try:
        digest = str(json.loads(parameter["Value"])["digest"])
    except (ValueError, KeyError, TypeError):
        return None
    return Approval(digest, int(parameter["Version"]), parameter.get("LastModifiedUser"))


def release_files_key(commit: str) -> str:
    """Return the key of the files of a commit's release."""
    return f"{RELEASES}{commit}.zip"


def _of_execution(execution: str) -> str:
    return f"{PREFIX}executions/{execution}.json"


def _of_asset(key: str) -> str:
    return f"{PREFIX}assets/{key}.json"


def _of_content(content_digest: str) -> str:
    return f"{PREFIX}contents/{content_digest}.json"
