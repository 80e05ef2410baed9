"""SES refuses what AWS refuses, keeps what it accepts, and reports simulated bounces."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT

SET = "newsletters"
IDENTITY = f"arn:aws:ses:eu-west-3:{ACCOUNT}:identity"
SET_ARN = f"arn:aws:ses:eu-west-3:{ACCOUNT}:configuration-set/{SET}"
ACTIONS = ("ses:SendEmail", "ses:SendRawEmail")
FROM_US = {"StringLike": {"ses:FromAddress": ["*@example.org"]}}
CONTENT = b"From: News <news@example.org>\r\nTo: anna@example.net\r\nSubject: News\r\n\r\nText\r\n"


@pytest.fixture(scope="module")
def mail(account: Any) -> Any:
    """Return SES with a verified domain and a configuration set, out of the sandbox."""
    client = account("sesv2")
    client.create_email_identity(EmailIdentity="example.org")
    client.create_configuration_set(ConfigurationSetName=SET)
    client.create_configuration_set_event_destination(
        ConfigurationSetName=SET,
        EventDestinationName="feedback",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["BOUNCE", "COMPLAINT"],
            "EventBridgeDestination": {"EventBusArn": f"arn:aws:events:eu-west-3:{ACCOUNT}:event-bus/default"},
        },
    )
    return client


def request(content: bytes = CONTENT, to: str = "anna@example.net", **others: Any) -> dict[str, Any]:
    return {
        "FromEmailAddress": "news@example.org",
        "Destination": {"ToAddresses": [to]},
        "Content": {"Raw": {"Data": content}},
        "ConfigurationSetName": SET,
        "EmailTags": [{"Name": "client", "Value": "lai_weekly"}],
        **others,
    }


def test_an_accepted_message_is_kept_as_it_was_sent(account: Any, mail: Any) -> None:
    before = len(list(account.emulator.mail.glob("*.eml")))
    assert mail.send_email(**request())["MessageId"]
    kept = sorted(account.emulator.mail.glob("*.eml"))
    assert len(kept) == before + 1
    assert message_from_bytes(kept[-1].read_bytes(), policy=default)["To"] == "anna@example.net"


def test_permission_is_needed_for_the_sender_and_the_configuration_set(account: Any, mail: Any, kit: Any) -> None:
    complete = (kit.allow(*ACTIONS, on=f"{IDENTITY}/*", **FROM_US), kit.allow(*ACTIONS, on=SET_ARN))
    role = account.role("sender", *complete)
    sesv2 = account.acting_as(role)("sesv2")
    assert sesv2.send_email(**request())["MessageId"]
    for grants in (complete[:1], complete[1:], (kit.allow(ACTIONS[0], on="*"),), (kit.allow(ACTIONS[1], on="*"),)):
        account.grant(role, *grants)
        assert kit.error_of(sesv2.send_email, **request())[0] == "AccessDeniedException"
    account.grant(role, kit.allow(*ACTIONS, on="*", StringLike={"ses:FromAddress": ["*@example.com"]}))
    code, message = kit.error_of(sesv2.send_email, **request())
    assert code == "AccessDeniedException"
    assert f"{IDENTITY}/example.org" in message


def test_the_sandbox_checks_recipients_too(account: Any, mail: Any, kit: Any) -> None:
    role = account.role("of-one-identity", kit.allow(*ACTIONS, on=[f"{IDENTITY}/example.org", SET_ARN]))
    sesv2 = account.acting_as(role)("sesv2")
    details = {"MailType": "TRANSACTIONAL", "WebsiteURL": "https://example.org"}
    mail.put_account_details(ProductionAccessEnabled=False, **details)
    try:
        mail.create_email_identity(EmailIdentity="bert@example.net")
        code, message = kit.error_of(sesv2.send_email, **request(to="bert@example.net"))
        assert (code, "bert@example.net" in message) == ("AccessDeniedException", True)
        code, message = kit.error_of(mail.send_email, **request(to="stranger@example.net"))
        assert (code, "Email address is not verified" in message) == ("MessageRejected", True)
    finally:
        mail.put_account_details(ProductionAccessEnabled=True, **details)
    assert sesv2.send_email(**request())["MessageId"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"FromEmailAddress": "news@example.com"}, "BadRequestException"),
        (
            {"FromEmailAddress": "n@example.com", "content": CONTENT.replace(b"news@example.org", b"n@example.com")},
            None,
        ),
        ({"content": b"Subject: Again\r\n" + CONTENT}, "BadRequestException"),
        ({"content": CONTENT + b"x" * 999}, "BadRequestException"),
        ({"content": CONTENT + "é".encode()}, "BadRequestException"),
        ({"ConfigurationSetName": "missing"}, "NotFoundException"),
        ({"EmailTags": [{"Name": "client", "Value": "two words"}]}, "BadRequestException"),
        ({"to": "anna"}, "BadRequestException"),
    ],
)
def test_an_invalid_message_is_refused(mail: Any, kit: Any, changes: dict[str, Any], code: str | None) -> None:
    assert kit.error_of(mail.send_email, **request(**changes))[0] == (code or "MessageRejected")


@pytest.mark.parametrize(("kind", "part"), [("bounce", "bounce"), ("complaint", "complaint")])
def test_a_simulated_bounce_becomes_an_event(account: Any, mail: Any, kit: Any, kind: str, part: str) -> None:
    queue = account("sqs").create_queue(QueueName=f"events-{kind}")["QueueUrl"]
    arn = account("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    account("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": kit.policy(statement)})
    pattern = {"source": ["aws.ses"], "detail": {"mail": {"tags": {"ses:configuration-set": [SET]}}}}
    account("events").put_rule(Name=f"feedback-{kind}", EventPattern=json.dumps(pattern))
    account("events").put_targets(Rule=f"feedback-{kind}", Targets=[{"Id": "queue", "Arn": arn}])
    mail.send_email(**request(to=f"{kind}@simulator.amazonses.com"))
    [message] = kit.wait_until(lambda: account("sqs").receive_message(QueueUrl=queue).get("Messages"))
    detail = json.loads(message["Body"])["detail"]
    assert detail["mail"]["tags"]["client"] == ["lai_weekly"]
    assert detail[part]["timestamp"]
    account("events").remove_targets(Rule=f"feedback-{kind}", Ids=["queue"])
