"""Replicas that S3 writes: by the permissions of the replication's role, with the version id and lock of the source."""

from __future__ import annotations

from typing import Any

from ministack.services import s3  # type: ignore[import-not-found]

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import wrap

SERVICE = "s3.amazonaws.com"
# S3 user guide, "Setting up permissions for live replication", and for locked objects "Using Object Lock with S3
# Replication".
READ = ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging")
READ_LOCK = ("s3:GetObjectRetention", "s3:GetObjectLegalHold")
WRITE = ("s3:ReplicateObject",)


def _destination(original: Any, bucket: str, key: str, rule: dict[str, Any], role: str) -> Any:
    """Return no destination, which fails the replication, where AWS would not write the replica."""
    found = original(bucket, key, rule, role)
    if found is None:
        return None
    name, account, _ = found
    is_locked = bool(s3._bucket_object_lock.get(bucket))
    # Failure reason DstBucketObjectLockConfigMissing (S3 user guide, replication failure reasons).
    if is_locked and not s3._bucket_object_lock.get_scoped(account, None, name):
        return None
    source, replica = f"arn:aws:s3:::{bucket}/{key}", f"arn:aws:s3:::{name}/{key}"
    needed = [(action, source) for action in (*READ, *(READ_LOCK if is_locked else ()))]
    needed += [(action, replica) for action in WRITE]
    may = all(permissions.role_allows(role, action, resource) for action, resource in needed)
    return found if may and permissions.role_trusts(role, SERVICE) else None


def _lock(original: Any, bucket: str, key: str, headers: dict[str, str], version_id: str | None) -> None:
    """Lock an object, and give its replica the same version id and lock.

    S3 user guide, "What does Amazon S3 replicate?": replicas have the version ids and the retention of their sources.
    """
    original(bucket, key, headers, version_id)
    source = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key) or {}
    if not source.get("_replica") or version_id is None:
        return
    name, replica_id, account = source["_replica"]
    source["_replica"] = (name, version_id, account)
    retention = s3._object_retention.get((bucket, key, version_id))
    with s3._in_account(account):
        for version in s3._object_versions.get((name, key), []):
            if version["version_id"] == replica_id:
                version["version_id"] = version_id
        current = s3._buckets[name]["objects"].get(key)
        if current and current.get("version_id") == replica_id:
            current["version_id"] = version_id
        if retention:
            s3._object_retention[(name, key, version_id)] = dict(retention)


def register() -> None:
    """Change which replicas are written, and what they have."""
    wrap(s3, "_replication_destination", _destination)
    wrap(s3, "_apply_object_lock_from_headers", _lock)
