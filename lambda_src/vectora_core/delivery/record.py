"""Record of an issue's delivery, which says for each reader whether the message was sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict

from vectora_shared.aws import pause, read_object
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError
from vectora_shared.keys import delivery_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITE_ATTEMPTS = 8
# Another invocation wrote the record first (S3 API reference, PutObject, If-Match).
OVERTAKEN = ("PreconditionFailed", "ConditionalRequestConflict")
# sending: the attempt has begun; its outcome is unknown as long as this remains. unconfirmed: SES did not answer.
Status = Literal["sending", "sent", "unconfirmed", "failed"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Feedback(_Part):
    """A bounce or a complaint about a message, as SES reported it; `event` identifies the report."""

    event: str
    kind: str
    at: str


class Entry(_Part):
    """Delivery to one reader; `attempt` identifies the invocation, `message_id` is the one that SES assigned."""

    status: Status
    at: datetime
    attempt: str
    message_id: str | None = None
    reason: str | None = None
    feedback: tuple[Feedback, ...] = ()


class _Document(_Part):
    client_id: str
    target_date: date
    readers: dict[str, Entry] = {}


Readers = dict[str, Entry]


def reader_key(address: str) -> str:
    """Return the key of a reader: an address that is only written differently is the same reader."""
    return address.casefold()


class DeliveryRecord:
    """The record of one issue in the newsletters bucket, which concurrent invocations may change."""

    def __init__(self, s3: S3Client, bucket: str, client_id: str, day: date) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._new = _Document(client_id=client_id, target_date=day)
        self.key = delivery_key(client_id, day)
        self._document = self._new
        self._etag: str | None = None
        self._read()

    @property
    def address(self) -> str:
        return f"s3://{self._bucket}/{self.key}"

    @property
    def readers(self) -> Mapping[str, Entry]:
        """Entries as they were last read or written."""
        return self._document.readers

    def change(self, change: Callable[[Readers], None]) -> None:
        """Apply `change` to the newest entries and write them; it is repeated when another invocation is faster.

        Raises VectoraError when others always are.
        """
        for attempt in range(WRITE_ATTEMPTS):
            pause(attempt)
            if attempt:
                self._read()
            readers = dict(self._document.readers)
            change(readers)
            if readers == self._document.readers:
                return
            document = self._document.model_copy(update={"readers": readers})
            if self._write(document):
                return
        raise VectoraError(f"{self.address} was changed by others {WRITE_ATTEMPTS} times: try again later.")

    def _read(self) -> None:
        try:
            found = read_object(self._s3, Bucket=self._bucket, Key=self.key)
        except ClientError as error:
            if not is_absent(error, "object"):
                raise
            self._document, self._etag = self._new, None
            return
        try:
            self._document = _Document.model_validate_json(found.body)
        except ValueError as error:
            raise VectoraError(
                f"{self.address} is damaged, so that it is unknown who got the newsletter: restore an earlier version "
                "of the object. Delivery sends nothing before that."
            ) from error
        self._etag = found.etag

    def _write(self, document: _Document) -> bool:
        """Write the document unless the stored one is another than the one that was read."""
        body = json.dumps(document.model_dump(mode="json"), ensure_ascii=False, indent=2).encode("utf-8")
        condition: dict[str, Any] = {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
        content_type = "application/json; charset=utf-8"
        try:
            answer = self._s3.put_object(
                Bucket=self._bucket, Key=self.key, Body=body, ContentType=content_type, **condition
            )
        except ClientError as error:
            if error_code(error) in OVERTAKEN:
                return False
            raise
        self._document, self._etag = document, answer["ETag"]
        return True
