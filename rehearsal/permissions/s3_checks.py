"""Permissions of S3's operations, whose actions seldom have the operations' names.

Sources: "Required permissions for Amazon S3 API operations" (S3 user guide, using-with-s3-policy-actions), and the
operations' pages in the API reference for headers and versions.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.operations import Operation, UnknownOperationError

# Actions on the bucket.
BUCKET_ACTIONS: Mapping[str, str] = {
    "DeleteBucket": "DeleteBucket",
    "DeleteBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "DeleteBucketInventoryConfiguration": "PutInventoryConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketMetricsConfiguration": "PutMetricsConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketPolicy": "DeleteBucketPolicy",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketWebsite": "DeleteBucketWebsite",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketAcl": "GetBucketAcl",
    "GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketLogging": "GetBucketLogging",
    "GetBucketMetricsConfiguration": "GetMetricsConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketOwnershipControls": "GetBucketOwnershipControls",
    "GetBucketPolicy": "GetBucketPolicy",
    "GetBucketPolicyStatus": "GetBucketPolicyStatus",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetBucketRequestPayment": "GetBucketRequestPayment",
    "GetBucketTagging": "GetBucketTagging",
    "GetBucketVersioning": "GetBucketVersioning",
    "GetBucketWebsite": "GetBucketWebsite",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "ListBucketAnalyticsConfigurations": "GetAnalyticsConfiguration",
    "ListBucketIntelligentTieringConfigurations": "GetIntelligentTieringConfiguration",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "ListBucketMetricsConfigurations": "GetMetricsConfiguration",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketAcl": "PutBucketAcl",
    "PutBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketLogging": "PutBucketLogging",
    "PutBucketMetricsConfiguration": "PutMetricsConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketOwnershipControls": "PutBucketOwnershipControls",
    "PutBucketPolicy": "PutBucketPolicy",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutBucketRequestPayment": "PutBucketRequestPayment",
    "PutBucketTagging": "PutBucketTagging",
    "PutBucketVersioning": "PutBucketVersioning",
    "PutBucketWebsite": "PutBucketWebsite",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
# Actions on an object, without and with a version id in the request.
OBJECT_ACTIONS: Mapping[str, tuple[str, str]] = {
    "AbortMultipartUpload": ("AbortMultipartUpload", "AbortMultipartUpload"),
    "CompleteMultipartUpload": ("PutObject", "PutObject"),
    "CopyObject": ("PutObject", "PutObject"),
    "CreateMultipartUpload": ("PutObject", "PutObject"),
    "DeleteObject": ("DeleteObject", "DeleteObjectVersion"),
    "DeleteObjectTagging": ("DeleteObjectTagging", "DeleteObjectVersionTagging"),
    "GetObject": ("GetObject", "GetObjectVersion"),
    "GetObjectAcl": ("GetObjectAcl", "GetObjectVersionAcl"),
    "GetObjectAttributes": ("GetObjectAttributes", "GetObjectVersionAttributes"),
    "GetObjectLegalHold": ("GetObjectLegalHold", "GetObjectLegalHold"),
    "GetObjectRetention": ("GetObjectRetention", "GetObjectRetention"),
    "GetObjectTagging": ("GetObjectTagging", "GetObjectVersionTagging"),
    "HeadObject": ("GetObject", "GetObjectVersion"),
    "ListParts": ("ListMultipartUploadParts", "ListMultipartUploadParts"),
    "PutObject": ("PutObject", "PutObject"),
    "PutObjectAcl": ("PutObjectAcl", "PutObjectVersionAcl"),
    "PutObjectLegalHold": ("PutObjectLegalHold", "PutObjectLegalHold"),
    "PutObjectRetention": ("PutObjectRetention", "PutObjectRetention"),
    "PutObjectTagging": ("PutObjectTagging", "PutObjectVersionTagging"),
    "RestoreObject": ("RestoreObject", "RestoreObject"),
    "SelectObjectContent": ("GetObject", "GetObject"),
    "UploadPart": ("PutObject", "PutObject"),
    "UploadPartCopy": ("PutObject", "PutObject"),
}
# API reference, GetObject and HeadObject: 404 for a missing object only with s3:ListBucket, otherwise 403.
READS_OBJECT = frozenset({"GetObject", "HeadObject", "GetObjectAttributes"})
# Headers that need a permission of their own (API reference, PutObject, CopyObject, CreateMultipartUpload).
HEADER_ACTIONS: Mapping[str, str] = {
    "x-amz-tagging": "PutObjectTagging",
    "x-amz-acl": "PutObjectAcl",
    "x-amz-grant-read": "PutObjectAcl",
    "x-amz-grant-full-control": "PutObjectAcl",
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-object-lock-retain-until-date": "PutObjectRetention",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
    "x-amz-bypass-governance-retention": "BypassGovernanceRetention",
}
# Condition keys with the value of a header (service authorization reference, S3); without the header, no key exists.
_HEADER_KEYS: Mapping[str, str] = {
    "x-amz-acl": "s3:x-amz-acl",
    "x-amz-copy-source": "s3:x-amz-copy-source",
    "x-amz-metadata-directive": "s3:x-amz-metadata-directive",
    "x-amz-server-side-encryption": "s3:x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class": "s3:x-amz-storage-class",
    "x-amz-object-lock-mode": "s3:object-lock-mode",
    "x-amz-object-lock-retain-until-date": "s3:object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold": "s3:object-lock-legal-hold",
    "x-amz-grant-read": "s3:x-amz-grant-read",
    "x-amz-grant-full-control": "s3:x-amz-grant-full-control",
    "if-match": "s3:if-match",
    "if-none-match": "s3:if-none-match",
}
_QUERY_KEYS: Mapping[str, str] = {
    "prefix": "s3:prefix",
    "delimiter": "s3:delimiter",
    "max-keys": "s3:max-keys",
    "versionId": "s3:VersionId",
}
REMAINING_DAYS = "s3:object-lock-remaining-retention-days"
# "false" for the requests of a multipart upload that create no object (S3 user guide, "Enforce conditional writes").
CREATES_OBJECT = "s3:ObjectCreationOperation"
_CREATING = frozenset({"CompleteMultipartUpload", "CopyObject", "PutObject"})
_MARK = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def s3_checks(operation: Operation) -> Iterator[Check]:
    """Yield the checks of S3 for one request; raise UnknownOperationError for an operation without a row here."""
    name, bucket = operation.name, operation.parameters.get("Bucket", "")
    arn = f"arn:aws:s3:::{bucket}"
    if name == "ListBuckets":
        yield _check(operation, "ListAllMyBuckets", "*")
    elif name == "CreateBucket":
        yield from _creation(operation, arn)
    elif name == "DeleteObjects":
        yield from _deletions(operation, arn)
    elif name in BUCKET_ACTIONS:
        yield _check(operation, BUCKET_ACTIONS[name], arn)
    elif name in OBJECT_ACTIONS:
        yield from _of_object(operation, arn)
    else:
        raise UnknownOperationError(
            f"{operation.request.sample}: the permissions of {operation} are not known; add them to "
            "rehearsal/permissions/s3_checks.py."
        )


def _of_object(operation: Operation, bucket: str) -> Iterator[Check]:
    key = f"{bucket}/{operation.parameters['Key']}"
    plain, of_version = OBJECT_ACTIONS[operation.name]
    with_version = "VersionId" in operation.parameters
    yield _check(operation, of_version if with_version else plain, key)
    headers = operation.request.headers
    for action in sorted({action for header, action in HEADER_ACTIONS.items() if header in headers}):
        if action != plain:
            yield _check(operation, action, key)
    if operation.name == "GetObjectAttributes":
        yield _check(operation, "GetObjectVersion" if with_version else "GetObject", key)
    if source := headers.get("x-amz-copy-source"):
        yield _source(operation, source)
    if operation.name in READS_OBJECT and operation.request.status == 404:
        yield _check(operation, "ListBucket", bucket)


def _source(operation: Operation, source: str) -> Check:
    path, _, version = source.partition("?versionId=")
    action = "GetObjectVersion" if version else "GetObject"
    return _check(operation, action, f"arn:aws:s3:::{unquote(path).lstrip('/')}")


def _creation(operation: Operation, bucket: str) -> Iterator[Check]:
    headers = operation.request.headers
    yield _check(operation, "CreateBucket", bucket)
    if headers.get("x-amz-bucket-object-lock-enabled", "").lower() == "true":
        yield _check(operation, "PutBucketObjectLockConfiguration", bucket)
        yield _check(operation, "PutBucketVersioning", bucket)
    if "x-amz-object-ownership" in headers:
        yield _check(operation, "PutBucketOwnershipControls", bucket)
    if "x-amz-acl" in headers:
        yield _check(operation, "PutBucketAcl", bucket)


def _deletions(operation: Operation, bucket: str) -> Iterator[Check]:
    try:
        document = ElementTree.fromstring(operation.request.body)  # noqa: S314
    except ElementTree.ParseError as error:
        raise UnknownOperationError(
            f"{operation.request.sample}: its body, which names the objects, was not recorded completely: {error}"
        ) from error
    for entry in (*document.iter(f"{_MARK}Object"), *document.iter("Object")):
        version = entry.findtext(f"{_MARK}VersionId", entry.findtext("VersionId", ""))
        key = entry.findtext(f"{_MARK}Key", entry.findtext("Key", ""))
        yield _check(operation, "DeleteObjectVersion" if version else "DeleteObject", f"{bucket}/{key}")
    if "x-amz-bypass-governance-retention" in operation.request.headers:
        yield _check(operation, "BypassGovernanceRetention", f"{bucket}/*")


def _check(operation: Operation, action: str, resource: str) -> Check:
    request = operation.request
    query = request.parameters
    values = {key: request.headers[header] for header, key in _HEADER_KEYS.items() if header in request.headers}
    values |= {key: query[name] for name, key in _QUERY_KEYS.items() if name in query}
    values["s3:ResourceAccount"] = request.account
    values["s3:authType"] = "REST-HEADER"
    values["s3:signatureversion"] = "AWS4-HMAC-SHA256"
    if action == "PutObject":
        values[CREATES_OBJECT] = str(operation.name in _CREATING).lower()
    absent = {
        *_HEADER_KEYS.values(),
        *_QUERY_KEYS.values(),
        REMAINING_DAYS,
        CREATES_OBJECT,
        "s3:LocationConstraint",
    } - set(values)
    if until := _until(operation):
        values[REMAINING_DAYS] = str((until - datetime.now(UTC)).days)
        values["s3:object-lock-retain-until-date"] = until.isoformat()
    elif operation.name == "PutObjectRetention":
        absent -= {REMAINING_DAYS, "s3:object-lock-mode", "s3:object-lock-retain-until-date"}
    return Check(f"s3:{action}", resource, values, tuple(sorted(absent - set(values))))


def _until(operation: Operation) -> datetime | None:
    """Return the end of the object's lock, from a header or from PutObjectRetention's body."""
    text = operation.request.headers.get("x-amz-object-lock-retain-until-date", "")
    if operation.name == "PutObjectRetention" and operation.request.body:
        document = ElementTree.fromstring(operation.request.body)  # noqa: S314
        text = document.findtext(f"{_MARK}RetainUntilDate", document.findtext("RetainUntilDate", ""))
    return datetime.fromisoformat(text) if text else None
