"""Permissions between an environment's vault and its copy."""

from __future__ import annotations

from collections.abc import Mapping

from vectora_constructs.service_role import Grant
from vectora_ops.names import Names

# Written by vectora_ops.snapshots.copied_anchors.
ANCHORS_PREFIX = "anchors/"
EVERY_OBJECT = "Objects of the vault are named by the digest of their content."
# Actions by which objects of the copy, their versions or their locks would be lost or replaced. ReplicateObject is none
# of them: S3 writes replicas by an action of its own (service authorization reference).
CHANGES_OF_OBJECTS = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:ReplicateDelete",
)
# A lifecycle rule would delete what is not locked any more.
CHANGES_OF_THE_BUCKET = ("s3:DeleteBucket", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration")
READ_OBJECTS = ("s3:GetObject", "s3:GetObjectRetention", "s3:GetObjectVersion")
READ_BUCKET = (
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketVersioning",
    "s3:ListBucket",
    "s3:ListBucketVersions",
)


def replication_grants(names: Names, copy_account: str) -> tuple[Grant, ...]:
    """Return the grants of the role with which S3 replicates the vault.

    S3 user guide, "Setting up permissions for live replication". The retention of locked objects is replicated with
    GetObjectRetention and GetObjectLegalHold ("Using Object Lock with S3 Replication").
    """
    vault, copy = f"arn:aws:s3:::{names.bucket('snapshots')}", f"arn:aws:s3:::{names.copy_bucket('snapshots-copy')}"
    return (
        Grant(sid="ListVault", actions=("s3:GetReplicationConfiguration", "s3:ListBucket"), resources=(vault,)),
        Grant(
            sid="ReadVault",
            actions=(
                "s3:GetObjectLegalHold",
                "s3:GetObjectRetention",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ),
            resources=(f"{vault}/*",),
            wildcard_reason=EVERY_OBJECT,
        ),
        Grant(
            sid="WriteCopy",
            actions=("s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateObject", "s3:ReplicateTags"),
            resources=(f"{copy}/*",),
            wildcard_reason=EVERY_OBJECT,
            bucket_account=copy_account,
        ),
    )


def anchor_grant(names: Names, copy_account: str) -> Grant:
    """Return the grant of function promotion, which writes the anchors of snapshots into the copy."""
    return Grant(
        sid="AnchorInCopy",
        actions=("s3:PutObject",),
        resources=(f"arn:aws:s3:::{names.copy_bucket('snapshots-copy')}/{ANCHORS_PREFIX}*",),
        wildcard_reason="Anchors are named by their snapshots.",
        bucket_account=copy_account,
    )


def copy_statements(names: Names, source_account: str) -> list[Mapping[str, object]]:
    """Return the statements of the copy's bucket policy, besides those of every bucket.

    The environment's account may read what came from it. Its root stands for it: a policy that names a role is refused
    before the role exists (IAM user guide, principal elements), and the copy is created first.
    """
    bucket = f"arn:aws:s3:::{names.copy_bucket('snapshots-copy')}"
    source: dict[str, object] = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{source_account}:root"}}
    everyone: dict[str, object] = {"Effect": "Deny", "Principal": {"AWS": "*"}}
    anchors = {"Action": "s3:PutObject", "Resource": f"{bucket}/{ANCHORS_PREFIX}*"}
    promotion = role_arn(names, source_account, "promotion")
    return [
        {
            "Sid": "AllowReplication",
            **source,
            "Action": ["s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateObject", "s3:ReplicateTags"],
            "Resource": f"{bucket}/*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": role_arn(names, source_account, "replication")}},
        },
        {"Sid": "AllowAnchors", **source, **anchors, "Condition": {"ArnEquals": {"aws:PrincipalArn": promotion}}},
        {"Sid": "AllowReadingObjects", **source, "Action": list(READ_OBJECTS), "Resource": f"{bucket}/*"},
        {"Sid": "AllowReadingTheBucket", **source, "Action": list(READ_BUCKET), "Resource": bucket},
        {"Sid": "DenyWrites", **everyone, "Action": "s3:PutObject", "NotResource": anchors["Resource"]},
        {
            "Sid": "DenyAnchorsOfOthers",
            **everyone,
            **anchors,
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": promotion}},
        },
        {
            "Sid": "DenyReplacedAnchors",
            **everyone,
            **anchors,
            "Condition": {"Null": {"s3:if-none-match": "true"}},
        },
        {"Sid": "DenyChangesOfObjects", **everyone, "Action": list(CHANGES_OF_OBJECTS), "Resource": f"{bucket}/*"},
        {"Sid": "DenyChangesOfTheBucket", **everyone, "Action": list(CHANGES_OF_THE_BUCKET), "Resource": bucket},
    ]


def role_arn(names: Names, account: str, task: str) -> str:
    """Return the ARN of a role of the environment."""
    return f"arn:aws:iam::{account}:role{names.role_path}{names.role(task)}"
