"""Bucket with the settings of all buckets: versioned, encrypted, private, TLS only, access logs, lifecycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

DAYS_TO_ABORT_UPLOADS = 7
# Margin for clock differences, and because S3 counts whole days.
LOCK_MARGIN_DAYS = 1
# Readable within milliseconds, unlike the other Glacier classes: the newest snapshot may reference an old object.
GLACIER_INSTANT_RETRIEVAL = "GLACIER_IR"
GLACIER_MINIMUM_DAYS = 90  # minimum storage duration that is charged (S3 pricing)


@dataclass(frozen=True, kw_only=True)
class ObjectLock:
    """Retention of new objects for `days`, and transition to Glacier of those below `objects_prefix`, if set.

    Objects whose keys match `written_once` can be created, and not replaced.
    """

    days: int
    objects_prefix: str
    glacier_after_days: int | None
    written_once: tuple[str, ...]


class PrivateBucket(Construct):
    """Bucket and bucket policy; the bucket's logical id is the construct's own id."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket_name: str,
        old_versions_days: int,
        removal_policy: cdk.RemovalPolicy,
        access_log_bucket_name: str | None,
        receives_access_logs_of: tuple[str, ...] = (),
        expire_after_days: int | None = None,
        expire_prefixes: Mapping[str, int] | None = None,
        object_lock: ObjectLock | None = None,
        further_statements: Sequence[Mapping[str, object]] = (),
    ) -> None:
        """Add the bucket; `access_log_bucket_name` is None only for the bucket that receives access logs.

        `expire_prefixes` are the days after which objects below a prefix expire, such as `analyses/`. The bucket policy
        has `further_statements` too.
        """
        super().__init__(scope, construct_id)
        self.resource = s3.CfnBucket(
            self,
            "Default",
            bucket_name=bucket_name,
            versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
            bucket_encryption=_encryption(),
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
            ),
            ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
                rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
            ),
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                rules=[
                    *_lifecycle_rules(old_versions_days, expire_after_days),
                    *(_expiry_rule(prefix, days) for prefix, days in (expire_prefixes or {}).items()),
                    *([_glacier_rule(object_lock)] if object_lock else []),
                ]
            ),
            object_lock_enabled=True if object_lock else None,
            object_lock_configuration=_object_lock(object_lock.days) if object_lock else None,
            logging_configuration=_logging(access_log_bucket_name, bucket_name),
        )
        self.resource.apply_removal_policy(removal_policy)
        bucket_arn = self.resource.attr_arn
        statements = [_deny_without_tls(bucket_arn)]
        if receives_access_logs_of:
            statements.append(_allow_access_logs(bucket_name, receives_access_logs_of))
        statements += _protect(bucket_arn, object_lock) if object_lock else []
        self._add_policy([*statements, *further_statements]).apply_removal_policy(removal_policy)

    def _add_policy(self, statements: Sequence[Mapping[str, object]]) -> s3.CfnBucketPolicy:
        policy = s3.CfnBucketPolicy(
            self,
            "Policy",
            bucket=self.resource.ref,
            policy_document={"Version": "2012-10-17", "Statement": statements},
        )
        policy.override_logical_id(f"{self.node.id}Policy")
        return policy


def _logging(access_log_bucket_name: str | None, bucket_name: str) -> s3.CfnBucket.LoggingConfigurationProperty | None:
    if access_log_bucket_name is None:
        return None
    return s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=access_log_bucket_name, log_file_prefix=f"{bucket_name}/"
    )


def _encryption() -> s3.CfnBucket.BucketEncryptionProperty:
    by_default = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(sse_algorithm="AES256")
    rule = s3.CfnBucket.ServerSideEncryptionRuleProperty(server_side_encryption_by_default=by_default)
    return s3.CfnBucket.BucketEncryptionProperty(server_side_encryption_configuration=[rule])


