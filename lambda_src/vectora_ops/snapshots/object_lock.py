"""Object Lock of a vault: how long it retains objects, and which versions it lets be deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.names import Names
from vectora_ops.snapshots.manifest import MissingError
from vectora_ops.store_clock import store_time
from vectora_ops.times import minute
from vectora_shared.aws_errors import error_code, error_message, is_absent
from vectora_shared.errors import VectoraError

DAYS_OF_A_YEAR = 365
# A snapshot takes longer than the vault is open, and an earlier version of this tool may have given it the time of a
# machine.
LOCK_MARGIN = timedelta(days=1)


class ObjectLock:
    """Object Lock of one bucket. `days` is how long it locks new objects, None for a bucket without Object Lock."""

    def __init__(self, s3: Any, bucket: str, names: Names) -> None:
        """Read the bucket's rule; raises VectoraError when there is no such bucket."""
        self._s3 = s3
        self._bucket = bucket
        self.days, self._opened_at = self._read_rule(names)

    def check(self, until: datetime) -> None:
        """Raise VectoraError for a lock that lasts longer than the bucket's own rule.

        The rule is the policy's minimum age: nothing can delete such objects earlier, and they cost until then.
        """
        longest = self._opened_at + timedelta(days=self.days or 0)
        if until > longest + LOCK_MARGIN:
            raise VectoraError(
                f"Nothing is locked until {minute(until)}: {self._bucket} locks for {self.days or 0} days, until "
                f"{minute(longest)} by S3's time. Is this machine's clock right?"
            )

    def extend(self, key: str, until: datetime) -> None:
        """Lock an object until a time; a longer lock stays. Raises MissingError when there is no such object."""
        retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
        try:
            self._s3.put_object_retention(Bucket=self._bucket, Key=key, Retention=retention)
        except ClientError as error:
            if is_absent(error, "object"):
                raise missing_object(key, self._bucket) from error
            # S3 denies a shorter lock than the object has; the longer one is right.
            if error_code(error) != "AccessDenied" or self._retained_until(Key=key)[0] < until:
                raise

    def delete_versions(self, prefix: str) -> int:
        """Delete all versions below a prefix and return how many Object Lock still retains.

        Delete markers go last, and only when no version is left: a retained version stays hidden.
        """
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
        versions, markers = [], []
        for page in pages:
            versions += [(each["Key"], each["VersionId"]) for each in page.get("Versions", [])]
            markers += [(each["Key"], each["VersionId"]) for each in page.get("DeleteMarkers", [])]
        retained = sum(not self._delete_version(key, version_id) for key, version_id in versions)
        if not retained:
            for key, version_id in markers:
                self._delete_version(key, version_id)
        return retained

    def _read_rule(self, names: Names) -> tuple[int | None, datetime]:
        """Return the days of the default retention, None without Object Lock, and S3's time now."""
        try:
            answer = self._s3.get_object_lock_configuration(Bucket=self._bucket)
        except ClientError as error:
            if is_absent(error, "bucket"):
                raise VectoraError(
                    f"Environment {names.env} has no vault ({self._bucket}): deploy it first "
                    f"(cdk deploy {names.stack('s0-operations')} --context env={names.env})."
                ) from error
            if error_code(error) == "ObjectLockConfigurationNotFoundError":
                return None, store_time(error.response)
            raise
        # A rule has either days or years (DefaultRetention, S3 API reference).
        rule = answer["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention", {})
        days = rule.get("Days") or DAYS_OF_A_YEAR * rule.get("Years", 0)
        return int(days) or None, store_time(answer)

    def _retained_until(self, **version: str) -> tuple[datetime, datetime]:
        """Return until when Object Lock retains a version, and S3's time now."""
        try:
            answer = self._s3.get_object_retention(Bucket=self._bucket, **version)
        except ClientError as error:
            # The version was never locked, or the bucket has no Object Lock (InvalidRequest, "Bucket is missing Object
            # Lock Configuration"): the denied request lacked a permission.
            if error_code(error) in ("NoSuchObjectLockConfiguration", "InvalidRequest"):
                return datetime.min.replace(tzinfo=UTC), store_time(error.response)
            raise
        return answer["Retention"]["RetainUntilDate"].astimezone(UTC), store_time(answer)

    def _delete_version(self, key: str, version_id: str) -> bool:
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=key, VersionId=version_id)
        except ClientError as error:
            if error_code(error) not in ("AccessDenied", "InvalidRequest"):
                raise
            if not self._is_retained(error, key, version_id):
                raise VectoraError(
                    f"s3://{self._bucket}/{key} is not locked, and you may not delete it ({error_message(error)}): "
                    "s3:DeleteObjectVersion is needed."
                ) from error
            return False
        return True

    def _is_retained(self, error: ClientError, key: str, version_id: str) -> bool:
        """Return whether Object Lock denied a deletion: S3 answers a missing permission with AccessDenied too."""
        if "object lock" in error_message(error).lower():
            return True
        until, now = self._retained_until(Key=key, VersionId=version_id)
        return until > now


def missing_object(key: str, bucket: str) -> MissingError:
    return MissingError(f"{key} is missing from the vault {bucket}.")
