"""Requests and responses of the stand-in, apart from how they travel."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote, unquote_plus
from xml.sax.saxutils import escape


class Refusal(Exception):  # noqa: N818
    """An error response of S3."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def response(self) -> Response:
        """Return the error as S3 writes it."""
        text = f"<Error><Code>{self.code}</Code><Message>{escape(str(self))}</Message></Error>"
        return Response(self.status, text.encode("utf-8"), (("Content-Type", "application/xml"),))


@dataclass
class Request:
    """One request; names of `headers` are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @cached_property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Decoded parameters of the query."""
        if not self.query:
            return {}
        pairs = (part.partition("=") for part in self.query.split("&"))
        return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}

    @cached_property
    def address(self) -> tuple[str, str]:
        """Bucket and key; the key is empty for the bucket itself."""
        bucket, _, key = self.path[1:].partition("/")
        return unquote(bucket), unquote(key)


@dataclass(slots=True)
class Response:
    """One response; `length` differs from the body's for HEAD."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None


@dataclass
class Usage:
    """Number of requests by operation, and what S3 charges for them.

    Prices of S3 Standard in us-east-1 (https://aws.amazon.com/s3/pricing/, "Requests & data retrievals"): $0.005 a
    1,000 PUT, COPY, POST and LIST requests, $0.0004 a 1,000 GET and all other requests; DELETE requests are free.
    """

    operations: dict[str, int] = field(default_factory=dict)

    DEAR = ("Put", "Copy", "List", "Create", "Upload", "Complete", "Post")
    FREE = ("Delete", "Abort")

    @property
    def requests(self) -> int:
        return sum(self.operations.values())

    @property
    def dollars(self) -> float:
        return sum(self._price(name) * count for name, count in self.operations.items()) / 1000

    def _price(self, operation: str) -> float:
        if operation.startswith(self.FREE):
            return 0.0
        return 0.005 if operation.startswith(self.DEAR) else 0.0004
