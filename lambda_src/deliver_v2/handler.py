"""Function deliver-v2: sends an issue to its readers, and notes bounces and complaints about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from vectora_core.delivery.feedback import SOURCE, note, report_of
from vectora_core.delivery.record import DeliveryRecord
from vectora_core.delivery.run import Addressees, DeliverEvent, Delivering, deliver
from vectora_core.delivery.ses import Ses, ses_client
from vectora_shared.aws import s3_client, sns_client
from vectora_shared.config.content import BucketContent
from vectora_shared.config.loading import load_client
from vectora_shared.notifications import Notification
from vectora_shared.runtime import Response, environment, parse_event, respond, set_log_level
from vectora_shared.storage import Bucket

# For recording the last outcome and answering.
RESERVED_MILLISECONDS = 60_000


def lambda_handler(event: dict[str, Any], context: Any) -> Response | None:
    if event.get("source") == SOURCE:
        # Raises, so that Lambda invokes the function again.
        set_log_level()
        _note_feedback(event)
        return None
    return respond(lambda: _deliver(event, context))


def _deliver(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request = parse_event(DeliverEvent, event)
    s3 = s3_client()
    newsletters = environment("NEWSLETTERS_BUCKET")

    def has_time() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVED_MILLISECONDS)

    return deliver(
        request,
        load_client(BucketContent(s3, environment("CONFIG_BUCKET")), request.client_id),
        Bucket(s3, newsletters),
        DeliveryRecord(s3, newsletters, request.client_id, request.target_date),
        _addressees(),
        Delivering(
            mailer=Ses(ses_client(), environment("CONFIGURATION_SET"), has_time=has_time),
            attempt=context.aws_request_id,
            clock=lambda: datetime.now(UTC),
            has_time=has_time,
        ),
    )


def _addressees() -> Addressees:
    # Required, so that a missing variable never makes a redirected message go to a reader.
    redirected = environment("DELIVERY_MODE") == "redirect"
    return Addressees(
        env=environment("ENV"), redirect_to=tuple(environment("REDIRECT_TO").split(",")) if redirected else ()
    )


def _note_feedback(event: dict[str, Any]) -> None:
    report = report_of(event)
    record = DeliveryRecord(s3_client(), environment("NEWSLETTERS_BUCKET"), report.client_id, report.day)
    note(report, record, _notify, environment("ENV"))


def _notify(notification: Notification) -> None:
    sns_client().publish(
        TopicArn=environment("NOTIFICATIONS_TOPIC_ARN"),
        Subject=notification.subject(f"{environment('PROJECT_NAME')} {environment('ENV')}"),
        Message=notification.message,
    )
