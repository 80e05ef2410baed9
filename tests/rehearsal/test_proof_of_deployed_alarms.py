"""The alarms and the dashboard of each environment's own template, deployed to the local AWS, proven and drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.emulator import Emulator
from rehearsal.gaps.complete import complete_by_api
from rehearsal.monitoring.cloudwatch import CloudWatch
from rehearsal.monitoring.data import Datum, series
from rehearsal.monitoring.evaluation import AlarmError
from rehearsal.monitoring.events import Events
from rehearsal.monitoring.proof import AlarmProof, prove_alarms, raised_in
from tests.repository import ROOT
from vectora_ops.names import STACK_LAYERS, Names, StackLayer
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings
from vectora_shared.metrics import ENVIRONMENT_DIMENSION, Metric

LAYER: StackLayer = "s2-monitoring"
EMPTY = json.dumps({"Resources": {"Empty": {"Type": "AWS::SNS::Topic"}}})
NOW = datetime.now(UTC)
Change = Callable[[dict[str, Any]], None]


class Account:
    """An account with the monitoring stack of an environment, and a queue that its operators' topic fills."""

    def __init__(self, emulator: Emulator, env: str) -> None:
        emulator.reset()
        self.names: Names = load_settings(ROOT).names(env)
        self.session = emulator.session()
        make: Any = self.session.client
        self._sns, self._sqs, self._stacks = make("sns"), make("sqs"), make("cloudformation")
        self._topic = self._sns.create_topic(Name=self.names.topic("operations"))["TopicArn"]
        self.queue = self._sqs.create_queue(QueueName="operators")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = self._policy("sns.amazonaws.com", "sqs:SendMessage", arn)
        self._sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": allowed})
        raw = {"RawMessageDelivery": "true"}
        self._sns.subscribe(TopicArn=self._topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        self.allow("cloudwatch.amazonaws.com")
        self._machine(make)

    @staticmethod
    def _policy(service: str, action: str, resource: str) -> str:
        allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": resource}
        return json.dumps({"Version": "2012-10-17", "Statement": [allow]})

    def allow(self, service: str) -> None:
        """Let only this service publish to the operators' topic."""
        policy = self._policy(service, "sns:Publish", self._topic)
        self._sns.set_topic_attributes(TopicArn=self._topic, AttributeName="Policy", AttributeValue=policy)

    def _machine(self, make: Any) -> None:
        trust = self._policy("states.amazonaws.com", "sts:AssumeRole", "*").replace(', "Resource": "*"', "")
        role = make("iam").create_role(RoleName="workflow", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        definition = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})
        machine = make("stepfunctions").create_state_machine(
            name=self.names.state_machine, definition=definition, roleArn=role
        )
        self.cloudwatch = CloudWatch(self.session, self.names, machine["stateMachineArn"])
        self.events = Events(self.names, machine["stateMachineArn"], NOW - timedelta(days=3)).by_alarm()

    def deploy(self, change: Change = lambda template: None) -> None:
        """Deploy the golden template, after a change of it; the other stacks have no alarm."""
        file = ROOT / "tests" / "stacks" / "templates" / self.names.env / f"{LAYER}.yaml"
        template = yaml.safe_load(file.read_text(encoding="utf-8"))
        change(template)
        for layer in STACK_LAYERS:
            body = json.dumps(template) if layer == LAYER else EMPTY
            self._stacks.create_stack(StackName=self.names.stack(layer), TemplateBody=body)
            self._stacks.get_waiter("stack_create_complete").wait(
                StackName=self.names.stack(layer), WaiterConfig={"Delay": 1}
            )
        dimensions = {ENVIRONMENT_DIMENSION: self.names.env}
        self.cloudwatch.publish(
            [Datum(series=series(self.names.project, name, dimensions), at=NOW, value=0) for name in Metric]
        )

    def prove(self) -> tuple[AlarmProof, ...]:
        """Prove all alarms; the notifications have arrived when the last state is set."""
        env, namespace = self.names.env, self.names.project
        return prove_alarms(env, self.cloudwatch, self.events, namespace=namespace, wait=self._require)

    def _require(self, alarms: set[str]) -> None:
        arrived: set[str | None] = set()
        while found := self._sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            arrived |= {raised_in(each["Body"]) for each in found}
            for each in found:
                self._sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
        if missing := alarms - arrived:
            raise AlarmError(f"No notification of {sorted(missing)}")


@pytest.mark.parametrize("env", ENVIRONMENT_NAMES)
def test_each_alarm_of_the_environment_is_raised_notified_and_ended(
    emulator: Emulator, env: str, tmp_path: Path
) -> None:
    account = Account(emulator, env)
    account.deploy()
    complete_by_api(account.session, account.names.stack(LAYER))
    alarms = {str(each["AlarmName"]) for each in account.cloudwatch.alarms()}
    proofs = account.prove()
    assert {each.alarm for each in proofs} == alarms != set()
    assert {each["StateValue"] for each in account.cloudwatch.alarms()} == {"OK"}
    [drawing] = account.cloudwatch.draw(tmp_path, NOW).values()
    svg = drawing.read_text(encoding="utf-8")
    assert all(f"✓ {name}"[:20] in svg for name in alarms)
    assert "<polyline" in svg


def _misspell(template: dict[str, Any]) -> None:
    for resource in template["Resources"].values():
        if resource["Properties"].get("MetricName") == Metric.NOISE_PERCENT:
            resource["Properties"]["MetricName"] = "NoisePercentage"


def test_a_misspelled_metric_in_a_deployed_alarm_fails(emulator: Emulator) -> None:
    account = Account(emulator, "prod")
    account.deploy(_misspell)
    with pytest.raises(AlarmError, match="NoisePercentage"):
        account.prove()


def test_a_topic_that_denies_cloudwatch_fails(emulator: Emulator) -> None:
    account = Account(emulator, "prod")
    account.deploy()
    account.allow("events.amazonaws.com")
    with pytest.raises(AlarmError, match="No notification"):
        account.prove()
