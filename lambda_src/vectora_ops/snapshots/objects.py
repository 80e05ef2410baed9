"""Reads and listings of the objects of one bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.snapshots.object_metadata import RESERVED_TAGS, header_text, other_class
from vectora_ops.snapshots.signed_reads import NOT_FOUND, SignedReads
from vectora_shared.aws import StoredObject, read_object
from vectora_shared.aws_errors import error_code, http_status, is_absent
from vectora_shared.errors import VectoraError

TAG_FIELDS = ("Key", "Value")


@dataclass(frozen=True, slots=True)
class Response:
    """Result of one read; the body is empty when the object was not found. Names of `headers` are in lower case."""

    found: bool
    body: bytes = b""
    version_id: str | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedObject:
    """`modified` is an ISO timestamp as S3 writes it, `storage_class` None for the default class."""

    key: str
    size: int
    etag: str
    modified: str
    storage_class: str | None = None


class NoSuchBucketError(VectoraError):
    """The bucket does not exist."""


class ArchivedError(VectoraError):
    """The object is archived: S3 returns its bytes only after someone has restored a copy."""


class ObjectReader:
    """Reader of one bucket, safe for many threads."""

    def __init__(self, account: Account, bucket: str) -> None:
        self.bucket = bucket
        self._s3 = account.client("s3")
        self._signed = SignedReads(self._s3, account.session.get_credentials(), bucket)

    def get(
        self,
        key: str,
        *,
        if_match: str | None = None,
        version_id: str | None = None,
        byte_range: tuple[int, int] | None = None,
    ) -> Response:
        """Read an object; `if_match` is an ETag without quotes, `byte_range` start and length in bytes.

        Raises VectoraError when S3 refuses, or when all attempts fail.
        """
        request = {"IfMatch": f'"{if_match}"'} if if_match else {}
        if version_id:
            request["VersionId"] = version_id
        start, length = byte_range or (0, 0)
        if byte_range:
            request["Range"] = f"bytes={start}-{start + length - 1}"
        found = self._read(key, request)
        if found is None:
            return Response(found=False)
        # A server may ignore a range and return the whole object (RFC 9110, section 14.2).
        body = found.body[start : start + length] if byte_range and not found.is_part else found.body
        return _response(found, body)

    def head(self, key: str) -> Response:
        """Read the headers of an object, archived or not; raises as `get` does."""
        answer = self._signed.read("HeadObject", Key=key)
        if answer.found is not None:
            return _response(answer.found)
        if answer.is_absent:
            return Response(found=False)
        with self._errors_reported(key):
            try:
                found = self._s3.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if http_status(error) in NOT_FOUND:
                    return Response(found=False)
                raise
        stored = StoredObject(b"", found["ETag"], found.get("VersionId"), found.get("ContentType"), answer=found)
        return _response(stored)

    def tags(self, key: str, version_id: str | None = None) -> dict[str, str] | None:
        """Return the tags of an object or of a version, sorted by name; None when there is none. Raises as `get` does.

        No listing says whether tags changed: this takes neither a new version nor a new time (API reference,
        PutObjectTagging).
        """
        request = {"VersionId": version_id} if version_id else {}
        answer = self._signed.read("GetObjectTagging", Key=key, **request)
        if answer.is_absent:
            return None
        if answer.found is not None and (tags := _tags_in(answer.found.body)) is not None:
            return tags
        with self._errors_reported(key):
            try:
                found = self._s3.get_object_tagging(Bucket=self.bucket, Key=key, **request)["TagSet"]
            except ClientError as error:
                if http_status(error) in NOT_FOUND:
                    return None
                raise
        return _own_tags((each["Key"], each["Value"]) for each in found)

    def _read(self, key: str, request: dict[str, str]) -> StoredObject | None:
        answer = self._signed.read("GetObject", Key=key, **request)
        if answer.found is not None or answer.is_absent:
            return answer.found
        with self._errors_reported(key):
            try:
                return read_object(self._s3, tried=answer.tried, Bucket=self.bucket, Key=key, **request)
            except ClientError as error:
                if http_status(error) in NOT_FOUND:
                    return None
                raise

    @contextmanager
    def _errors_reported(self, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if error_code(error) == "InvalidObjectState":
                raise ArchivedError(
                    f"s3://{self.bucket}/{key} is archived, so S3 does not return its bytes: restore a copy of it."
                ) from error
            raise VectoraError(f"S3 refused s3://{self.bucket}/{key}: {error}.") from error
        except BotoCoreError as error:
            raise VectoraError(f"S3 did not answer for s3://{self.bucket}/{key}: {error}.") from error

    def listed(self, prefix: str, *, after: str = "") -> Iterator[ListedObject]:
        """Yield the objects below a prefix whose keys come after `after`, sorted by key.

        Raises NoSuchBucketError, and VectoraError when S3 refuses or when all attempts fail.
        """
        paginator = self._s3.get_paginator("list_objects_v2")
        request = {"StartAfter": after} if after else {}
        with self._listing_errors_reported():
            for page in paginator.paginate(Bucket=self.bucket, Prefix=prefix, **request):
                yield from map(_listed_object, page.get("Contents", []))

    def all_listed(self) -> list[ListedObject] | None:
        """Return all objects when one request lists them, that is 1,000; else None. Raises as `listed` does."""
        with self._listing_errors_reported():
            page = self._s3.list_objects_v2(Bucket=self.bucket)
        return None if page["IsTruncated"] else list(map(_listed_object, page.get("Contents", [])))

    @contextmanager
    def _listing_errors_reported(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if is_absent(error, "bucket"):
                raise NoSuchBucketError(f"There is no bucket {self.bucket}.") from error
            raise VectoraError(f"S3 refused to list s3://{self.bucket}: {error}.") from error
        except BotoCoreError as error:
            raise VectoraError(f"S3 did not answer for bucket {self.bucket}: {error}.") from error


def _listed_object(found: dict[str, Any]) -> ListedObject:
    modified: datetime = found["LastModified"]
    return ListedObject(
        key=found["Key"],
        size=found["Size"],
        etag=found["ETag"].strip('"'),
        modified=modified.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        storage_class=other_class(found.get("StorageClass")),
    )


def _response(found: StoredObject, body: bytes = b"") -> Response:
    return Response(
        found=True,
        body=body,
        version_id=found.version_id,
        content_type=None if found.content_type is None else header_text(found.content_type),
        headers=found.answer["ResponseMetadata"]["HTTPHeaders"],
    )


def _tags_in(body: bytes) -> dict[str, str] | None:
    """Return the tags in a response of GetObjectTagging, whose XML has a namespace; None when it is no XML."""
    try:
        tree = ElementTree.fromstring(body)  # noqa: S314  (a response of S3, which botocore parses in the same way)
    except ElementTree.ParseError:
        return None
    texts = {tag: [each.text or "" for each in tree.iter() if each.tag.rpartition("}")[2] == tag] for tag in TAG_FIELDS}
    return _own_tags(zip(*texts.values(), strict=True))


def _own_tags(tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in sorted(tags) if not name.startswith(RESERVED_TAGS)}
