"""An issue in a bucket with S3's conditional writes, an SES that keeps what it accepts, and kills at any call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.repository import ROOT
from tests.unit.conftest import MemoryS3
from tests.unit.newsletter.letters import issue as letter
from vectora_core.delivery.record import DeliveryRecord
from vectora_core.delivery.run import Addressees, DeliverEvent, Delivering, deliver
from vectora_core.delivery.ses import Mailer, Ses
from vectora_core.newsletter.mail import as_eml
from vectora_shared.config.content import FolderContent
from vectora_shared.config.delivery import Delivery
from vectora_shared.config.loading import load_client
from vectora_shared.storage import Bucket

DAY = date(2026, 3, 2)
FOLDER = "lai_weekly/2026/03/02"
RECORD = f"_deliveries/{FOLDER}/delivery.json"
BUCKET = "newsletters"
READERS = ("anna@example.org", "Bert@example.org", "cleo@example.org")


class Killed(BaseException):
    """The function's end in the middle of a call."""


class ConditionalS3(MemoryS3):
    """S3 with If-Match and If-None-Match (S3 API reference, PutObject)."""

    def __init__(self) -> None:
        super().__init__()
        self.before_put: Callable[[], None] = lambda: None
        self.after_put: Callable[[], None] = lambda: None

    def put_object(self, *, Bucket: str, Key: str, Body: bytes | str, **options: Any) -> dict[str, Any]:  # noqa: N803
        self.before_put()
        stored = self.objects.get((Bucket, Key))
        if "IfMatch" in options and (stored is None or options["IfMatch"] != _etag(stored)):
            raise refusal("PreconditionFailed", 412)
        if options.get("IfNoneMatch") == "*" and stored is not None:
            raise refusal("PreconditionFailed", 412)
        super().put_object(Bucket=Bucket, Key=Key, Body=Body, **options)
        self.after_put()
        return {"ETag": _etag(self.objects[Bucket, Key])}

    def get_object(self, *, Bucket: str, Key: str, Range: str = "bytes=0-") -> dict[str, Any]:  # noqa: N803
        answer = super().get_object(Bucket=Bucket, Key=Key, Range=Range)
        return {**answer, "ETag": _etag(self.objects[Bucket, Key])}


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def refusal(code: str, status: int, message: str = "refused") -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "Operation")


@dataclass
class Mailbox:
    """SES: `received` has every accepted request; `errors` are raised first, by reader or for all (None)."""

    received: list[dict[str, Any]] = field(default_factory=list)
    errors: dict[str | None, list[Exception]] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None

    def send_email(self, **request: Any) -> dict[str, str]:
        self.before()
        [reader] = request["Destination"]["ToAddresses"]
        for key in (reader, None):
            if self.errors.get(key):
                raise self.errors[key].pop(0)
        self.received.append(request)
        self.after()
        return {"MessageId": f"ses-{len(self.received)}"}

    @property
    def readers(self) -> list[str]:
        return [request["Destination"]["ToAddresses"][0] for request in self.received]


@dataclass
class World:
    """An environment with one issue and its readers."""

    s3: ConditionalS3 = field(default_factory=ConditionalS3)
    ses: Mailbox = field(default_factory=Mailbox)
    readers: tuple[str, ...] = READERS
    redirect_to: tuple[str, ...] = ()
    mailer: Mailer | None = None
    attempts: int = 0
    seconds_left: float = 900.0
    waited: list[float] = field(default_factory=list)

    def record(self) -> DeliveryRecord:
        return DeliveryRecord(self.s3, BUCKET, "lai_weekly", DAY)  # type: ignore[arg-type]

    def _sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.seconds_left -= seconds

    def deliver(self, **event: Any) -> dict[str, Any]:
        """Deliver in a new invocation."""
        self.attempts += 1
        delivery = Delivery.model_validate({"sender": "LAI News <news@example.org>", "recipients": self.readers})
        client = load_client(FolderContent(ROOT / "config"), "lai_weekly").model_copy(update={"delivery": delivery})
        has_time: Callable[[], bool] = lambda: self.seconds_left > 60  # noqa: E731
        return deliver(
            DeliverEvent(client_id="lai_weekly", target_date=DAY, **event),
            client,
            Bucket(self.s3, BUCKET),  # type: ignore[arg-type]
            self.record(),
            Addressees(env="dev", redirect_to=self.redirect_to),
            Delivering(
                mailer=self.mailer or Ses(self.ses, "vectora-newsletters-dev", has_time=has_time, sleep=self._sleep),
                attempt=f"attempt-{self.attempts}",
                clock=lambda: datetime(2026, 3, 2, 6, tzinfo=UTC),
                has_time=has_time,
            ),
        )


def eml() -> bytes:
    issue = letter(name="LAI Läkemedel", day=DAY)
    delivery = Delivery.model_validate({"sender": "LAI News <news@example.org>", "recipients": READERS})
    return as_eml(issue, delivery, text="News: 5 µg", html="<p>News: 5 µg</p>")


@pytest.fixture
def world() -> World:
    found = World()
    bucket = Bucket(found.s3, BUCKET)  # type: ignore[arg-type]
    bucket.write(f"{FOLDER}/newsletter.eml", eml(), "message/rfc822")
    bucket.write_json(f"{FOLDER}/manifest.json", {"total_items": 3})
    return found