def _lifecycle_rules(
    old_versions_days: int, expire_after_days: int | None
) -> list[s3.CfnBucket.RuleProperty | cdk.IResolvable]:
    rules: list[s3.CfnBucket.RuleProperty | cdk.IResolvable] = [
        s3.CfnBucket.RuleProperty(
            id="ExpireOldVersions",
            status="Enabled",
            noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
                noncurrent_days=old_versions_days
            ),
            expired_object_delete_marker=None if expire_after_days else True,
            abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                days_after_initiation=DAYS_TO_ABORT_UPLOADS
            ),
        )
    ]
    if expire_after_days:
        rules.append(
            s3.CfnBucket.RuleProperty(id="ExpireObjects", status="Enabled", expiration_in_days=expire_after_days)
        )
    return rules


def _expiry_rule(prefix: str, days: int) -> s3.CfnBucket.RuleProperty:
    name = prefix.strip("_/").capitalize()
    return s3.CfnBucket.RuleProperty(id=f"Expire{name}", status="Enabled", prefix=prefix, expiration_in_days=days)


def _glacier_rule(lock: ObjectLock) -> s3.CfnBucket.RuleProperty:
    return s3.CfnBucket.RuleProperty(
        id="MoveToGlacier",
        status="Enabled" if lock.glacier_after_days else "Disabled",
        prefix=lock.objects_prefix,
        transitions=[
            s3.CfnBucket.TransitionProperty(
                storage_class=GLACIER_INSTANT_RETRIEVAL,
                transition_in_days=lock.glacier_after_days or GLACIER_MINIMUM_DAYS,
            )
        ],
    )


def _object_lock(days: int) -> s3.CfnBucket.ObjectLockConfigurationProperty:
    return s3.CfnBucket.ObjectLockConfigurationProperty(
        object_lock_enabled="Enabled",
        rule=s3.CfnBucket.ObjectLockRuleProperty(
            default_retention=s3.CfnBucket.DefaultRetentionProperty(mode="GOVERNANCE", days=days)
        ),
    )


def _deny_without_tls(bucket_arn: str) -> dict[str, object]:
    return {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _protect(bucket_arn: str, lock: ObjectLock) -> list[dict[str, object]]:
    return [*_deny_longer_locks(bucket_arn, lock.days), *_deny_replacements(bucket_arn, lock.written_once)]


def _deny_longer_locks(bucket_arn: str, days: int) -> list[dict[str, object]]:
    """Return statements that deny locks longer than `days`, and compliance locks, which no one can remove.

    S3 user guide, Object Lock considerations, "setting limits on retention periods with a bucket policy". PutObject
    with a lock has the same condition keys as PutObjectRetention (service authorization reference).
    """
    deny = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": ["s3:PutObject", "s3:PutObjectRetention"],
        "Resource": f"{bucket_arn}/*",
    }
    longest = {"s3:object-lock-remaining-retention-days": str(days + LOCK_MARGIN_DAYS)}
    return [
        {"Sid": "DenyLongerLocks", **deny, "Condition": {"NumericGreaterThan": longest}},
        {"Sid": "DenyComplianceLocks", **deny, "Condition": {"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}}},
    ]


def _deny_replacements(bucket_arn: str, written_once: tuple[str, ...]) -> list[dict[str, object]]:
    """Return statements that deny to replace what is written once, and to unlock objects or lock them without an end.

    S3 user guide, "Enforce conditional writes on Amazon S3 buckets": the requests of a multipart upload before its
    completion take no condition, and create no object.
    """
    return [
        {
            "Sid": "DenyReplacements",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:PutObject",
            "Resource": [f"{bucket_arn}/{pattern}" for pattern in written_once],
            "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
        },
        {
            "Sid": "DenyUnlockingAndLegalHolds",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": ["s3:BypassGovernanceRetention", "s3:PutObjectLegalHold"],
            "Resource": f"{bucket_arn}/*",
        },
    ]


def _allow_access_logs(bucket_name: str, sources: tuple[str, ...]) -> dict[str, object]:
    return {
        "Sid": "AllowAccessLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": [f"arn:aws:s3:::{bucket_name}/{source}/*" for source in sources],
        "Condition": {
            "ArnLike": {"aws:SourceArn": [f"arn:aws:s3:::{source}" for source in sources]},
            "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID},
        },
    }
