"""Reads and listings of the objects of one bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.snapshots.signed_reads import NOT_FOUND, SignedReads
from vectora_shared.aws import StoredObject, read_object
from vectora_shared.aws_errors import http_status, is_absent
from vectora_shared.errors import VectoraError


@dataclass(frozen=True, slots=True)
class Response:
    """Result of one read; the body is empty when the object was not found."""

    found: bool
    body: bytes = b""
    version_id: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class ListedObject:
    """`modified` is an ISO timestamp as S3 writes it."""

    key: str
    size: int
    etag: str
    modified: str


class NoSuchBucketError(VectoraError):
    """The bucket does not exist."""


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
        return Response(found=True, body=body, version_id=found.version_id, content_type=found.content_type)

    def _read(self, key: str, request: dict[str, str]) -> StoredObject | None:
        answer = self._signed.read(Key=key, **request)
        if answer.found is not None or answer.is_absent:
            return answer.found
        try:
            return read_object(self._s3, tried=answer.tried, Bucket=self.bucket, Key=key, **request)
        except ClientError as error:
            if http_status(error) in NOT_FOUND:
                return None
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
    )
