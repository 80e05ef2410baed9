"""Completion of properties that the emulator's CloudFormation drops; a property without an entry fails the run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.gaps.complete import StackReport, complete_by_api
from rehearsal.gaps.readers import READERS
from rehearsal.gaps.table import GAPS, Gap, GapError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def _deploy(emulator: Emulator, name: str, resources: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
    cloudformation = emulator.session().client("cloudformation")
    template = {"Resources": resources, **({"Parameters": parameters} if parameters else {})}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 600}
    )


def _complete(emulator: Emulator, name: str, gaps: tuple[Gap, ...] = GAPS) -> StackReport:
    return complete_by_api(emulator.session(), name, gaps)


def _bucket(name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **properties}}


def _parameter(name: str, value: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}}


def test_a_buckets_dropped_properties_are_applied_from_the_template(emulator: Emulator) -> None:
    rules = [
        {
            "Id": "Old",
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
            "ExpiredObjectDeleteMarker": True,
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        {
            "Id": "Archive",
            "Status": "Enabled",
            "Prefix": "old/",
            "ExpirationInDays": 900,
            "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 90}],
        },
    ]
    encryption = [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    resources = {
        "Logs": _bucket("gaps-logs"),
        "Store": _bucket(
            "gaps-store",
            VersioningConfiguration={"Status": "Enabled"},
            BucketEncryption={"ServerSideEncryptionConfiguration": encryption},
            LifecycleConfiguration={"Rules": rules},
            LoggingConfiguration={"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "store/"},
            Tags=[{"Key": "Env", "Value": "test"}],
            PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True},
        ),
    }
    resources["Store"]["Properties"]["PublicAccessBlockConfiguration"] |= {
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    _deploy(emulator, "bucket-properties", resources)
    s3 = emulator.session().client("s3")
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="gaps-store")

    report = _complete(emulator, "bucket-properties")

    assert (report.unmodified, report.completed, report.left_out) == (("Logs",), ("Store",), ())
    assert "AWS::S3::Bucket LifecycleConfiguration" in report.gaps
    lifecycle = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(Bucket="gaps-store")["Rules"]}
    assert lifecycle["Old"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert lifecycle["Archive"]["Transitions"] == [{"Days": 90, "StorageClass": "GLACIER"}]
    assert lifecycle["Archive"]["Expiration"] == {"Days": 900}
    assert s3.get_bucket_logging(Bucket="gaps-store")["LoggingEnabled"]["TargetBucket"] == "gaps-logs"
    assert s3.get_bucket_tagging(Bucket="gaps-store")["TagSet"] == [{"Key": "Env", "Value": "test"}]
    s3.put_object(Bucket="gaps-store", Key="a", Body=b"a")
    assert s3.head_object(Bucket="gaps-store", Key="a")["ServerSideEncryption"] == "AES256"


def test_completing_twice_changes_nothing(emulator: Emulator) -> None:
    _deploy(emulator, "twice", {"Store": _bucket("gaps-twice", Tags=[{"Key": "Env", "Value": "test"}])})
    assert _complete(emulator, "twice").completed == ("Store",)
    assert _complete(emulator, "twice").unmodified == ("Store",)


def test_a_dropped_property_that_the_table_does_not_name_fails(emulator: Emulator) -> None:
    store = _bucket("gaps-unknown", Tags=[{"Key": "Env", "Value": "test"}])
    _deploy(emulator, "unknown-property", {"Store": store})
    unnamed = tuple(gap for gap in GAPS if gap.property_name != "Tags")
    with pytest.raises(GapError, match=r"Store \(AWS::S3::Bucket\): Tags reads back as "):
        _complete(emulator, "unknown-property", unnamed)
    entry = Gap("AWS::S3::Bucket", "Tags", "skipped", "the emulator drops it")
    assert _complete(emulator, "unknown-property", (*unnamed, entry)).left_out == ("Store",)


def test_a_property_without_a_reader_fails(emulator: Emulator) -> None:
    _deploy(
        emulator, "unread", {"Store": _bucket("gaps-unread", AccelerateConfiguration={"AccelerationStatus": "Enabled"})}
    )
    with pytest.raises(GapError, match="AccelerateConfiguration"):
        _complete(emulator, "unread")


def test_a_resource_type_without_a_reader_fails(emulator: Emulator) -> None:
    _deploy(emulator, "unknown-type", {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "gaps"}}})
    with pytest.raises(GapError, match=r"cannot read back a resource of type AWS::SQS::Queue"):
        _complete(emulator, "unknown-type")
    assert _complete(emulator, "unknown-type", (Gap("AWS::SQS::Queue", "*", "skipped", "a test"),)).left_out == (
        "Queue",
    )


def test_a_resource_changed_after_the_deployment_fails(emulator: Emulator) -> None:
    _deploy(emulator, "changed", {"Value": _parameter("/gaps/changed", "as deployed")})
    assert _complete(emulator, "changed").unmodified == ("Value",)
    emulator.session().client("ssm").put_parameter(Name="/gaps/changed", Value="by hand", Overwrite=True)
    with pytest.raises(GapError, match="by hand"):
        _complete(emulator, "changed")


def test_references_in_the_template_are_resolved_before_the_comparison(emulator: Emulator) -> None:
    emulator.session().client("ssm").put_parameter(Name="/gaps/given", Value="given", Type="String")
    resources = {
        "Store": _bucket("gaps-references"),
        "Joined": _parameter("/gaps/joined", {"Fn::Join": ["/", [{"Fn::GetAtt": ["Store", "Arn"]}, {"Ref": "Given"}]]}),
        "Substituted": _parameter("/gaps/sub", {"Fn::Sub": "${Store}-${AWS::Region}-${AWS::AccountId}-${!Kept}"}),
    }
    parameters = {"Given": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/gaps/given"}}
    _deploy(emulator, "references", resources, parameters)
    assert len(_complete(emulator, "references").unmodified) == 3
    value = emulator.session().client("ssm").get_parameter(Name="/gaps/joined")["Parameter"]["Value"]
    assert value == "arn:aws:s3:::gaps-references/given"


def test_each_gap_has_one_entry_with_a_reason() -> None:
    names = [gap.name for gap in GAPS]
    assert len(names) == len(set(names))
    assert all(gap.reason for gap in GAPS)
    assert {gap.resource_type for gap in GAPS if gap.treatment == "completed by API"} <= set(READERS)


def test_object_lock_and_suspended_versioning_are_set_by_api(emulator: Emulator) -> None:
    retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}}
    resources = {
        "Vault": _bucket(
            "gaps-vault",
            VersioningConfiguration={"Status": "Enabled"},
            ObjectLockEnabled=True,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": retention},
        ),
        "Paused": _bucket("gaps-paused", VersioningConfiguration={"Status": "Suspended"}),
    }
    _deploy(emulator, "locks", resources)
    assert _complete(emulator, "locks").completed == ("Vault", "Paused")
    s3 = emulator.session().client("s3")
    s3.put_object(Bucket="gaps-vault", Key="kept", Body=b"kept")
    assert s3.get_object_retention(Bucket="gaps-vault", Key="kept")["Retention"]["Mode"] == "GOVERNANCE"
    assert s3.get_bucket_versioning(Bucket="gaps-paused")["Status"] == "Suspended"


def test_a_topics_key_is_set_by_api_and_equals_the_template(emulator: Emulator) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }
    tags = [{"Key": "Env", "Value": "test"}]
    key = {"Description": "Of a test", "EnableKeyRotation": True, "KeyPolicy": policy, "PendingWindowInDays": 7}
    resources = {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {**key, "Tags": tags}},
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": "gaps-topic", "KmsMasterKeyId": {"Ref": "Key"}},
        },
    }
    _deploy(emulator, "encrypted-topic", resources)
    report = _complete(emulator, "encrypted-topic")
    assert (report.unmodified, report.completed) == (("Key",), ("Topic",))
    topic = f"arn:aws:sns:eu-west-3:{ACCOUNT}:gaps-topic"
    attributes = emulator.session().client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    assert emulator.session().client("kms").describe_key(KeyId=attributes["KmsMasterKeyId"])
