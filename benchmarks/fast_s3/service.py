"""The service: which operation a request means, and its response."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote
from xml.sax.saxutils import unescape

from benchmarks.fast_s3 import listings, objects
from benchmarks.fast_s3.messages import Refusal, Request, Response, Usage
from benchmarks.fast_s3.objects import xml
from benchmarks.fast_s3.store import Bucket

VERSIONING = "<VersioningConfiguration/>"
OF_LISTINGS = {
    *("list-type", "prefix", "delimiter", "max-keys", "encoding-type", "fetch-owner", "marker", "start-after"),
    *("continuation-token", "versions", "key-marker", "version-id-marker", "x-id"),
}
DELETED = re.compile(r"<Object>(.*?)</Object>", re.DOTALL)
KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)
VERSION_ID = re.compile(r"<VersionId>(.*?)</VersionId>")


class Service:
    """Buckets with their operations; `usage` counts the requests."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.buckets: dict[str, Bucket] = {}
        self.usage = Usage()

    def respond(self, request: Request) -> Response:
        """Carry out a request; refusals are responses too."""
        name, key = request.address
        operation = operation_of(request, name, key)
        counted = self.usage.operations
        counted[operation] = counted.get(operation, 0) + 1
        try:
            return self._perform(operation, request, name, key)
        except Refusal as refusal:
            return refusal.response()

    def _perform(self, operation: str, request: Request, name: str, key: str) -> Response:
        if operation == "ListBuckets":
            return listings.list_buckets(self.buckets)
        if operation == "CreateBucket":
            return self._create(name)
        bucket = self._bucket(name)
        if operation == "CopyObject":
            source = self._bucket(unquote(request.headers["x-amz-copy-source"]).lstrip("/").partition("/")[0])
            return objects.copy_object(source, bucket, key, request)
        if operation in OF_OBJECTS:
            return OF_OBJECTS[operation](bucket, key, request)
        if operation in OF_BUCKETS:
            return OF_BUCKETS[operation](bucket, request)
        raise Refusal(501, "NotImplemented", f"The stand-in does not have {request.method} {request.target}.")

    def _create(self, name: str) -> Response:
        if name in self.buckets:
            raise Refusal(409, "BucketAlreadyOwnedByYou", "The bucket exists.")
        self.buckets[name] = Bucket(name, self.region)
        return Response(200, b"", (("Location", f"/{name}"),))

    def _bucket(self, name: str) -> Bucket:
        if name not in self.buckets:
            raise Refusal(404, "NoSuchBucket", "The bucket does not exist.")
        return self.buckets[name]


def operation_of(request: Request, bucket: str, key: str) -> str:
    """Return the name of the operation in S3's API; GET and HEAD of an object are the most frequent."""
    if not bucket:
        return "ListBuckets"
    names = request.parameters.keys() if request.query else ()
    if not key:
        return _bucket_operation(request.method, names)
    if "tagging" in names:
        return "GetObjectTagging" if request.method == "GET" else "Unknown"
    if "retention" in names:
        return "GetObjectRetention" if request.method == "GET" else "PutObjectRetention"
    if request.method == "PUT":
        if "uploadId" in names:
            return "UploadPart"
        return "CopyObject" if "x-amz-copy-source" in request.headers else "PutObject"
    if request.method == "POST":
        return "CreateMultipartUpload" if "uploads" in names else "CompleteMultipartUpload"
    if request.method == "DELETE":
        return "AbortMultipartUpload" if "uploadId" in names else "DeleteObject"
    return {"GET": "GetObject", "HEAD": "HeadObject"}.get(request.method, "Unknown")


def _bucket_operation(method: str, names: object) -> str:
    present = set(names)  # type: ignore[call-overload]
    for name, operation in (
        ("location", "BucketLocation"),
        ("versioning", "BucketVersioning"),
        ("object-lock", "ObjectLockConfiguration"),
    ):
        if name in present:
            return f"{'Put' if method == 'PUT' else 'Get'}{operation}"
    if method == "GET":
        if present - OF_LISTINGS:
            return "Unknown"
        return "ListObjectVersions" if "versions" in present else "ListObjects"
    names_of_methods = {"PUT": "CreateBucket", "HEAD": "HeadBucket", "POST": "DeleteObjects", "DELETE": "DeleteBucket"}
    return names_of_methods.get(method, "Unknown")


def _location(bucket: Bucket, request: Request) -> Response:
    return xml(f'<LocationConstraint xmlns="{listings.NAMESPACE}">{bucket.region}</LocationConstraint>')


def _get_versioning(bucket: Bucket, request: Request) -> Response:
    return xml(bucket.versioning.decode("utf-8") if bucket.versioning else VERSIONING)


def _put_versioning(bucket: Bucket, request: Request) -> Response:
    bucket.versioning = request.body
    return Response(200)


def _get_object_lock(bucket: Bucket, request: Request) -> Response:
    if bucket.object_lock is None:
        raise Refusal(404, "ObjectLockConfigurationNotFoundError", "The bucket has no Object Lock.")
    return xml(bucket.object_lock.decode("utf-8"))


def _put_object_lock(bucket: Bucket, request: Request) -> Response:
    bucket.object_lock = request.body
    return Response(200)


def _head_bucket(bucket: Bucket, request: Request) -> Response:
    return Response(200, b"", (("x-amz-bucket-region", bucket.region),))


def _delete_objects(bucket: Bucket, request: Request) -> Response:
    for found in DELETED.findall(request.body.decode("utf-8")):
        key, version = KEY.search(found), VERSION_ID.search(found)
        if key:
            entities = {"&quot;": '"', "&apos;": "'"}
            objects.delete_object(bucket, unescape(key[1], entities), version[1] if version else "")
    return xml("<DeleteResult/>")


def _delete(bucket: Bucket, key: str, request: Request) -> Response:
    return objects.delete_object(bucket, key, request.parameters.get("versionId", ""))


def _abort(bucket: Bucket, key: str, request: Request) -> Response:
    bucket.uploads.pop(request.parameters["uploadId"], None)
    return Response(204)


def _tags(bucket: Bucket, key: str, request: Request) -> Response:
    # Nothing that is measured has tags.
    return xml("<Tagging><TagSet/></Tagging>")


def _upload_part(bucket: Bucket, key: str, request: Request) -> Response:
    return objects.upload_part(bucket, request)


OF_OBJECTS: dict[str, Callable[[Bucket, str, Request], Response]] = {
    "GetObject": objects.get_object,
    "HeadObject": objects.get_object,
    "PutObject": objects.put_object,
    "DeleteObject": _delete,
    "CreateMultipartUpload": objects.begin_upload,
    "UploadPart": _upload_part,
    "CompleteMultipartUpload": objects.complete_upload,
    "AbortMultipartUpload": _abort,
    "GetObjectTagging": _tags,
    "GetObjectRetention": objects.retention,
    "PutObjectRetention": objects.retention,
}
OF_BUCKETS: dict[str, Callable[[Bucket, Request], Response]] = {
    "HeadBucket": _head_bucket,
    "ListObjects": listings.list_objects,
    "ListObjectVersions": listings.list_versions,
    "DeleteObjects": _delete_objects,
    "GetBucketLocation": _location,
    "GetBucketVersioning": _get_versioning,
    "PutBucketVersioning": _put_versioning,
    "GetObjectLockConfiguration": _get_object_lock,
    "PutObjectLockConfiguration": _put_object_lock,
}
