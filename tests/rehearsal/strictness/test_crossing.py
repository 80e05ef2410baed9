"""Across accounts and regions, nothing is reached without the permission of both sides."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator import ACCOUNT, Emulator, Identity

OTHER = "2" * 12
REGION, FAR = "eu-west-3", "eu-north-1"
SOURCE = "vectora.test"


@dataclass
class Accounts:
    """Two accounts of one emulator, and clients of their administrators and roles."""

    emulator: Emulator
    kit: Any

    def client(self, service: str, account: str = ACCOUNT, region: str = REGION) -> Any:
        session: Any = self.emulator.session(account, region)
        return session.client(service)

    def role(self, account: str, name: str, *statements: Any, trust: Any = None) -> str:
        iam = self.client("iam", account)
        trusted = trust or {"AWS": f"arn:aws:iam::{account}:root"}
        statement = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=self.kit.policy(statement))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=self.kit.policy(*statements))
        return str(arn)

    def as_role(self, arn: str) -> Callable[[str], Any]:
        sts = self.client("sts", arn.split(":")[4])
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        identity = Identity(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        session: Any = self.emulator.session_of(identity)
        return lambda service: session.client(service)

    def bucket(self, name: str, *statements: Any) -> str:
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.open_bucket(name, *statements)
        return name

    def open_bucket(self, name: str, *statements: Any) -> None:
        if statements:
            self.client("s3").put_bucket_policy(Bucket=name, Policy=self.kit.policy(*statements))


@pytest.fixture(scope="module")
def accounts(emulator: Emulator, kit: Any) -> Accounts:
    return Accounts(emulator, kit)


def _admits(bucket: str, principal: str, action: str = "s3:GetObject", **parts: Any) -> dict[str, Any]:
    resource = f"arn:aws:s3:::{bucket}/*"
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": resource, **parts}


def _code(call: Callable[..., Any], **arguments: Any) -> str:
    """Return the code of the refusal of a call, or an empty text when it succeeds."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


# --- buckets


def test_a_bucket_policy_admits_the_role_of_another_account_that_it_names(accounts: Accounts, kit: Any) -> None:
    named = accounts.role(OTHER, "named", kit.allow("s3:GetObject"))
    unnamed = accounts.role(OTHER, "unnamed", kit.allow("s3:GetObject"))
    without = accounts.role(OTHER, "without-permission")
    bucket = accounts.bucket("crossing-named", _admits("crossing-named", named), _admits("crossing-named", without))
    accounts.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    codes = {
        role: _code(accounts.as_role(role)("s3").get_object, Bucket=bucket, Key="a") for role in (unnamed, without)
    }
    assert codes == {unnamed: "AccessDenied", without: "AccessDenied"}
    assert accounts.as_role(named)("s3").get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"


def test_a_session_has_the_arn_of_its_role_as_principal(accounts: Accounts, kit: Any) -> None:
    first = accounts.role(OTHER, "first-principal", kit.allow("s3:GetObject"))
    second = accounts.role(OTHER, "second-principal", kit.allow("s3:GetObject"))
    admitted = {"ArnEquals": {"aws:PrincipalArn": first}}
    bucket = accounts.bucket(
        "crossing-principal", _admits("crossing-principal", f"arn:aws:iam::{OTHER}:root", Condition=admitted)
    )
    accounts.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    assert _code(accounts.as_role(second)("s3").get_object, Bucket=bucket, Key="a") == "AccessDenied"
    assert _code(accounts.as_role(first)("s3").get_object, Bucket=bucket, Key="a") == ""


