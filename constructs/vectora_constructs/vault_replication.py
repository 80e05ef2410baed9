"""Replication of a vault to the bucket of its copy, with a notification of each object that fails."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_s3 as s3

from vectora_constructs.private_bucket import GLACIER_INSTANT_RETRIEVAL, PrivateBucket

# Without S3 Replication Metrics, S3 sends no failure events (S3 user guide, "Receiving replication failure events").
# EventBridge receives none of them (S3 user guide, EventBridge event message structure).
FAILURES = ("s3:Replication:OperationFailedReplication", "s3:Replication:OperationNotTracked")


@dataclass(frozen=True, kw_only=True)
class CopyBucket:
    """Bucket of the copy; `foreign_account` owns it, None when it belongs to the account of the vault."""

    arn: str
    foreign_account: str | None


def replicate_vault(
    vault: PrivateBucket, *, prefixes: dict[str, str | None], copy: CopyBucket, role_arn: str, topic_arn: str
) -> None:
    """Add rules that copy the objects below `prefixes`, each in its storage class, and report failures to a topic.

    Delete markers are not replicated: a vault that is emptied does not empty its copy. Deletions of versions never are
    (S3 user guide, "What does Amazon S3 replicate?").
    """
    vault.resource.replication_configuration = s3.CfnBucket.ReplicationConfigurationProperty(
        role=role_arn,
        rules=[
            _rule(number, prefix, storage_class, copy)
            for number, (prefix, storage_class) in enumerate(prefixes.items(), start=1)
        ],
    )
    vault.resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        topic_configurations=[
            s3.CfnBucket.TopicConfigurationProperty(event=event, topic=topic_arn) for event in FAILURES
        ]
    )


def _rule(
    number: int, prefix: str, storage_class: str | None, copy: CopyBucket
) -> s3.CfnBucket.ReplicationRuleProperty:
    of_another_account = copy.foreign_account is not None
    return s3.CfnBucket.ReplicationRuleProperty(
        id=f"Copy{prefix.rstrip('/').capitalize()}",
        priority=number,
        status="Enabled",
        filter=s3.CfnBucket.ReplicationRuleFilterProperty(prefix=prefix),
        delete_marker_replication=s3.CfnBucket.DeleteMarkerReplicationProperty(status="Disabled"),
        destination=s3.CfnBucket.ReplicationDestinationProperty(
            bucket=copy.arn,
            account=copy.foreign_account,
            # The replicas then belong to the account of the copy (S3 user guide, "Changing the replica owner").
            access_control_translation=(
                s3.CfnBucket.AccessControlTranslationProperty(owner="Destination") if of_another_account else None
            ),
            metrics=s3.CfnBucket.MetricsProperty(status="Enabled"),
            storage_class=storage_class,
        ),
        source_selection_criteria=s3.CfnBucket.SourceSelectionCriteriaProperty(
            replica_modifications=s3.CfnBucket.ReplicaModificationsProperty(status="Disabled")
        ),
    )


# Keys in a vault that are created once and never replaced.
WRITTEN_ONCE = ("objects/*", "snapshots/*/manifest.json")
# Manifests and other small files are read to list the snapshots: Glacier would charge each as 128 KB (S3 pricing).
VAULT_PREFIXES: dict[str, str | None] = {"objects/": GLACIER_INSTANT_RETRIEVAL, "snapshots/": None}
