"""Stack backup: the copy of an environment's vault, in the account and region of the backup."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks.component import KEEP
from stacks.permissions.backup import copy_statements
from vectora_constructs.private_bucket import ObjectLock, PrivateBucket
from vectora_constructs.vault_replication import WRITTEN_ONCE
from vectora_ops.backup_settings import Backup
from vectora_ops.names import Names
from vectora_ops.settings import EnvironmentSettings

# Days that replaced versions stay in the copy: the first manifest outlives a forged newer one.
REPLACED_VERSIONS_DAYS = 3650


class BackupStack(cdk.Stack):
    """Stack `{project}-backup-{env}`, which an administrator of the backup's account deploys once.

    It has no asset and needs no bootstrap, so the account has no role that a pipeline or another account may assume:
    it is deployed with the administrator's own credentials.
    """

    def __init__(
        self, scope: Construct, *, names: Names, settings: EnvironmentSettings, backup: Backup, source_account: str
    ) -> None:
        super().__init__(
            scope,
            names.backup_stack,
            stack_name=names.backup_stack,
            description=f"Vectora Inbox, backup: copy of the vault of {names.env}.",
            env=cdk.Environment(account=backup.account_beside(source_account), region=backup.region),
            # No role of a bootstrap deploys it, unlike with BootstraplessSynthesizer, which names the default ones.
            synthesizer=cdk.LegacyStackSynthesizer(),
        )
        for key, value in (
            ("Project", names.project),
            ("Env", names.env),
            ("Component", "backup"),
            ("ManagedBy", "aws-cdk"),
        ):
            cdk.Tags.of(self).add(key, value)
        logs_name, name = names.copy_bucket("snapshots-copy-logs"), names.copy_bucket("snapshots-copy")
        logs = PrivateBucket(
            self,
            "CopyAccessLogsBucket",
            bucket_name=logs_name,
            old_versions_days=settings.old_versions_days,
            expire_after_days=settings.old_versions_days,
            removal_policy=KEEP,
            access_log_bucket_name=None,
            receives_access_logs_of=(name,),
        )
        cdk.Validations.of(logs.resource).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-S1", reason="It receives the copy's access logs; its own would log each delivery."
            )
        )
        copy = PrivateBucket(
            self,
            "CopyBucket",
            bucket_name=name,
            old_versions_days=REPLACED_VERSIONS_DAYS,
            removal_policy=KEEP,
            access_log_bucket_name=logs_name,
            object_lock=ObjectLock(
                days=settings.snapshots.minimum_age_days,
                objects_prefix="objects/",
                glacier_after_days=None,
                written_once=WRITTEN_ONCE,
            ),
            further_statements=copy_statements(names, source_account),
        )
        copy.resource.add_resource_dependency(logs.resource)
        cdk.CfnOutput(self, "CopyBucketName", value=copy.resource.ref, description="Name of the vault's copy")
