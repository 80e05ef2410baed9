"""Answers and errors of the in-memory AWS, in the shape that boto3 gives them."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any

from botocore.exceptions import ClientError


def metadata(now: datetime, status: int = 200) -> dict[str, Any]:
    """Return the metadata of an answer; its `date` is the service's own time, in whole seconds."""
    return {"HTTPStatusCode": status, "HTTPHeaders": {"date": format_datetime(now, usegmt=True)}}


def refused(now: datetime, code: str, message: str = "", status: int = 400) -> ClientError:
    """Return the error that boto3 raises when a service refuses a request."""
    answer: Any = {"Error": {"Code": code, "Message": message or code}, "ResponseMetadata": metadata(now, status)}
    return ClientError(answer, "Request")


class Pages:
    """Paginator with one page, made of the answer of the operation itself."""

    def __init__(self, operation: Any) -> None:
        self._operation = operation

    def paginate(self, **request: Any) -> Any:
        """Yield the only page; as in boto3, the request is sent when the first page is taken."""
        yield self._operation(**request)
