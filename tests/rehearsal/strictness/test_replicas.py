"""S3 replicates only what AWS would replicate, with the lock of the source."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

LOCATION = {"LocationConstraint": "eu-west-3"}
COPY_ACCOUNT = "555555555555"
READ = ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging")
READ_LOCK = ("s3:GetObjectRetention", "s3:GetObjectLegalHold")
NUMBERS = count(1)


@dataclass(frozen=True)
class Pair:
    """A locked bucket, and a bucket for its replicas in another account, whose policy admits the first one."""

    account: Any
    kit: Any
    number: int

    @property
    def source(self) -> str:
        return f"replicas-source-{self.number}"

    @property
    def copy(self) -> str:
        return f"replicas-copy-{self.number}"

    @property
    def s3(self) -> Any:
        return self.account("s3")

    @property
    def s3_of_copy(self) -> Any:
        return self.account("s3", COPY_ACCOUNT)

    def make(self, *, copy_is_locked: bool = True) -> None:
        for s3, name, locked in ((self.s3, self.source, True), (self.s3_of_copy, self.copy, copy_is_locked)):
            s3.create_bucket(Bucket=name, CreateBucketConfiguration=LOCATION, ObjectLockEnabledForBucket=locked)
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}
        self.s3.put_object_lock_configuration(
            Bucket=self.source, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )
        admitted = {
            "Effect": "Allow",
            "Principal": {"AWS": "000000000000"},
            "Action": "s3:ReplicateObject",
            "Resource": f"arn:aws:s3:::{self.copy}/*",
        }
        self.s3_of_copy.put_bucket_policy(Bucket=self.copy, Policy=self.kit.policy(admitted))

    def replicate(self, *, without: str = "", service: str = "s3.amazonaws.com") -> str:
        """Write an object that S3 replicates, by a role `without` a permission; return its replication status."""
        reads = [each for each in (*READ, *READ_LOCK) if each != without]
        statements = [self.kit.allow(*reads, on=f"arn:aws:s3:::{self.source}/*")]
        if without != "s3:ReplicateObject":
            statements.append(self.kit.allow("s3:ReplicateObject", on=f"arn:aws:s3:::{self.copy}/*"))
        rule = {
            "ID": "all",
            "Priority": 1,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{self.copy}"},
        }
        role = self.account.role(f"replicates-{self.number}", *statements, service=service)
        self.s3.put_bucket_replication(Bucket=self.source, ReplicationConfiguration={"Role": role, "Rules": [rule]})
        self.s3.put_object(Bucket=self.source, Key="key", Body=b"bytes")
        return str(self.s3.head_object(Bucket=self.source, Key="key")["ReplicationStatus"])


@pytest.fixture
def pair(account: Any, kit: Any) -> Pair:
    return Pair(account, kit, next(NUMBERS))


def test_a_replica_has_the_version_id_and_the_lock_of_its_source(pair: Pair) -> None:
    pair.make()
    assert pair.replicate() == "COMPLETED"

    source = pair.s3.head_object(Bucket=pair.source, Key="key")
    replica = pair.s3_of_copy.head_object(Bucket=pair.copy, Key="key")
    assert (replica["ReplicationStatus"], replica["VersionId"]) == ("REPLICA", source["VersionId"])
    assert replica["ObjectLockRetainUntilDate"] == source["ObjectLockRetainUntilDate"]
    version = {"Bucket": pair.copy, "Key": "key", "VersionId": replica["VersionId"]}
    assert pair.kit.error_of(pair.s3_of_copy.delete_object, **version)[0] == "AccessDenied"


def test_a_locked_object_is_not_replicated_to_a_bucket_without_a_lock(pair: Pair) -> None:
    pair.make(copy_is_locked=False)
    assert pair.replicate() == "FAILED"
    assert "Contents" not in pair.s3_of_copy.list_objects_v2(Bucket=pair.copy)


@pytest.mark.parametrize("missing", [*READ, *READ_LOCK, "s3:ReplicateObject"])
def test_a_replica_needs_every_permission_of_the_role(pair: Pair, missing: str) -> None:
    pair.make()
    assert pair.replicate(without=missing) == "FAILED"


def test_a_replica_needs_a_role_that_s3_can_assume(pair: Pair) -> None:
    pair.make()
    assert pair.replicate(service="lambda.amazonaws.com") == "FAILED"


def test_a_deletion_is_not_replicated(pair: Pair) -> None:
    pair.make()
    pair.replicate()

    pair.s3.delete_object(Bucket=pair.source, Key="key")

    assert pair.s3_of_copy.get_object(Bucket=pair.copy, Key="key")["Body"].read() == b"bytes"
