"""Buckets in memory, for every test of the engine."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from vectora_shared.config.configuration import Configuration
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration

CONFIG = Path(__file__).parents[2] / "config"


class MemoryBucket:
    """A bucket that keeps its objects in memory and remembers the order of writes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.objects: dict[str, bytes] = {}

    def read_json(self, key: str) -> Any | None:
        return json.loads(self.objects[key]) if key in self.objects else None

    def read(self, key: str, *, limit: int) -> bytes | None:
        return self.objects[key][:limit] if key in self.objects else None

    def write_json(self, key: str, document: Any) -> None:
        self.objects[key] = json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8")

    def write(self, key: str, body: bytes, content_type: str) -> None:
        self.objects[key] = body

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))


class MemoryS3:
    """The part of an S3 client that the engine uses; `objects` is what the buckets hold, by bucket and key."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.content_types: dict[tuple[str, str], str] = {}
        self.puts: list[str] = []

    def put_object(self, *, Bucket: str, Key: str, Body: bytes | str, **options: Any) -> dict[str, Any]:  # noqa: N803
        self.objects[Bucket, Key] = Body.encode("utf-8") if isinstance(Body, str) else bytes(Body)
        self.content_types[Bucket, Key] = options.get("ContentType", "")
        self.puts.append(Key)
        return {"ETag": '"etag"'}

    def get_object(self, *, Bucket: str, Key: str, Range: str = "bytes=0-") -> dict[str, Any]:  # noqa: N803
        if (Bucket, Key) not in self.objects:
            raise ClientError(
                {"Error": {"Code": "NoSuchKey", "Message": "The specified key does not exist."}}, "GetObject"
            )
        first, _, last = Range.removeprefix("bytes=").partition("-")
        body = self.objects[Bucket, Key][int(first) : int(last) + 1 if last else None]
        return {"Body": io.BytesIO(body)}

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self.objects.pop((Bucket, Key), None)
        return {}

    def list_objects_v2(self, *, Bucket: str, Prefix: str = "") -> dict[str, Any]:  # noqa: N803
        keys = sorted(key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix))
        return {"KeyCount": len(keys), "Contents": [self._entry(Bucket, key) for key in keys], "IsTruncated": False}

    def _entry(self, bucket: str, key: str) -> dict[str, str]:
        return {"Key": key, "ETag": f'"{hashlib.md5(self.objects[bucket, key], usedforsecurity=False).hexdigest()}"'}

    def get_paginator(self, operation: str) -> _Pages:
        return _Pages(self, operation)


class _Pages:
    """Pages of two keys each, so that whoever reads only the first one is found out."""

    def __init__(self, s3: MemoryS3, operation: str) -> None:
        assert operation == "list_objects_v2"
        self._s3 = s3

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        contents = self._s3.list_objects_v2(**request)["Contents"]
        for start in range(0, len(contents), 2):
            yield {"Contents": contents[start : start + 2]}
        if not contents:
            yield {"KeyCount": 0}


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3()


@pytest.fixture
def content() -> FolderContent:
    return FolderContent(CONFIG)


@pytest.fixture(scope="session")
def configuration() -> Configuration:
    return load_configuration(FolderContent(CONFIG), "lai_weekly")


@pytest.fixture
def data() -> MemoryBucket:
    return MemoryBucket("data")


@pytest.fixture
def newsletters() -> MemoryBucket:
    return MemoryBucket("newsletters")
