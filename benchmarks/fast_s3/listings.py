"""Listings of S3: objects in both API versions, versions of objects, and buckets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote
from xml.sax.saxutils import escape

from benchmarks.fast_s3.messages import Request, Response
from benchmarks.fast_s3.objects import timestamp, xml
from benchmarks.fast_s3.store import Bucket, Version

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
# Keys of one page (S3 API reference, ListObjectsV2).
PAGE = 1000


def list_objects(bucket: Bucket, request: Request) -> Response:
    """Return one page of current objects, in the form of ListObjectsV2 or ListObjects."""
    given = request.parameters
    second = given.get("list-type") == "2"
    encoded = _encoder(request)
    after = given.get("continuation-token") or given.get("start-after", "") if second else given.get("marker", "")
    prefix, delimiter = given.get("prefix", ""), given.get("delimiter", "")
    limit = min(int(given.get("max-keys") or PAGE), PAGE)
    rows: list[str] = []
    last, more = "", False
    for key, version in _entries(bucket, prefix, delimiter, after):
        if len(rows) == limit:
            more = True
            break
        rows.append(_object(version, encoded) if version else _common_prefix(key, encoded))
        last = key
    following = ""
    if more:
        name = "NextContinuationToken" if second else "NextMarker"
        following = f"<{name}>{escape(last) if second else encoded(last)}</{name}>"
    return xml(
        f'<ListBucketResult xmlns="{NAMESPACE}"><Name>{bucket.name}</Name><Prefix>{encoded(prefix)}</Prefix>'
        f"{f'<KeyCount>{len(rows)}</KeyCount>' if second else ''}<MaxKeys>{limit}</MaxKeys>"
        f"{_encoding(request)}<IsTruncated>{str(more).lower()}</IsTruncated>{following}{''.join(rows)}"
        "</ListBucketResult>"
    )


def list_versions(bucket: Bucket, request: Request) -> Response:
    """Return one page of versions and delete markers, newest first for each key."""
    given = request.parameters
    encoded = _encoder(request)
    marker, version_marker = given.get("key-marker", ""), given.get("version-id-marker", "")
    limit = min(int(given.get("max-keys") or PAGE), PAGE)
    rows: list[str] = []
    last: Version | None = None
    more = False
    for version, is_latest in _versions(bucket, given.get("prefix", ""), marker, version_marker):
        if len(rows) == limit:
            more = True
            break
        rows.append(_version(version, is_latest, encoded))
        last = version
    following = ""
    if more and last:
        following = (
            f"<NextKeyMarker>{encoded(last.key)}</NextKeyMarker>"
            f"<NextVersionIdMarker>{last.version_id}</NextVersionIdMarker>"
        )
    return xml(
        f'<ListVersionsResult xmlns="{NAMESPACE}"><Name>{bucket.name}</Name>{_encoding(request)}'
        f"<MaxKeys>{limit}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>{following}{''.join(rows)}"
        "</ListVersionsResult>"
    )


def list_buckets(buckets: Iterable[str]) -> Response:
    """Return the names of all buckets."""
    rows = "".join(
        f"<Bucket><Name>{name}</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>" for name in buckets
    )
    return xml(f'<ListAllMyBucketsResult xmlns="{NAMESPACE}"><Buckets>{rows}</Buckets></ListAllMyBucketsResult>')


def _entries(bucket: Bucket, prefix: str, delimiter: str, after: str) -> Iterator[tuple[str, Version | None]]:
    """Yield keys with their current versions, and common prefixes without one."""
    seen = ""
    for key in bucket.keys(prefix, after):
        if delimiter and (end := key.find(delimiter, len(prefix))) >= 0:
            common = key[: end + len(delimiter)]
            if common != seen and not (after and after.startswith(common)):
                seen = common
                yield common, None
        elif (version := bucket.find(key)) is not None:
            yield key, version


def _versions(bucket: Bucket, prefix: str, marker: str, version_marker: str) -> Iterator[tuple[Version, bool]]:
    if marker and version_marker and marker.startswith(prefix):
        older = [each.version_id for each in reversed(bucket.versions.get(marker, []))]
        if version_marker in older:
            skipped = older.index(version_marker) + 1
            for version in list(reversed(bucket.versions[marker]))[skipped:]:
                yield version, False
    for key in bucket.keys(prefix, marker):
        for number, version in enumerate(reversed(bucket.versions[key])):
            yield version, number == 0


def _object(version: Version, encoded: Callable[[str], str]) -> str:
    return (
        f"<Contents><Key>{encoded(version.key)}</Key><LastModified>{timestamp(version)}</LastModified>"
        f"<ETag>&quot;{version.etag[1:-1]}&quot;</ETag><Size>{version.size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def _common_prefix(prefix: str, encoded: Callable[[str], str]) -> str:
    return f"<CommonPrefixes><Prefix>{encoded(prefix)}</Prefix></CommonPrefixes>"


def _version(version: Version, is_latest: bool, encoded: Callable[[str], str]) -> str:
    kind = "DeleteMarker" if version.body is None else "Version"
    content = "" if version.body is None else f"<ETag>{version.etag}</ETag><Size>{version.size}</Size>"
    return (
        f"<{kind}><Key>{encoded(version.key)}</Key><VersionId>{version.version_id}</VersionId>"
        f"<IsLatest>{str(is_latest).lower()}</IsLatest><LastModified>{timestamp(version)}</LastModified>"
        f"{content}</{kind}>"
    )


def _encoder(request: Request) -> Callable[[str], str]:
    return quote if request.parameters.get("encoding-type") == "url" else escape


def _encoding(request: Request) -> str:
    return "<EncodingType>url</EncodingType>" if request.parameters.get("encoding-type") == "url" else ""
