"""Vault of an environment's snapshots, and its copy in a backup account or region."""

from __future__ import annotations

import aws_cdk as cdk

from stacks.component import KEEP, ComponentStack
from stacks.permissions.backup import replication_grants
from vectora_constructs.notifications import S3, Notifications
from vectora_constructs.private_bucket import ObjectLock, PrivateBucket
from vectora_constructs.service_role import ServiceRole
from vectora_constructs.vault_replication import VAULT_PREFIXES, WRITTEN_ONCE, CopyBucket, replicate_vault
from vectora_ops.backup_settings import Backup

# Days that replaced and deleted versions stay in the vault, so that an overwritten object can be repaired.
REPAIR_DAYS = 90


def add_vault(stack: ComponentStack) -> PrivateBucket:
    """Add the vault and the bucket of its access logs, and return the vault."""
    settings, names = stack.settings, stack.names
    logs_name = names.bucket("snapshots-access-logs")
    # Separate from the log bucket of s0-core: that stack is deployed later, and the vault outlives the environment.
    access_logs = PrivateBucket(
        stack,
        "SnapshotsAccessLogsBucket",
        bucket_name=logs_name,
        old_versions_days=settings.old_versions_days,
        expire_after_days=settings.old_versions_days,
        removal_policy=KEEP,
        access_log_bucket_name=None,
        receives_access_logs_of=(names.bucket("snapshots"),),
    )
    cdk.Validations.of(access_logs.resource).acknowledge(
        cdk.Acknowledgment(
            id="AwsSolutions-S1", reason="It receives the vault's access logs; its own would log each delivery."
        )
    )
    vault = PrivateBucket(
        stack,
        "SnapshotsBucket",
        bucket_name=names.bucket("snapshots"),
        old_versions_days=max(settings.snapshots.minimum_age_days, REPAIR_DAYS),
        removal_policy=KEEP,
        access_log_bucket_name=logs_name,
        object_lock=ObjectLock(
            days=settings.snapshots.minimum_age_days,
            objects_prefix="objects/",
            glacier_after_days=settings.snapshots.glacier_after_days,
            written_once=WRITTEN_ONCE,
        ),
    )
    vault.resource.add_resource_dependency(access_logs.resource)
    return vault


def copy_vault(stack: ComponentStack, vault: PrivateBucket, notifications: Notifications, backup: Backup) -> None:
    """Let S3 replicate the vault to its copy, and notify the operators of objects that fail."""
    settings, names = stack.settings, stack.names
    account = backup.account_beside(settings.account)
    role = ServiceRole(
        stack,
        "ReplicationRole",
        role_name=names.role("replication"),
        path=names.role_path,
        boundary_arn=stack.boundary_arn,
        service=S3,
        description="Replicates the vault to its copy",
        policy_name="ReplicationPolicy",
        grants=replication_grants(names, account),
    ).resource
    replicate_vault(
        vault,
        prefixes=VAULT_PREFIXES,
        copy=CopyBucket(
            arn=f"arn:aws:s3:::{names.copy_bucket('snapshots-copy')}",
            foreign_account=account if backup.is_foreign_to(settings.account) else None,
        ),
        role_arn=role.attr_arn,
        topic_arn=notifications.resource.ref,
    )
    # S3 publishes a test message before it accepts the notification (S3 user guide, event notifications).
    vault.resource.add_resource_dependency(notifications.policy)
