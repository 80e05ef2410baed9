"""Bounces and complaints about delivered messages, as SES publishes them to EventBridge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from vectora_core.delivery.record import DeliveryRecord, Feedback, Readers, reader_key
from vectora_core.delivery.run import CLIENT_TAG, DAY_TAG
from vectora_shared.errors import InvalidEventError
from vectora_shared.notifications import Notification

SOURCE = "aws.ses"


@dataclass(frozen=True)
class Report:
    """One report of SES about one message."""

    event: str
    client_id: str
    day: date
    kind: str  # such as "Bounce (Permanent, General)"
    at: str
    addresses: tuple[str, ...]


def report_of(event: Mapping[str, Any]) -> Report:
    """Return the report in an event; raise InvalidEventError when it is not about a newsletter.

    SES guide, "SES events schema reference": the detail of an event is that of event publishing.
    """
    try:
        detail = event["detail"]
        tags = detail["mail"]["tags"]
        kind = str(detail["eventType"])
        if kind == "Bounce":
            part, listed = detail["bounce"], "bouncedRecipients"
            kind = f"Bounce ({part['bounceType']}, {part['bounceSubType']})"
        else:
            part, listed = detail["complaint"], "complainedRecipients"
        return Report(
            event=str(event["id"]),
            client_id=str(tags[CLIENT_TAG][0]),
            day=date.fromisoformat(tags[DAY_TAG][0]),
            kind=kind,
            at=str(part["timestamp"]),
            addresses=tuple(str(each["emailAddress"]) for each in part[listed]),
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise InvalidEventError(
            f"The event is no bounce and no complaint about a newsletter ({type(error).__name__}: {error})."
        ) from error


def note(report: Report, record: DeliveryRecord, notify: Callable[[Notification], None], env: str) -> None:
    """Add the report to the issue's record and notify the operators, once for each report."""
    new = Feedback(event=report.event, kind=report.kind, at=report.at)
    added: list[str] = []

    def add(readers: Readers) -> None:
        added.clear()
        for address in report.addresses:
            entry = readers.get(reader_key(address))
            # EventBridge may deliver an event more than once (EventBridge guide, "event delivery level").
            if entry is not None and all(each.event != report.event for each in entry.feedback):
                readers[reader_key(address)] = entry.model_copy(update={"feedback": (*entry.feedback, new)})
                added.append(address)

    record.change(add)
    if added:
        notify(
            Notification(
                what=f"{report.client_id}: {report.kind.partition(' ')[0].lower()}",
                happened=f"In {env} SES reports about {len(added)} of the messages of {report.client_id}, issue of "
                f"{report.day}: {report.kind}, at {report.at}. The reader is named in {record.address}. After a "
                "permanent bounce or a complaint, SES sends nothing to the address any more: remove it from the "
                "client's file.",
                commands=(
                    f"./vectora client show {report.client_id}",
                    f'./vectora client bump {report.client_id} -m "Remove a reader whose address bounces"',
                ),
                runbook="docs/runbooks/deliver-by-mail.md",
            )
        )
