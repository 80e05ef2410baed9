"""Operations of S3 on one object: reads, writes, copies, uploads in parts, deletions and locks."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from email.utils import format_datetime
from urllib.parse import unquote

from benchmarks.fast_s3.messages import Refusal, Request, Response
from benchmarks.fast_s3.store import Bucket, Upload, Version, checksum

CHECKSUMS = ("crc32", "sha1", "sha256")
STORED_HEADERS = ("content-type", "content-encoding", "content-disposition", "cache-control", "content-language")
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def get_object(bucket: Bucket, key: str, request: Request) -> Response:
    """Return an object, a version of it, or a range of its bytes."""
    version = _found(bucket, key, request)
    response = Response(200, version.body or b"", _headers(bucket, version, request))
    if request.method == "HEAD":
        response.length, response.body = len(response.body), b""
    elif "range" in request.headers:
        _cut(response, request.headers["range"])
    return response


def put_object(bucket: Bucket, key: str, request: Request) -> Response:
    """Store an object unless its condition or a checksum fails."""
    _check_write(bucket, key, request)
    given = request.headers.get("content-md5")
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    if given and given != base64.b64encode(digest).decode("ascii"):
        raise Refusal(400, "BadDigest", "The MD5 is not that of the body.")
    checks = []
    for algorithm in CHECKSUMS:
        name = f"x-amz-checksum-{algorithm}"
        if name in request.headers:
            if request.headers[name] != checksum(algorithm, request.body):
                raise Refusal(400, "BadDigest", f"The {algorithm} is not that of the body.")
            checks.append((name, request.headers[name]))
    version = bucket.put(key, request.body, (*_stored_headers(request), *checks), digest.hex())
    return Response(200, b"", (("ETag", version.etag), *_version_header(bucket, version), *checks))


def copy_object(source: Bucket, bucket: Bucket, key: str, request: Request) -> Response:
    """Copy an object of any bucket."""
    origin, _, version_id = request.headers["x-amz-copy-source"].partition("?versionId=")
    found = source.find(unquote(origin).lstrip("/").partition("/")[2], version_id)
    if found is None:
        raise Refusal(404, "NoSuchKey", "The source of the copy does not exist.")
    replaced = request.headers.get("x-amz-metadata-directive", "").upper() == "REPLACE"
    headers = _stored_headers(request) if replaced else found.headers
    version = bucket.put(key, found.body, headers, found.etag.strip('"'))
    text = (
        f"<CopyObjectResult><LastModified>{timestamp(version)}</LastModified><ETag>{version.etag}</ETag>"
        "</CopyObjectResult>"
    )
    return xml(text, _version_header(bucket, version))


def delete_object(bucket: Bucket, key: str, version_id: str) -> Response:
    """Delete a version, or hide the object behind a delete marker in a versioned bucket."""
    if version_id or not bucket.is_versioned:
        bucket.remove(key, version_id or "null")
        return Response(204)
    marker = bucket.put(key, None)
    return Response(204, b"", (("x-amz-delete-marker", "true"), ("x-amz-version-id", marker.version_id)))


def begin_upload(bucket: Bucket, key: str, request: Request) -> Response:
    """Begin an upload in parts."""
    upload_id = uuid.uuid4().hex
    bucket.uploads[upload_id] = Upload(key, _stored_headers(request))
    return xml(
        f"<InitiateMultipartUploadResult><Bucket>{bucket.name}</Bucket><UploadId>{upload_id}</UploadId>"
        "</InitiateMultipartUploadResult>"
    )


def upload_part(bucket: Bucket, request: Request) -> Response:
    """Store one part of an upload."""
    upload = _upload(bucket, request)
    upload.parts[int(request.parameters["partNumber"])] = request.body
    return Response(200, b"", (("ETag", f'"{hashlib.md5(request.body, usedforsecurity=False).hexdigest()}"'),))


def complete_upload(bucket: Bucket, key: str, request: Request) -> Response:
    """Join the parts of an upload that the request names."""
    upload = _upload(bucket, request)
    numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", request.body)]
    parts = [upload.parts[number] for number in numbers]
    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in parts)
    etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
    version = bucket.put(key, b"".join(parts), upload.headers, etag)
    del bucket.uploads[request.parameters["uploadId"]]
    text = f"<CompleteMultipartUploadResult><ETag>{version.etag}</ETag></CompleteMultipartUploadResult>"
    return xml(text, _version_header(bucket, version))


def retention(bucket: Bucket, key: str, request: Request) -> Response:
    """Read or write the retention of a version."""
    version = bucket.find(key, request.parameters.get("versionId", ""))
    if version is None:
        raise Refusal(404, "NoSuchKey", "The object does not exist.")
    if bucket.object_lock is None:
        raise Refusal(400, "InvalidRequest", "Bucket is missing Object Lock Configuration")
    if request.method == "PUT":
        bucket.retention[key, version.version_id] = request.body
        return Response(200)
    if (found := bucket.retention.get((key, version.version_id))) is None:
        raise Refusal(404, "NoSuchObjectLockConfiguration", "The object has no retention.")
    return Response(200, found, (("Content-Type", "application/xml"),))


def xml(text: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Return a response with an XML document."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return Response(200, body, (("Content-Type", "application/xml"), *headers))


def timestamp(version: Version) -> str:
    """Return the time of a version as S3 writes it in XML."""
    return version.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _found(bucket: Bucket, key: str, request: Request) -> Version:
    version = bucket.find(key, request.parameters.get("versionId", "") if request.query else "")
    if version is None:
        raise Refusal(404, "NoSuchKey", "The object does not exist.")
    if "if-match" in request.headers and request.headers["if-match"].strip('"') != version.etag.strip('"'):
        raise Refusal(412, "PreconditionFailed", "The object has another ETag.")
    if request.headers.get("if-none-match", "").strip('"') == version.etag.strip('"'):
        raise Refusal(304, "NotModified", "The object has this ETag.")
    return version


def _headers(bucket: Bucket, version: Version, request: Request) -> tuple[tuple[str, str], ...]:
    # Checksums are returned on request only, and not for a range (S3 API reference, GetObject).
    with_checksums = request.headers.get("x-amz-checksum-mode") == "ENABLED" and "range" not in request.headers
    kept = version.headers
    if not with_checksums:
        kept = tuple(pair for pair in kept if not pair[0].startswith("x-amz-checksum-"))
    return (
        ("ETag", version.etag),
        ("Last-Modified", format_datetime(version.modified, usegmt=True)),
        ("Accept-Ranges", "bytes"),
        *_version_header(bucket, version),
        *kept,
    )


def _cut(response: Response, given: str) -> None:
    found = RANGE.fullmatch(given)
    size = len(response.body)
    if found is None:
        return
    first, last = found[1], found[2]
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size:
        raise Refusal(416, "InvalidRange", "The range begins after the last byte.")
    response.status = 206
    response.headers = (*response.headers, ("Content-Range", f"bytes {start}-{end}/{size}"))
    response.body = response.body[start : end + 1]


def _check_write(bucket: Bucket, key: str, request: Request) -> None:
    current = bucket.find(key)
    if request.headers.get("if-none-match") == "*" and current is not None:
        raise Refusal(412, "PreconditionFailed", "The object exists.")
    if "if-match" in request.headers:
        if current is None:
            raise Refusal(404, "NoSuchKey", "The object does not exist.")
        if request.headers["if-match"].strip('"') != current.etag.strip('"'):
            raise Refusal(412, "PreconditionFailed", "The object has another ETag.")


def _stored_headers(request: Request) -> tuple[tuple[str, str], ...]:
    found = [(name, request.headers[name]) for name in STORED_HEADERS if name in request.headers]
    found += [(name, value) for name, value in request.headers.items() if name.startswith("x-amz-meta-")]
    return tuple(found)


def _version_header(bucket: Bucket, version: Version) -> tuple[tuple[str, str], ...]:
    return (("x-amz-version-id", version.version_id),) if bucket.is_versioned else ()


def _upload(bucket: Bucket, request: Request) -> Upload:
    found = bucket.uploads.get(request.parameters.get("uploadId", ""))
    if found is None:
        raise Refusal(404, "NoSuchUpload", "There is no such upload.")
    return found
