"""One account that is as strict as AWS for each module, with roles, functions and stacks in it."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator import ACCOUNT, Emulator, Identity

PATIENCE = 30.0
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
HANDLER = "def lambda_handler(event, context):\n    return event\n"


def allow(*actions: str, on: str | list[str] = "*", **condition: Any) -> dict[str, Any]:
    """A statement; `condition` holds operators."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return {**statement, "Condition": condition} if condition else statement


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def zipped(text: str = HANDLER) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", text)
    return buffer.getvalue()


def error_of(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Code and message of the refusal of a call."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def wait_until(condition: Callable[[], Any]) -> Any:
    """The condition's first true value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail("waited in vain")
        time.sleep(0.02)
    return value


@dataclass
class Account:
    """The emulator as its root sees it, and as roles do."""

    emulator: Emulator
    _clients: dict[str, Any] = field(default_factory=dict)

    def __call__(self, service: str, account: str = ACCOUNT) -> Any:
        key = f"{service}/{account}"
        if key not in self._clients:
            session: Any = self.emulator.session(account)
            self._clients[key] = session.client(service)
        return self._clients[key]

    def role(self, name: str, *statements: Mapping[str, Any], service: str = "lambda.amazonaws.com") -> str:
        """ARN of a role that `service` and everybody in the account may assume."""
        trust = [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"},
        ]
        created = self("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy(*trust))
        if statements:
            self("iam").put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=policy(*statements))
        return str(created["Role"]["Arn"])

    def grant(self, role: str, *statements: Mapping[str, Any]) -> None:
        name = role.rpartition("/")[2]
        self("iam").put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=policy(*statements))

    def acting_as(self, role: str) -> Callable[[str], Any]:
        """Clients of a session of the role."""
        given = self("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        identity = Identity(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        session: Any = self.emulator.session_of(identity)
        return lambda service: session.client(service)

    def function(self, name: str, role: str, code: str = HANDLER, **settings: Any) -> str:
        created = self("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="handler.lambda_handler",
            Role=role,
            Code={"ZipFile": zipped(code)},
            **settings,
        )
        return str(created["FunctionArn"])

    def topic(self, name: str) -> tuple[str, Callable[[], list[str]]]:
        """ARN of a topic, and what arrives there."""
        topic = self("sns").create_topic(Name=name)["TopicArn"]
        queue = self("sqs").create_queue(QueueName=name)["QueueUrl"]
        arn = self("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        self("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(statement)})
        self("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

        def arrived() -> list[str]:
            messages = self("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            return [json.loads(message["Body"])["Message"] for message in messages]

        return topic, arrived

    def deploy(self, stack: str, resources: Mapping[str, Any], **parts: Any) -> str:
        """Status of the stack after it was created or updated."""
        cloudformation = self("cloudformation")
        settings: dict[str, Any] = {key: parts.pop(key) for key in ("RoleARN", "DisableRollback") if key in parts}
        body = json.dumps({"Resources": resources, **parts})
        capable = {"StackName": stack, "TemplateBody": body, "Capabilities": ["CAPABILITY_NAMED_IAM"], **settings}
        try:
            cloudformation.update_stack(**capable)
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            cloudformation.create_stack(**capable)
        return self.settled(stack)

    def settled(self, stack: str) -> str:
        def status() -> str | None:
            [found] = self("cloudformation").describe_stacks(StackName=stack)["Stacks"]
            return None if "IN_PROGRESS" in found["StackStatus"] else str(found["StackStatus"])

        return str(wait_until(status))

    def reasons(self, stack: str) -> str:
        """Everything that the stack's events say of failures."""
        events = self("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        return " ".join(
            event.get("ResourceStatusReason", "") for event in events if "FAILED" in event["ResourceStatus"]
        )


@dataclass(frozen=True)
class Kit:
    """The helpers above, for modules that cannot import them."""

    allow: Callable[..., dict[str, Any]]
    policy: Callable[..., str]
    zipped: Callable[..., bytes]
    error_of: Callable[..., tuple[str, str]]
    wait_until: Callable[..., Any]


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit(allow, policy, zipped, error_of, wait_until)


@pytest.fixture(scope="module")
def account(emulator: Emulator) -> Account:
    return Account(emulator)
