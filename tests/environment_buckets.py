"""Buckets of an environment, made for tests that deploy no stacks."""

from __future__ import annotations

from vectora_ops.account import Account
from vectora_ops.names import BucketContent, Names

CONTENTS: tuple[BucketContent, ...] = ("config", "data", "newsletters", "snapshots")


def make_buckets(account: Account, names: Names) -> None:
    """Create the versioned buckets of an environment, and lock the vault for a day."""
    s3 = account.client("s3")
    for content in CONTENTS:
        bucket = names.bucket(content)
        s3.create_bucket(
            Bucket=bucket,
            CreateBucketConfiguration={"LocationConstraint": account.region},
            ObjectLockEnabledForBucket=content == "snapshots",
        )
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=names.bucket("snapshots"), ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
