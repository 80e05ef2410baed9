"""Fixtures: an account for each module, with helpers for roles, functions, topics and stacks."""

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
from vectora_shared.aws_errors import error_code, error_message

PATIENCE = 30.0
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
HANDLER = "def lambda_handler(event, context):\n    return event\n"


def allow(*actions: str, on: str | list[str] = "*", **condition: Any) -> dict[str, Any]:
    """Return a statement; `condition` are the operators of its condition."""
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
    """Return code and message with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return error_code(refused.value), error_message(refused.value)


def wait_until(condition: Callable[[], Any]) -> Any:
    """Wait for the condition's first true value, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"the condition did not hold within {PATIENCE:.0f} seconds")
        time.sleep(0.02)
    return value


@dataclass
class Account:
    """The emulator's account, with clients of its administrator and of roles."""

    emulator: Emulator
    _clients: dict[str, Any] = field(default_factory=dict)

    def __call__(self, service: str, account: str = ACCOUNT) -> Any:
        key = f"{service}/{account}"
        if key not in self._clients:
            session: Any = self.emulator.session(account)
            self._clients[key] = session.client(service)
        return self._clients[key]

    def role(self, name: str, *statements: Mapping[str, Any], service: str = "lambda.amazonaws.com") -> str:
        """Create a role that `service` and all users of the account may assume; return its ARN."""
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
        """Return a function that returns clients of a role's session."""
        keys = self("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        identity = Identity(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
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
        """Create a topic; return its ARN and a function that returns its new messages."""
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
        """Create or update a stack; return its status at the end."""
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
        return self.final_status(stack)

    def final_status(self, stack: str) -> str:
        """Wait until the operation on a stack ends; return its status."""

        def status() -> str | None:
            [found] = self("cloudformation").describe_stacks(StackName=stack)["Stacks"]
            return None if "IN_PROGRESS" in found["StackStatus"] else str(found["StackStatus"])

        return str(wait_until(status))

    def reasons(self, stack: str) -> str:
        """Return the reasons of all failures in the stack's events."""
        events = self("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        return " ".join(
            event.get("ResourceStatusReason", "") for event in events if "FAILED" in event["ResourceStatus"]
        )


@dataclass(frozen=True)
class Kit:
    """The helper functions above."""

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
