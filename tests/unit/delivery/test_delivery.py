"""Delivery of an issue: one message for each reader, at most once, and a failure that says who is missing."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from tests.unit.delivery.conftest import BUCKET, FOLDER, READERS, RECORD, Killed, World, eml, refusal
from vectora_core.delivery.feedback import note, report_of
from vectora_core.delivery.message import message_for
from vectora_shared.errors import InvalidEventError, VectoraError
from vectora_shared.notifications import Notification


def statuses(world: World) -> dict[str, str]:
    return {reader: entry.status for reader, entry in world.record().readers.items()}


def test_each_reader_gets_a_message_of_their_own(world: World) -> None:
    body = world.deliver()
    assert world.ses.readers == list(READERS)
    for request, reader in zip(world.ses.received, READERS, strict=True):
        message = message_from_bytes(request["Content"]["Raw"]["Data"], policy=default)
        assert message["To"] == reader
        assert not any(other in str(message) for other in READERS if other != reader)
        assert "X-Unsent" not in message
        assert message["List-Unsubscribe"]
        assert request["EmailTags"] == [
            {"Name": "client", "Value": "lai_weekly"},
            {"Name": "day", "Value": "2026-03-02"},
        ]
    assert (body["readers"], body["sent"], body["sent_before"]) == (3, 3, 0)
    entries = world.record().readers
    assert {key: entry.message_id for key, entry in entries.items()} == {
        "anna@example.org": "ses-1",
        "bert@example.org": "ses-2",
        "cleo@example.org": "ses-3",
    }
    json.dumps(body)


def test_the_message_differs_from_the_file_in_its_reader_only() -> None:
    sent, stored = (message_from_bytes(content, policy=default) for content in (message_for("a@b.org", eml()), eml()))
    del stored["X-Unsent"]
    stored["To"] = "a@b.org"
    assert sorted(sent.items()) == sorted(stored.items())
    assert [part.get_payload() for part in sent.walk() if not part.is_multipart()] == [
        part.get_payload() for part in stored.walk() if not part.is_multipart()
    ]
    assert message_for("a@b.org", eml()).isascii()


def test_a_rerun_sends_to_new_readers_only(world: World) -> None:
    world.deliver()
    world.readers = ("ANNA@example.org", *READERS[1:], "dora@example.org")
    body = world.deliver()
    assert world.ses.readers == [*READERS, "dora@example.org"]
    assert (body["sent"], body["sent_before"]) == (1, 3)


def test_a_redirected_issue_reaches_no_reader_and_says_so(world: World) -> None:
    world.redirect_to = ("operator@example.org",)
    assert world.deliver()["redirected"]
    assert world.ses.readers == ["operator@example.org"]
    message = message_from_bytes(world.ses.received[0]["Content"]["Raw"]["Data"], policy=default)
    assert message["Subject"].startswith("[dev] LAI Läkemedel")


def test_a_refused_reader_stops_no_other_and_is_tried_again(world: World) -> None:
    message = "Bad content for Bert@example.org"
    world.ses.errors["Bert@example.org"] = [refusal("MessageRejected", 400, message)]
    with pytest.raises(VectoraError, match="2 of 3 readers got it") as raised:
        world.deliver()
    assert "ert@" not in str(raised.value)
    assert "s3://newsletters/_deliveries/lai_weekly/2026/03/02/delivery.json" in str(raised.value)
    assert "Run the delivery again" in str(raised.value)
    assert statuses(world)["bert@example.org"] == "failed"
    world.deliver()
    assert sorted(world.ses.readers) == sorted(READERS)


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (refusal("AccountSuspendedException", 400), "suspended"),
        (refusal("SendingPausedException", 400), "paused"),
        (refusal("NotFoundException", 404), "configuration set is missing"),
        (refusal("AccessDeniedException", 403), "may not send from this sender"),
        (refusal("ThrottlingException", 400, "Daily message quota exceeded."), "24 hours is used up"),
        (
            refusal("MessageRejected", 400, "Email address is not verified: news@example.org failed the check"),
            "the sender is not verified",
        ),
    ],
)
def test_an_error_of_the_account_ends_the_delivery_at_once(world: World, error: Exception, part: str) -> None:
    world.ses.errors[None] = [error]
    with pytest.raises(VectoraError, match=part) as raised:
        world.deliver()
    assert "0 of 3 readers got it" in str(raised.value)
    assert world.ses.readers == []
    assert set(statuses(world).values()) == {"failed"}
    assert world.deliver()["sent"] == 3


def test_the_sandbox_refuses_readers_one_by_one(world: World) -> None:
    message = "Email address is not verified. The following identities failed the check: anna@example.org"
    world.ses.errors["anna@example.org"] = [refusal("MessageRejected", 400, message)]
    with pytest.raises(VectoraError, match="in the SES sandbox"):
        world.deliver()
    assert world.ses.readers == list(READERS[1:])


def test_throttled_and_unconnected_requests_are_repeated(world: World) -> None:
    world.ses.errors[None] = [
        refusal("TooManyRequestsException", 429),
        refusal("ThrottlingException", 400, "Maximum sending rate exceeded."),
        ConnectTimeoutError(endpoint_url="x"),
    ]
    assert world.deliver()["sent"] == 3
    assert len(world.waited) == 3


def test_throttling_ends_with_the_functions_time(world: World) -> None:
    world.ses.errors["cleo@example.org"] = [refusal("TooManyRequestsException", 429) for _ in range(1000)]
    with pytest.raises(VectoraError, match="until the function's time ran out"):
        world.deliver()
    assert world.seconds_left > 0
    assert statuses(world)["cleo@example.org"] == "failed"


def test_without_time_no_message_is_begun(world: World) -> None:
    world.ses.after = lambda: setattr(world, "seconds_left", 0)
    with pytest.raises(VectoraError, match=r"time ran out before this message \(2\)"):
        world.deliver()
    assert world.ses.readers == [READERS[0]]


@pytest.mark.parametrize("error", [refusal("InternalFailure", 500), ReadTimeoutError(endpoint_url="x")])
def test_a_message_without_an_answer_is_repeated_on_request_only(world: World, error: Exception) -> None:
    world.ses.errors["anna@example.org"] = [error]
    with pytest.raises(VectoraError, match="1 may have got it"):
        world.deliver()
    assert statuses(world)["anna@example.org"] == "unconfirmed"
    with pytest.raises(VectoraError, match="2 of 3"):
        world.deliver()
    assert world.ses.readers == list(READERS[1:])
    assert world.deliver(send_unconfirmed=True)["sent"] == 1
    assert sorted(world.ses.readers) == sorted(READERS)


def _kill_at(world: World, number: int) -> None:
    """Kill the function at its call with this number; each is killed before and after it has its effect."""
    calls = iter(range(10_000))

    def step() -> None:
        if next(calls) == number:
            raise Killed

    world.s3.before_put = world.s3.after_put = world.ses.before = world.ses.after = step


@pytest.mark.parametrize("number", range(18))
def test_a_kill_at_any_moment_never_sends_twice(world: World, number: int) -> None:
    _kill_at(world, number)
    with pytest.raises(Killed):
        world.deliver()
    _kill_at(world, -1)
    missing = ""
    try:
        world.deliver()
    except VectoraError as error:
        missing = str(error)
    got = world.ses.readers
    assert len(got) == len(set(got))
    # At most the one message that was interrupted is unknown, and the failure says so.
    unknown = [reader for reader, status in statuses(world).items() if status != "sent"]
    assert len(unknown) == (1 if missing else 0)
    assert ("1 may have got it" in missing) == bool(missing)
    assert len(got) >= len(READERS) - 1
    world.deliver(send_unconfirmed=True)
    assert set(world.ses.readers) == set(READERS)


def test_the_kills_cover_the_whole_delivery(world: World) -> None:
    _kill_at(world, 18)
    assert world.deliver()["sent"] == 3


def test_concurrent_deliveries_send_once(world: World) -> None:
    running: list[Any] = []

    def begin_another() -> None:
        if len(running) < 4:
            running.append(None)
            try:
                running[-1] = world.deliver()
            except VectoraError as error:
                running[-1] = error

    world.ses.before = begin_another
    world.s3.before_put = begin_another
    world.deliver()
    assert sorted(world.ses.readers) == sorted(READERS)
    assert set(statuses(world).values()) == {"sent"}


def test_a_lost_answer_of_the_record_sends_once(world: World) -> None:
    """botocore repeats a write whose answer is lost; S3 refuses the second one, because the first has changed it."""
    original = world.s3.put_object
    lost = iter([True, False] * 100)

    def losing(**request: Any) -> dict[str, Any]:
        answer = original(**request)
        return original(**request) if next(lost) else answer

    world.s3.put_object = losing  # type: ignore[method-assign]
    assert world.deliver()["sent"] == 3
    assert world.ses.readers == list(READERS)


def test_a_damaged_record_stops_the_delivery(world: World) -> None:
    world.s3.objects[BUCKET, RECORD] = b"{"
    with pytest.raises(VectoraError, match="is damaged"):
        world.deliver()
    assert world.ses.readers == []


@pytest.mark.parametrize(
    ("manifest", "part"), [(None, "There is no issue"), ({"total_items": 0}, "empty issues are not delivered")]
)
def test_only_a_complete_issue_with_news_is_delivered(world: World, manifest: Any, part: str) -> None:
    del world.s3.objects[BUCKET, f"{FOLDER}/manifest.json"]
    if manifest:
        world.s3.objects[BUCKET, f"{FOLDER}/manifest.json"] = json.dumps(manifest).encode()
    with pytest.raises(InvalidEventError, match=part):
        world.deliver()


def test_a_message_of_an_earlier_release_is_missing_with_a_sentence(world: World) -> None:
    del world.s3.objects[BUCKET, f"{FOLDER}/newsletter.eml"]
    with pytest.raises(VectoraError, match=r"newsletter\.eml is missing: run the newsletter"):
        world.deliver()


def bounce(event: str = "1", address: str = "Bert@example.org") -> dict[str, Any]:
    return {
        "id": event,
        "source": "aws.ses",
        "detail-type": "Email Bounced",
        "detail": {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{"emailAddress": address}],
                "timestamp": "2026-03-02T06:01:00.000Z",
            },
            "mail": {"messageId": "ses-2", "tags": {"client": ["lai_weekly"], "day": ["2026-03-02"]}},
        },
    }


COMPLAINT = {
    "id": "2",
    "source": "aws.ses",
    "detail": {
        "eventType": "Complaint",
        "complaint": {
            "complainedRecipients": [{"emailAddress": "anna@example.org"}],
            "timestamp": "2026-03-02T06:02:00.000Z",
        },
        "mail": {"messageId": "ses-1", "tags": {"client": ["lai_weekly"], "day": ["2026-03-02"]}},
    },
}


def test_bounces_and_complaints_are_noted_once_and_reported_without_the_address(world: World) -> None:
    world.deliver()
    notified: list[Notification] = []
    for event in (bounce(), COMPLAINT, bounce()):
        note(report_of(event), world.record(), notified.append, "stage")
    entries = world.record().readers
    assert [each.kind for each in entries["bert@example.org"].feedback] == ["Bounce (Permanent, General)"]
    assert [each.kind for each in entries["anna@example.org"].feedback] == ["Complaint"]
    assert [each.what for each in notified] == ["lai_weekly: bounce", "lai_weekly: complaint"]
    assert not any("@" in each.message for each in notified)
    assert world.deliver()["sent_before"] == 3


def test_a_bounce_before_the_outcome_is_recorded_is_kept(world: World) -> None:
    world.ses.after = lambda: note(
        report_of(bounce(address=world.ses.readers[-1])), world.record(), lambda notification: None, "stage"
    )
    world.deliver()
    assert all(len(entry.feedback) == 1 and entry.status == "sent" for entry in world.record().readers.values())


@pytest.mark.parametrize("event", [{}, {"id": "1", "detail": {"eventType": "Bounce", "mail": {"tags": {}}}}])
def test_other_events_are_refused_with_a_sentence(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventError, match="no bounce and no complaint"):
        report_of(event)
