"""JSON documents in the data and newsletter buckets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from vectora_shared.aws import read_object
from vectora_shared.aws_errors import is_absent

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Bucket:
    """A bucket that is read and written in whole objects."""

    def __init__(self, s3: S3Client, name: str) -> None:
        self._s3 = s3
        self.name = name

    def read_json(self, key: str) -> Any | None:
        """Return the document at `key`, or None when there is none."""
        try:
            return json.loads(read_object(self._s3, Bucket=self.name, Key=key).body)
        except ClientError as error:
            if is_absent(error, "object"):
                return None
            raise

    def read(self, key: str, *, limit: int) -> bytes | None:
        """Return the first `limit` bytes of the object at `key`, or None when there is none."""
        try:
            return read_object(self._s3, Bucket=self.name, Key=key, Range=f"bytes=0-{limit - 1}").body
        except ClientError as error:
            if is_absent(error, "object"):
                return None
            raise

    def write_json(self, key: str, document: Any) -> None:
        text = json.dumps(document, ensure_ascii=False, indent=2)
        self.write(key, text.encode("utf-8"), "application/json")

    def write(self, key: str, body: bytes, content_type: str) -> None:
        self._s3.put_object(Bucket=self.name, Key=key, Body=body, ContentType=f"{content_type}; charset=utf-8")

    def keys(self, prefix: str) -> list[str]:
        """Return all keys below `prefix`, sorted."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))
