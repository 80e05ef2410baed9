"""Objects of a bucket as a source of snapshot items."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import OMITTED_PREFIXES
from vectora_ops.snapshots.items import Item, ItemContent
from vectora_ops.snapshots.object_metadata import TAG_COUNT, metadata_in
from vectora_ops.snapshots.object_store import CHUNK_BYTES
from vectora_ops.snapshots.objects import ListedObject, NoSuchBucketError, ObjectReader, Response
from vectora_shared.aws_errors import is_absent
from vectora_shared.errors import VectoraError
from vectora_shared.keys import day_of_folder, day_of_items_key

# Objects of a component up to which the tags of each are read for each snapshot. Of more objects only those are read
# again that have tags, or a new version: a request for each of 10,000 objects takes a second snapshot from 1 to 6
# seconds (measured with a stand-in for S3 without latency).
ALL_TAGS_UP_TO = 1000
ITEMS_FILE = "items.json"


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
        listed = self._listed(after)
        first = list(islice(listed, ALL_TAGS_UP_TO + 1))
        all_tags = len(first) <= ALL_TAGS_UP_TO
        for found in chain(first, listed):
            yield _item(found, all_tags=all_tags)

    def _listed(self, after: str) -> Iterator[ListedObject]:
        for prefix in self._prefixes:
            for found in self._below(prefix, after):
                start = self._start_of(found.key)
                if found.key >= start and not found.key.startswith(self._excluded):
                    yield found

    def open(self, item: Item) -> ItemContent:
        """Read the object at the version that was listed, even when it was replaced or deleted since.

        Raises ArchivedError when S3 does not return its bytes.
        """
        first = self._read(item, 0)
        return _content(first, self._chunks(item, first))

    def described(self, item: Item) -> ItemContent | None:
        found = self._reader.head(item.path)
        return _content(found, iter(())) if found.found else None

    def tags(self, item: Item, version_id: str | None = None) -> Mapping[str, str] | None:
        return self._reader.tags(item.path, version_id)

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

    def _below(self, prefix: str, after: str) -> Iterator[ListedObject]:
        # With one start below the prefix, the listing skips the days before it.
        starts = [start for longer, start in self.scope.items() if longer.startswith(prefix)]
        start_after = max(after, starts[0] if len(starts) == 1 else "")
        try:
            yield from self._reader.listed(prefix, after=start_after)
        except NoSuchBucketError:
            return


def _item(found: ListedObject, *, all_tags: bool = False) -> Item:
    return Item(
        path=found.key,
        size=found.size,
        etag=found.etag,
        modified=found.modified,
        has_metadata=True,
        storage_class=found.storage_class,
        all_tags=all_tags,
    )


def _content(found: Response, chunks: Iterator[bytes]) -> ItemContent:
    return ItemContent(
        chunks,
        found.version_id,
        found.content_type,
        metadata=metadata_in(found.headers),
        is_tagged=TAG_COUNT in found.headers,
    )


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
    """Return the prefix of the newest day with items below a client's prefix, or that prefix when there is none."""
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=client)
    if not listed["IsTruncated"]:
        keys = [each["Key"] for each in listed.get("Contents", [])]
        days = {key.removesuffix(ITEMS_FILE): day for key in keys if (day := day_of_items_key(key, client))}
        return max(days, key=days.__getitem__, default=client)
    return next((folder for folder in _days(s3, bucket, client) if _has_items(s3, bucket, folder)), client)


def _days(s3: Any, bucket: str, client: str) -> Iterator[str]:
    """Yield the folders of days below a client's prefix, newest first; other folders are none of a run."""
    for year in _folders_backwards(s3, bucket, client):
        for month in _folders_backwards(s3, bucket, year):
            for day in _folders_backwards(s3, bucket, month):
                if day_of_folder(day.removeprefix(client)):
                    yield day


def _has_items(s3: Any, bucket: str, folder: str) -> bool:
    key = f"{folder}{ITEMS_FILE}"
    found = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    return any(each["Key"] == key for each in found.get("Contents", []))


def _folders_backwards(s3: Any, bucket: str, prefix: str) -> list[str]:
    numbers = re.compile(rf"{re.escape(prefix)}(?:[0-9]{{4}}|[0-9]{{2}})/")
    return [folder for folder in reversed(_folders(s3, bucket, prefix)) if numbers.fullmatch(folder)]


def _folders(s3: Any, bucket: str, prefix: str) -> list[str]:
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
        return [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]
    except ClientError as error:
        if is_absent(error, "bucket"):
            return []
        raise
