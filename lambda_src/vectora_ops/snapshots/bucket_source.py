"""Objects of a bucket as a source of snapshot items."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import OMITTED_PREFIXES
from vectora_ops.snapshots.items import Item, ItemContent
from vectora_ops.snapshots.objects import ListedObject, NoSuchBucketError, ObjectReader, Response
from vectora_ops.snapshots.vault import CHUNK_BYTES
from vectora_shared.aws_errors import is_absent
from vectora_shared.errors import VectoraError

DAY = re.compile(r"\d{4}/\d\d/\d\d/")


class BucketSource:
    """Objects of one bucket below `prefixes`, which must be sorted."""

    def __init__(
        self,
        account: Account,
        bucket: str,
        prefixes: tuple[str, ...],
        *,
        excluded: tuple[str, ...] = (),
        scope: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare the source; `scope` is the first key to read, by prefix; objects below `excluded` are skipped."""
        self.bucket = bucket
        self.scope: Mapping[str, str] = dict(scope or {})
        self._s3 = account.client("s3")
        self._account = account
        self._prefixes = prefixes
        self._excluded = excluded

    @cached_property
    def _reader(self) -> ObjectReader:
        return ObjectReader(self._account, self.bucket)

    def all_items(self) -> dict[str, Item] | None:
        """Return all objects of the bucket by key when one request lists them, with any prefix; else None."""
        try:
            listed = self._reader.all_listed()
        except NoSuchBucketError:
            return {}
        return None if listed is None else {found.key: _item(found) for found in listed}

    def items(self, after: str = "") -> Iterator[Item]:
        for prefix in self._prefixes:
            for item in self._below(prefix, after):
                start = self._start_of(item.path)
                if item.path >= start and not item.path.startswith(self._excluded):
                    yield item

    def open(self, item: Item) -> ItemContent:
        """Read the object at the version that was listed, even when it was replaced or deleted since."""
        first = self._read(item, 0)
        return ItemContent(self._chunks(item, first), first.version_id, first.content_type)

    def _chunks(self, item: Item, first: Response) -> Iterator[bytes]:
        yield first.body
        for start in range(CHUNK_BYTES, item.size, CHUNK_BYTES):
            yield self._read(item, start).body

    def _read(self, item: Item, start: int) -> Response:
        byte_range = (start, min(CHUNK_BYTES, item.size - start)) if item.size > CHUNK_BYTES else None
        response = self._reader.get(item.path, if_match=item.etag, byte_range=byte_range)
        if not response.found:
            version_id = self._version_listed(item)
            response = self._reader.get(item.path, version_id=version_id, byte_range=byte_range)
        if not response.found:
            raise _gone(self.bucket, item)
        return response

    def _version_listed(self, item: Item) -> str:
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=item.path)
        for page in pages:
            for version in page.get("Versions", []):
                if version["Key"] == item.path and version["ETag"].strip('"') == item.etag:
                    return str(version["VersionId"])
        raise _gone(self.bucket, item)

    def _start_of(self, path: str) -> str:
        return next((start for prefix, start in self.scope.items() if path.startswith(prefix)), "")

    def _below(self, prefix: str, after: str) -> Iterator[Item]:
        # With one start below the prefix, the listing skips the days before it.
        starts = [start for longer, start in self.scope.items() if longer.startswith(prefix)]
        start_after = max(after, starts[0] if len(starts) == 1 else "")
        try:
            for found in self._reader.listed(prefix, after=start_after):
                yield _item(found)
        except NoSuchBucketError:
            return


def _item(found: ListedObject) -> Item:
    return Item(path=found.key, size=found.size, etag=found.etag, modified=found.modified)


def _gone(bucket: str, item: Item) -> VectoraError:
    return VectoraError(
        f"s3://{bucket}/{item.path} changed while it was read, and the version that was listed is gone: try again."
    )


def last_runs(account: Account, bucket: str) -> dict[str, str]:
    """Return the prefix of the newest day by the prefix of stage and client, such as `curated/lai_weekly/`."""
    s3 = account.client("s3")
    found = {}
    for stage in ("curated/", "ingested/"):
        for client in _folders(s3, bucket, stage):
            if client.startswith(OMITTED_PREFIXES):
                continue
            found[client] = _newest_day(s3, bucket, client)
    return found


def _newest_day(s3: Any, bucket: str, client: str) -> str:
    """Return the prefix of the newest day below a client's prefix, or that prefix when there is none."""
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=client)
    if not listed["IsTruncated"]:
        days = (DAY.match(each["Key"].removeprefix(client)) for each in listed.get("Contents", []))
        return client + max((day[0] for day in days if day), default="")
    newest = client
    for digits in (4, 2, 2):
        names = [name for name in _folders(s3, bucket, newest) if _is_number(name, digits)]
        if not names:
            return client
        newest = max(names)
    return newest


def _folders(s3: Any, bucket: str, prefix: str) -> list[str]:
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
        return [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]
    except ClientError as error:
        if is_absent(error, "bucket"):
            return []
        raise


def _is_number(prefix: str, digits: int) -> bool:
    name = prefix.rstrip("/").rpartition("/")[2]
    return len(name) == digits and name.isdecimal()
