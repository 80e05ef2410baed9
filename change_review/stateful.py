"""Resources that hold data: what is lost with each, and the properties that protect it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# By type of resource, the data that is lost when it is deleted or replaced.
DATA: Mapping[str, str] = {
    "AWS::Backup::BackupVault": "its recovery points",
    "AWS::CloudFormation::Stack": "everything in it that is not kept",
    "AWS::Cognito::IdentityPool": "its identities",
    "AWS::Cognito::UserPool": "its users and their passwords",
    "AWS::DocDB::DBCluster": "its documents",
    "AWS::DynamoDB::GlobalTable": "its items",
    "AWS::DynamoDB::Table": "its items",
    "AWS::EC2::Instance": "what is on its disks",
    "AWS::EC2::Volume": "its blocks",
    "AWS::ECR::Repository": "its images",
    "AWS::EFS::FileSystem": "its files",
    "AWS::ElastiCache::CacheCluster": "its keys",
    "AWS::ElastiCache::ReplicationGroup": "its keys",
    "AWS::Elasticsearch::Domain": "its indexes",
    "AWS::Events::Archive": "its events",
    "AWS::FSx::FileSystem": "its files",
    "AWS::Glue::Database": "its tables",
    "AWS::Glue::Table": "what it says about its data",
    "AWS::KMS::Key": "everything that is encrypted with it",
    "AWS::KMS::ReplicaKey": "what its region decrypts with it",
    "AWS::Kinesis::Stream": "its records",
    "AWS::Logs::LogGroup": "its log events",
    "AWS::Lightsail::Database": "its databases",
    "AWS::Lightsail::Disk": "its blocks",
    "AWS::MSK::Cluster": "its topics",
    "AWS::Neptune::DBCluster": "its graph",
    "AWS::OpenSearchServerless::Collection": "its indexes",
    "AWS::OpenSearchService::Domain": "its indexes",
    "AWS::QLDB::Ledger": "its journal",
    "AWS::RDS::DBCluster": "its databases",
    "AWS::RDS::DBInstance": "its databases",
    "AWS::RDS::GlobalCluster": "its databases",
    "AWS::Redshift::Cluster": "its databases",
    "AWS::Route53::HostedZone": "its records and name servers",
    "AWS::S3::Bucket": "its objects and all their versions",
    "AWS::S3Express::DirectoryBucket": "its objects",
    "AWS::S3Tables::TableBucket": "its tables",
    "AWS::SDB::Domain": "its items",
    "AWS::SNS::Topic": "its confirmed subscriptions",
    "AWS::SQS::Queue": "its messages",
    "AWS::SSM::Parameter": "its value and its history",
    "AWS::SecretsManager::Secret": "its secret value",
    "AWS::Timestream::Database": "its tables",
    "AWS::Timestream::Table": "its measurements",
}
# Immutable by design: each change makes another one, and what uses it changes with it.
VERSIONS = frozenset(
    {
        "AWS::ApiGateway::Deployment",
        "AWS::ECS::TaskDefinition",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Version",
    }
)
KEEPS = ("Retain", "RetainExceptOnCreate")
SNAPSHOT, DELETE = "Snapshot", "Delete"


def policy_of(resource: Mapping[str, Any], attribute: str) -> str:
    """Return what DeletionPolicy or UpdateReplacePolicy is, also when the template does not have it.

    Without DeletionPolicy a database outside a cluster, and a cluster, leave a snapshot (CloudFormation user guide,
    DeletionPolicy attribute).
    """
    if isinstance(given := resource.get(attribute), str):
        return given
    kind, properties = resource.get("Type"), resource.get("Properties") or {}
    is_own_database = kind == "AWS::RDS::DBInstance" and "DBClusterIdentifier" not in properties
    if attribute == "DeletionPolicy" and (kind == "AWS::RDS::DBCluster" or is_own_database):
        return SNAPSHOT
    return DELETE
