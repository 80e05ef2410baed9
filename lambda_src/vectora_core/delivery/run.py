"""Delivery of one issue: each reader gets its message at most once, however often the run is repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import Field

from vectora_core.delivery.message import message_for
from vectora_core.delivery.record import DeliveryRecord, Entry, Readers, reader_key
from vectora_core.delivery.ses import Mail, Mailer, NotSentError, UnconfirmedError
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.values import Identifier
from vectora_shared.errors import InvalidEventError, VectoraError
from vectora_shared.keys import newsletter_key
from vectora_shared.runtime import Event
from vectora_shared.storage import Bucket

CLIENT_TAG, DAY_TAG = "client", "day"
# A newsletter has some hundred kilobytes at most.
LARGEST_MESSAGE_BYTES = 10 * 1024 * 1024
ALREADY = ("sending", "sent", "unconfirmed")


class DeliverEvent(Event):
    """Issue to deliver; `send_unconfirmed` repeats messages that SES may have accepted."""

    client_id: Identifier
    target_date: date = Field(description="day of the issue")
    send_unconfirmed: bool = False


@dataclass(frozen=True, kw_only=True)
class Addressees:
    """Addressees of an environment's messages: the readers of each client, or the addresses in `redirect_to`."""

    env: str
    redirect_to: tuple[str, ...] = ()

    def of(self, readers: Sequence[str]) -> Sequence[str]:
        return self.redirect_to or readers

    @property
    def marked(self) -> str:
        """Word in the subject by which a redirected message cannot be mistaken for the reader's."""
        return self.env if self.redirect_to else ""


@dataclass(frozen=True, kw_only=True)
class Delivering:
    """One invocation: it sends with `mailer`, records as `attempt`, and begins no message when `has_time` says no."""

    mailer: Mailer
    attempt: str
    clock: Callable[[], datetime]
    has_time: Callable[[], bool]


def deliver(
    event: DeliverEvent,
    client: ClientConfig,
    newsletters: Bucket,
    record: DeliveryRecord,
    addressees: Addressees,
    delivering: Delivering,
) -> dict[str, Any]:
    """Send the issue to each reader who did not get it yet, and return the response body.

    Raises VectoraError, after all possible messages were sent, when a reader did not get one.

    At most once: the attempt is recorded before the message is sent. If the function dies in between, the message is
    not sent again, because SES has no way to ask, and two newsletters annoy a reader more than the operator's look at
    the record costs. The failed run names the record.
    """
    eml = _issue(event, newsletters)
    delivery = client.delivery
    if delivery is None:
        raise InvalidEventError(f"Client {event.client_id} has no `delivery` in its file: it has no readers.")
    chosen = addressees.of(delivery.recipients)
    keys = [reader_key(address) for address in chosen]
    before = sum(_is(record, key, "sent") for key in keys)
    refused = ""
    for address in chosen:
        if refused or not delivering.has_time():
            _fail_rest(record, keys, delivering, refused or "the function's time ran out before this message")
            break
        if _claim(record, address, event.send_unconfirmed, delivering):
            mail = Mail(
                sender=delivery.sender_address,
                reader=address,
                content=message_for(address, eml, marked=addressees.marked),
                tags={CLIENT_TAG: event.client_id, DAY_TAG: event.target_date.isoformat()},
            )
            refused = _send(mail, record, delivering)
    sent = sum(_is(record, key, "sent") for key in keys)
    if sent < len(keys):
        raise VectoraError(_failure(event, record, keys, sent))
    return {
        "client_id": event.client_id,
        "target_date": event.target_date.isoformat(),
        "readers": len(keys),
        "sent": sent - before,
        "sent_before": before,
        "redirected": bool(addressees.redirect_to),
        "bucket": newsletters.name,
        "record": record.key,
    }


def _issue(event: DeliverEvent, newsletters: Bucket) -> bytes:
    """Return the message of a complete issue with news; its manifest is written last."""
    day = event.target_date
    manifest = newsletters.read_json(newsletter_key(event.client_id, day, "manifest.json"))
    if manifest is None:
        raise InvalidEventError(f"There is no issue of {event.client_id} of {day}: run it first.")
    if not manifest.get("total_items"):
        raise InvalidEventError(f"The issue of {event.client_id} of {day} has no news: empty issues are not delivered.")
    key = newsletter_key(event.client_id, day, "newsletter.eml")
    eml = newsletters.read(key, limit=LARGEST_MESSAGE_BYTES)
    if eml is None:
        raise VectoraError(f"s3://{newsletters.name}/{key} is missing: run the newsletter of that day again.")
    return eml


def _claim(record: DeliveryRecord, address: str, send_unconfirmed: bool, delivering: Delivering) -> bool:
    """Record that this invocation sends to the reader; return False if the reader has or may have the message."""
    key = reader_key(address)
    own = Entry(status="sending", at=delivering.clock(), attempt=delivering.attempt)

    def claim(readers: Readers) -> None:
        found = readers.get(key)
        repeatable = send_unconfirmed and found is not None and found.status != "sent"
        if found is None or found.status not in ALREADY or repeatable:
            readers[key] = own

    record.change(claim)
    return record.readers[key] == own


def _send(mail: Mail, record: DeliveryRecord, delivering: Delivering) -> str:
    """Send and record the outcome; return the reason why no other message can be sent, empty if there is none."""
    outcome = Entry(status="sent", at=delivering.clock(), attempt=delivering.attempt)
    refused = ""
    try:
        outcome = outcome.model_copy(update={"message_id": delivering.mailer(mail)})
    except UnconfirmedError as error:
        outcome = outcome.model_copy(update={"status": "unconfirmed", "reason": str(error)})
    except NotSentError as error:
        outcome = outcome.model_copy(update={"status": "failed", "reason": str(error)})
        refused = str(error) if error.of_account else ""
    key = reader_key(mail.reader)

    def settle(readers: Readers) -> None:
        # A bounce may have been recorded already.
        feedback = readers[key].feedback if key in readers else ()
        readers[key] = outcome.model_copy(update={"feedback": feedback})

    record.change(settle)
    return refused


def _fail_rest(record: DeliveryRecord, keys: Sequence[str], delivering: Delivering, reason: str) -> None:
    entry = Entry(status="failed", at=delivering.clock(), attempt=delivering.attempt, reason=reason)

    def fail(readers: Readers) -> None:
        for key in keys:
            if key not in readers or readers[key].status == "failed":
                readers[key] = entry

    record.change(fail)


def _is(record: DeliveryRecord, key: str, status: str) -> bool:
    found = record.readers.get(key)
    return found is not None and found.status == status


def _failure(event: DeliverEvent, record: DeliveryRecord, keys: Sequence[str], sent: int) -> str:
    """Return a sentence without addresses: it is in logs, in the run's history and in notifications."""
    entries = [record.readers[key] for key in keys if not _is(record, key, "sent")]
    unknown = sum(entry.status != "failed" for entry in entries)
    reasons = Counter(entry.reason or "an earlier attempt ended in the middle" for entry in entries)
    listed = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    again = "Run the delivery again to try the others." if unknown < len(entries) else ""
    check = (
        f"{unknown} may have got it, and get it again only on request (docs/runbooks/deliver-by-mail.md)."
        if unknown
        else ""
    )
    return " ".join(
        part
        for part in (
            f"{event.client_id}, issue of {event.target_date}: {sent} of {len(keys)} readers got it. Reasons: "
            f"{listed}.",
            f"Readers are named in {record.address}.",
            check,
            again,
        )
        if part
    )