def test_a_template_in_another_accounts_bucket_needs_both_permissions(accounts: Accounts, kit: Any) -> None:
    rights = (kit.allow("cloudformation:*"), kit.allow("s3:GetObject"))
    deployer = accounts.role(OTHER, "deployer", *rights)
    bucket = accounts.bucket("crossing-templates")
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    accounts.client("s3").put_object(Bucket=bucket, Key="t.json", Body=body.encode())
    url = f"https://s3.{REGION}.amazonaws.com/{bucket}/t.json"
    validate = accounts.as_role(deployer)("cloudformation").validate_template
    code, message = kit.error_of(validate, TemplateURL=url)
    assert (code, message) == ("ValidationError", "S3 error: Access Denied")
    accounts.open_bucket(bucket, _admits(bucket, deployer))
    assert _code(validate, TemplateURL=url) == ""


# --- keys


def _key(accounts: Accounts, *statements: Any) -> str:
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    policy = accounts.kit.policy(own, *statements)
    return str(accounts.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


def _decrypting(principal: str, **parts: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:Decrypt", "Resource": "*", **parts}


def test_an_object_with_a_foreign_key_is_read_with_the_permission_of_key_and_caller(
    accounts: Accounts, kit: Any
) -> None:
    read = kit.allow("s3:GetObject")
    decrypt = kit.allow("kms:Decrypt", StringEquals={"kms:ViaService": f"s3.{REGION}.amazonaws.com"})
    reader = accounts.role(OTHER, "reader", read, decrypt)
    no_right = accounts.role(OTHER, "reader-without-right", read)
    bucket = accounts.bucket("crossing-keys", _admits("crossing-keys", f"arn:aws:iam::{OTHER}:root"))
    closed, opened = _key(accounts), _key(accounts, _decrypting(reader), _decrypting(no_right))
    sse: dict[str, Any] = {"Bucket": bucket, "Body": b"x", "ServerSideEncryption": "aws:kms"}
    accounts.client("s3").put_object(Key="closed", SSEKMSKeyId=closed, **sse)
    accounts.client("s3").put_object(Key="opened", SSEKMSKeyId=opened, **sse)
    read_as = {role: accounts.as_role(role)("s3").get_object for role in (reader, no_right)}
    assert _code(read_as[reader], Bucket=bucket, Key="closed") == "AccessDenied"
    assert _code(read_as[no_right], Bucket=bucket, Key="opened") == "AccessDenied"
    assert read_as[reader](Bucket=bucket, Key="opened")["Body"].read() == b"x"


def test_an_object_is_not_written_without_permission_for_its_key(accounts: Accounts, kit: Any) -> None:
    writer = accounts.role(ACCOUNT, "writer", kit.allow("s3:PutObject"))
    bucket = accounts.bucket("crossing-writes")
    key = _key(accounts)
    put = accounts.as_role(writer)("s3").put_object
    sse = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    assert _code(put, Bucket=bucket, Key="a", Body=b"x", **sse) == "AccessDenied"
    assert "Contents" not in accounts.client("s3").list_objects_v2(Bucket=bucket)
    accounts.client("iam").put_role_policy(
        RoleName="writer", PolicyName="key", PolicyDocument=kit.policy(kit.allow("kms:GenerateDataKey", on=key))
    )
    assert _code(put, Bucket=bucket, Key="a", Body=b"x", **sse) == ""


def test_a_grant_of_a_key_allows_what_it_names(accounts: Accounts, kit: Any) -> None:
    grantee = accounts.role(ACCOUNT, "grantee", kit.allow("s3:GetObject"))
    bucket, key = accounts.bucket("crossing-grants"), _key(accounts)
    accounts.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    read, kms = accounts.as_role(grantee)("s3").get_object, accounts.client("kms")
    kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Encrypt"])
    assert _code(read, Bucket=bucket, Key="a") == "AccessDenied"
    kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt"])
    assert _code(read, Bucket=bucket, Key="a") == ""


# --- event buses


class Bus:
    """The default bus of another account and region, with a queue that receives its events."""

    def __init__(self, accounts: Accounts, name: str, account: str, region: str) -> None:
        self.accounts, self.name, self.account, self.region = accounts, name, account, region
        self.arn = f"arn:aws:events:{region}:{account}:event-bus/default"
        self._sqs = accounts.client("sqs", account, region)
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        events = accounts.client("events", account, region)
        events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
        arn = f"arn:aws:sqs:{region}:{account}:{name}"
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": accounts.kit.policy(statement)})
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])

    def fire(self, **target: Any) -> None:
        """Put an event on the default bus of the first account, whose rule has this bus as target."""
        events = self.accounts.client("events")
        events.put_rule(Name=self.name, EventPattern=json.dumps({"source": [self.name]}))
        events.put_targets(Rule=self.name, Targets=[{"Id": "1", "Arn": self.arn, **target}])
        events.put_events(Entries=[{"Source": self.name, "DetailType": "t", "Detail": "{}"}])

    def arrived(self) -> list[dict[str, Any]]:
        messages = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    def refused(self) -> int:
        log = self.accounts.emulator.log_file.read_text(encoding="utf-8", errors="replace")
        return log.count(f"{self.name} may not reach its target {self.arn}")


