"""Notifications to the operators of an environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rehearsal.waiting import wait_until

if TYPE_CHECKING:
    from rehearsal.delivery import Delivery


class Inbox:
    """Notifications to the operators of an environment, received by a queue that subscribes to its topic."""

    def __init__(self, delivery: Delivery, env: str) -> None:
        """Subscribe to the topic of an environment that is deployed."""
        names = delivery.names(env)
        self._sqs = delivery.client("sqs", env)
        self._queue = self._sqs.create_queue(QueueName=f"{names.project}-operators-{env}")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        topic = f"arn:aws:sns:{delivery.region(env)}:{delivery.account_id(env)}:{names.topic('operations')}"
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        delivery.client("sns", env).subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )

    def wait_for(self, text: str) -> str:
        """Wait for a message with that text and return it; raise StepError when none arrives."""
        found: list[str] = []

        def has_arrived() -> bool:
            found.extend(each for each in self.read() if text in each)
            return bool(found)

        wait_until(f"operators are notified of '{text}'", has_arrived)
        return found[0]

    def read(self) -> list[str]:
        """Return all messages that arrived since the last call."""
        found: list[str] = []
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(str(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return found
