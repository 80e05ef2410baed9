"""Definitions of existing functions, buckets, bucket policies and log groups, as templates state them.

Every property is stated, also with its default: Lambda leaves a setting as it is when a request omits it
(UpdateFunctionConfiguration, API reference), so an omitted property could survive a rollback.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.secret_names import may_hold_secret
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError

Properties = dict[str, Any]
# Below it are the packages of functions that were deployed by hand.
ADOPTED_CODE = "adopted/"
# Only AWS may set such tags (AWS General Reference, tag naming limits).
RESERVED_TAG_PREFIX = "aws:"
# By property of AWS::S3::Bucket: the operation of S3, the key of its answer, and the error that means "not set".
_BUCKET_SETTINGS = (
    ("BucketEncryption", "get_bucket_encryption", "ServerSideEncryptionConfiguration"),
    ("PublicAccessBlockConfiguration", "get_public_access_block", "PublicAccessBlockConfiguration"),
    ("OwnershipControls", "get_bucket_ownership_controls", "OwnershipControls"),
)
_NOT_SET = (
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchPublicAccessBlockConfiguration",
    "OwnershipControlsNotFoundError",
    "NoSuchTagSet",
    "NoSuchBucketPolicy",
)


@dataclass(frozen=True)
class CodeObject:
    """The S3 object that holds, or is to hold, the code of a function."""

    bucket: str
    sha256: str

    @property
    def key(self) -> str:
        return f"{ADOPTED_CODE}{self.sha256}.zip"

    @property
    def properties(self) -> Properties:
        return {"S3Bucket": self.bucket, "S3Key": self.key}


def code_of(answer: Mapping[str, Any], bucket: str) -> CodeObject:
    """Return the object for the code of a function that GetFunction described."""
    return CodeObject(bucket, base64.b64decode(answer["Configuration"]["CodeSha256"]).hex())


def function_properties(answer: Mapping[str, Any], code: Mapping[str, Any]) -> Properties:
    """Return the properties of a function that GetFunction described, with `code` as its code.

    Raises VectoraError for a function whose template would hold a secret, and for one that runs a container image.
    """
    found = answer["Configuration"]
    name = found["FunctionName"]
    variables = found.get("Environment", {}).get("Variables", {})
    if secrets := sorted(filter(may_hold_secret, variables)):
        raise VectoraError(
            f"Variable {secrets[0]} of function {name} may hold a secret, which the stack's template would show to "
            "all who may read it. Put it into a SecureString parameter, and rename or delete the variable first."
        )
    if found.get("PackageType", "Zip") != "Zip":
        raise VectoraError(f"Function {name} runs a container image: no snapshot holds it, so it cannot be adopted.")
    stated = {
        "FunctionName": name,
        "Description": found.get("Description", ""),
        "Runtime": found["Runtime"],
        "Handler": found["Handler"],
        "Role": found["Role"],
        "Code": dict(code),
        "MemorySize": found["MemorySize"],
        "Timeout": found["Timeout"],
        "Architectures": found.get("Architectures", ["x86_64"]),
        "Layers": [layer["Arn"] for layer in found.get("Layers", [])],
        "Environment": {"Variables": dict(variables)},
        "EphemeralStorage": {"Size": found.get("EphemeralStorage", {}).get("Size", 512)},
        "TracingConfig": {"Mode": found.get("TracingConfig", {}).get("Mode", "PassThrough")},
        "Tags": _tags(answer.get("Tags", {})),
    }
    optional = {
        "LoggingConfig": found.get("LoggingConfig"),
        "DeadLetterConfig": found.get("DeadLetterConfig"),
        "KmsKeyArn": found.get("KMSKeyArn"),
        "FileSystemConfigs": found.get("FileSystemConfigs"),
        "VpcConfig": _vpc(found.get("VpcConfig", {})),
        "ReservedConcurrentExecutions": answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
    }
    return {**stated, **{key: value for key, value in optional.items() if value not in (None, {}, [])}}


def _vpc(found: Mapping[str, Any]) -> Properties:
    return {key: found[key] for key in ("SubnetIds", "SecurityGroupIds") if found.get(key)}


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    own = {key: value for key, value in sorted(tags.items()) if not key.startswith(RESERVED_TAG_PREFIX)}
    return [{"Key": key, "Value": value} for key, value in own.items()]


def bucket_properties(account: Account, name: str) -> Properties:
    """Return the properties of a bucket, without rules of its lifecycle, which no rollback could undo."""
    s3 = account.client("s3")
    properties: Properties = {"BucketName": name}
    if status := s3.get_bucket_versioning(Bucket=name).get("Status"):
        properties["VersioningConfiguration"] = {"Status": status}
    for key, operation, field in _BUCKET_SETTINGS:
        if answer := _setting(s3, operation, name):
            properties[key] = _as_property(key, answer[field])
    if answer := _setting(s3, "get_bucket_tagging", name):
        properties["Tags"] = _tags({tag["Key"]: tag["Value"] for tag in answer["TagSet"]})
    return properties


def _as_property(key: str, value: Any) -> Any:
    """Return a setting in CloudFormation's words, which differ from those of S3's API for encryption."""
    if key != "BucketEncryption":
        return value
    rules = [
        {
            "ServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"],
            **({"BucketKeyEnabled": rule["BucketKeyEnabled"]} if "BucketKeyEnabled" in rule else {}),
        }
        for rule in value["Rules"]
        if "ApplyServerSideEncryptionByDefault" in rule
    ]
    return {"ServerSideEncryptionConfiguration": rules}


def policy_of_bucket(account: Account, name: str) -> Properties | None:
    """Return the properties of a bucket's policy, or None when the bucket, or a policy of it, does not exist."""
    try:
        answer = _setting(account.client("s3"), "get_bucket_policy", name)
    except ClientError as error:
        if is_absent(error, "bucket"):
            return None
        raise
    return {"Bucket": name, "PolicyDocument": json.loads(answer["Policy"])} if answer else None


def _setting(s3: Any, operation: str, bucket: str) -> Mapping[str, Any] | None:
    try:
        answer: Mapping[str, Any] = getattr(s3, operation)(Bucket=bucket)
    except ClientError as error:
        if error_code(error) in _NOT_SET:
            return None
        raise
    return answer


def log_group_properties(account: Account, name: str) -> Properties | None:
    """Return the properties of a log group, or None when there is none of this name."""
    groups = account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    for group in groups:
        if group["logGroupName"] == name:
            retention = group.get("retentionInDays")
            return {"LogGroupName": name, **({"RetentionInDays": retention} if retention else {})}
    return None