def _sender(accounts: Accounts, name: str, *statements: Any) -> str:
    return accounts.role(ACCOUNT, name, *statements, trust={"Service": "events.amazonaws.com"})


def _bus_policy(bus: Bus, rule: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Events::EventBusPolicy",
        "Properties": {
            "StatementId": rule,
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "events:PutEvents",
                "Resource": bus.arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"}},
            },
        },
    }


def _deploy(accounts: Accounts, account: str, region: str, stack: str, resources: dict[str, Any]) -> None:
    cloudformation = accounts.client("cloudformation", account, region)
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
    done = {"CREATE_COMPLETE"}
    accounts.kit.wait_until(
        lambda: {each["StackStatus"] for each in cloudformation.describe_stacks(StackName=stack)["Stacks"]} == done
    )


def test_a_bus_of_another_account_receives_what_its_policy_allows(accounts: Accounts, kit: Any) -> None:
    bus = Bus(accounts, "to-another-account", OTHER, FAR)
    allowed = _sender(accounts, "sender", kit.allow("events:PutEvents", on=bus.arn))
    bus.fire(RoleArn=allowed)
    kit.wait_until(lambda: bus.refused() == 1)
    _deploy(accounts, OTHER, FAR, "other-rules-policy", {"Policy": _bus_policy(bus, "another-rule")})
    bus.fire(RoleArn=allowed)
    kit.wait_until(lambda: bus.refused() == 2)
    assert bus.arrived() == []
    _deploy(accounts, OTHER, FAR, "bus-policy", {"Policy": _bus_policy(bus, bus.name)})
    bus.fire(RoleArn=allowed)
    [event] = kit.wait_until(bus.arrived)
    assert (event["account"], event["source"]) == (ACCOUNT, bus.name)
    accounts.client("cloudformation", OTHER, FAR).delete_stack(StackName="bus-policy")
    events = accounts.client("events", OTHER, FAR)
    kit.wait_until(lambda: bus.name not in events.describe_event_bus(Name="default")["Policy"])
    assert "another-rule" in events.describe_event_bus(Name="default")["Policy"]


def test_a_bus_elsewhere_is_reached_only_by_a_role_with_permission(accounts: Accounts, kit: Any) -> None:
    bus = Bus(accounts, "to-another-region", ACCOUNT, FAR)
    roles = (
        _sender(accounts, "without-rights"),
        accounts.role(ACCOUNT, "untrusting", kit.allow("events:PutEvents")),
    )
    for count, role in enumerate(roles, 1):
        bus.fire(RoleArn=role)
        kit.wait_until(lambda count=count: bus.refused() == count)
    assert bus.arrived() == []
    # The bus of the same account needs no policy.
    bus.fire(RoleArn=_sender(accounts, "regional-sender", kit.allow("events:PutEvents", on=bus.arn)))
    assert kit.wait_until(bus.arrived)
