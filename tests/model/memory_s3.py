"""In-memory S3: versions, conditional writes and Object Lock, all timed by one clock of the store."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from itertools import count
from typing import Any

from tests.model.memory_answers import metadata, refused
from tests.model.store_time import StoreTime

# Fields of PutObject that GetObject and HeadObject return, with their headers (S3 API reference).
STORED_FIELDS = {
    "ContentType": "content-type",
    "ContentEncoding": "content-encoding",
    "ContentDisposition": "content-disposition",
    "ContentLanguage": "content-language",
    "CacheControl": "cache-control",
    "Expires": "expires",
    "WebsiteRedirectLocation": "x-amz-website-redirect-location",
    "StorageClass": "x-amz-storage-class",
}
FIELDS_BY_HEADER = {header: name for name, header in STORED_FIELDS.items()} | {"x-amz-tagging": "Tagging"}
USER_METADATA = "x-amz-meta-"
# What S3 stores when a request names no type (S3 user guide, object metadata).
CONTENT_TYPE = "binary/octet-stream"
LISTED_AT_ONCE = 1000


@dataclass
class Version:
    """One version of an object; a delete marker has no body."""

    version_id: str
    body: bytes | None
    at: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    retained_until: datetime | None = None

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body or b"", usedforsecurity=False).hexdigest()}"'


@dataclass
class MemoryBucket:
    """A versioned bucket. `lock_days` is its default retention; versions are oldest first."""

    lock_days: int = 0
    keys: dict[str, list[Version]] = field(default_factory=dict)

    def current(self, key: str) -> Version | None:
        versions = self.keys.get(key)
        return versions[-1] if versions and versions[-1].body is not None else None

    def bodies(self, prefix: str = "") -> dict[str, bytes]:
        """Return the current objects, for tests."""
        found = ((key, self.current(key)) for key in sorted(self.keys) if key.startswith(prefix))
        return {key: version.body for key, version in found if version is not None and version.body is not None}


class MemoryS3:
    """S3 as the operations use it."""

    def __init__(self, time: StoreTime) -> None:
        self._time = time
        self._ids = count(1)
        self.buckets: dict[str, MemoryBucket] = {}

    def _bucket(self, name: str) -> MemoryBucket:
        if name not in self.buckets:
            raise refused(self._time.now, "NoSuchBucket", status=404)
        return self.buckets[name]

    def _found(self, request: dict[str, Any], absent: str = "NoSuchKey") -> Version:
        bucket = self._bucket(request["Bucket"])
        if version_id := request.get("VersionId"):
            versions = (each for each in bucket.keys.get(request["Key"], []) if each.version_id == version_id)
            found = next(versions, None)
        else:
            found = bucket.current(request["Key"])
        if found is None or found.body is None:
            raise refused(self._time.now, absent, status=404)
        return found

    # --- reads

    def get_object(self, **request: Any) -> dict[str, Any]:
        found = self._found(request)
        if request.get("IfMatch", found.etag).strip('"') != found.etag.strip('"'):
            raise refused(self._time.now, "PreconditionFailed", status=412)
        body = found.body or b""
        answer = self._head(found)
        if "Range" in request:
            first, _, last = request["Range"].removeprefix("bytes=").partition("-")
            body = body[int(first) : int(last) + 1]
            answer["ContentRange"] = f"bytes {first}-{last}/{len(found.body or b'')}"
        return {**answer, "ContentLength": len(body), "Body": BytesIO(body)}

    def head_object(self, **request: Any) -> dict[str, Any]:
        return self._head(self._found(request, "404"))

    def _head(self, found: Version) -> dict[str, Any]:
        answered = metadata(self._time.now)
        own = {header: found.fields[name] for name, header in STORED_FIELDS.items() if name in found.fields}
        user = {f"{USER_METADATA}{name}": value for name, value in found.fields.get("Metadata", {}).items()}
        stored = {"etag": found.etag, "last-modified": format_datetime(found.at.replace(microsecond=0), usegmt=True)}
        answered["HTTPHeaders"].update({**own, **user, **stored})
        return {
            "ResponseMetadata": answered,
            **found.fields,
            "ETag": found.etag,
            "VersionId": found.version_id,
            # S3 answers in whole seconds (Last-Modified is an HTTP date).
            "LastModified": found.at.replace(microsecond=0),
            "ContentLength": len(found.body or b""),
            "Metadata": dict(found.fields.get("Metadata", {})),
            **({"TagCount": len(found.tags)} if found.tags else {}),
        }

    def get_object_tagging(self, **request: Any) -> dict[str, Any]:
        return {"TagSet": list(self._found(request).tags)}

    def put_object_tagging(self, **request: Any) -> dict[str, Any]:
        self._found(request).tags = list(request["Tagging"]["TagSet"])
        return {}

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        prefix, delimiter = request.get("Prefix", ""), request.get("Delimiter")
        after = request.get("StartAfter", "")
        contents: list[dict[str, Any]] = []
        folders: dict[str, None] = {}
        for key, version in self._current(request["Bucket"], prefix):
            rest = key.removeprefix(prefix)
            if key <= after:
                continue
            if delimiter and delimiter in rest:
                folders[prefix + rest.partition(delimiter)[0] + delimiter] = None
                continue
            listed = {"Key": key, "Size": len(version.body or b""), "ETag": version.etag}
            storage = version.fields.get("StorageClass", "STANDARD")
            contents.append({**listed, "LastModified": version.at, "StorageClass": storage})
        assert len(contents) < LISTED_AT_ONCE, "the model has no pages"
        return {
            "Contents": contents,
            "CommonPrefixes": [{"Prefix": each} for each in folders],
            "IsTruncated": False,
            "KeyCount": len(contents) + len(folders),
        }

    def _current(self, bucket: str, prefix: str) -> Iterator[tuple[str, Version]]:
        found = self._bucket(bucket)
        for key in sorted(found.keys):
            if key.startswith(prefix) and (version := found.current(key)) is not None:
                yield key, version

    def list_object_versions(self, **request: Any) -> dict[str, Any]:
        bucket = self._bucket(request["Bucket"])
        versions: list[dict[str, Any]] = []
        markers: list[dict[str, Any]] = []
        for key in sorted(each for each in bucket.keys if each.startswith(request.get("Prefix", ""))):
            for version in reversed(bucket.keys[key]):
                listed = {"Key": key, "VersionId": version.version_id, "LastModified": version.at}
                listed["IsLatest"] = version is bucket.keys[key][-1]
                if version.body is None:
                    markers.append(listed)
                else:
                    versions.append({**listed, "ETag": version.etag, "Size": len(version.body)})
        return {"Versions": versions, "DeleteMarkers": markers, "IsTruncated": False}

    # --- writes

    def put_object(self, **request: Any) -> dict[str, Any]:
        bucket, key = self._bucket(request["Bucket"]), request["Key"]
        self._require_condition(bucket, request)
        body = request.get("Body", b"")
        body = body.encode() if isinstance(body, str) else bytes(body)
        stated = request.get("ChecksumSHA256")
        if stated and base64.b64decode(stated) != hashlib.sha256(body).digest():
            raise refused(self._time.now, "BadDigest")
        kept = {name: request[name] for name in (*STORED_FIELDS, "Metadata") if request.get(name)}
        kept.setdefault("ContentType", CONTENT_TYPE)
        tags = [
            dict(zip(("Key", "Value"), each.split("=", 1), strict=True))
            for each in request.get("Tagging", "").split("&")
            if each
        ]
        version = Version(f"v{next(self._ids)}", body, self._time.now, kept, tags)
        if bucket.lock_days:
            version.retained_until = self._time.now + timedelta(days=bucket.lock_days)
        bucket.keys.setdefault(key, []).append(version)
        return {"ETag": version.etag, "VersionId": version.version_id}

    def _require_condition(self, bucket: MemoryBucket, request: dict[str, Any]) -> None:
        there = bucket.current(request["Key"])
        if request.get("IfNoneMatch") == "*" and there is not None:
            raise refused(self._time.now, "PreconditionFailed", status=412)
        if wanted := request.get("IfMatch"):
            if there is None:
                raise refused(self._time.now, "NoSuchKey", status=404)
            if there.etag.strip('"') != wanted.strip('"'):
                raise refused(self._time.now, "PreconditionFailed", status=412)

    def delete_object(self, **request: Any) -> dict[str, Any]:
        bucket, key = self._bucket(request["Bucket"]), request["Key"]
        versions = bucket.keys.setdefault(key, [])
        if version_id := request.get("VersionId"):
            for version in [each for each in versions if each.version_id == version_id]:
                if version.retained_until and version.retained_until > self._time.now:
                    message = "Access Denied because object protected by object lock."
                    raise refused(self._time.now, "AccessDenied", message)
                versions.remove(version)
        else:
            self._require_condition(bucket, request)
            versions.append(Version(f"v{next(self._ids)}", None, self._time.now))
        if not versions:
            del bucket.keys[key]
        return {}

    def delete_objects(self, **request: Any) -> dict[str, Any]:
        for each in request["Delete"]["Objects"]:
            self.delete_object(Bucket=request["Bucket"], **each)
        return {}

    # --- Object Lock

    def get_object_lock_configuration(self, **request: Any) -> dict[str, Any]:
        days = self._bucket(request["Bucket"]).lock_days
        if not days:
            raise refused(self._time.now, "ObjectLockConfigurationNotFoundError", status=404)
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}}
        return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": rule}}

    def put_object_retention(self, **request: Any) -> dict[str, Any]:
        version, until = self._found(request), request["Retention"]["RetainUntilDate"]
        if version.retained_until and until < version.retained_until:
            raise refused(self._time.now, "AccessDenied", status=403)
        version.retained_until = until
        return {}

    def get_object_retention(self, **request: Any) -> dict[str, Any]:
        version = self._found(request)
        if version.retained_until is None:
            raise refused(self._time.now, "NoSuchObjectLockConfiguration", status=404)
        return {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": version.retained_until}}


def fields_of(headers: dict[str, str]) -> dict[str, Any]:
    """Return the fields of PutObject that the headers of a request state."""
    lower = {name.lower(): value for name, value in headers.items()}
    user = {name.removeprefix(USER_METADATA): each for name, each in lower.items() if name.startswith(USER_METADATA)}
    fields: dict[str, Any] = {FIELDS_BY_HEADER[name]: each for name, each in lower.items() if name in FIELDS_BY_HEADER}
    return {**fields, **({"Metadata": user} if user else {})}
