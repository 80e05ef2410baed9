"""Errors of a fetch in words, and whether another attempt may succeed."""

from __future__ import annotations

import re
import ssl
from http.client import HTTPException, IncompleteRead, LineTooLong

import urllib3

from vectora_core.text.words import one_line
from vectora_shared.errors import VectoraError


class TemporaryError(Exception):
    """A failure that another attempt may not meet; `wait_seconds` is the wait that the server requested."""

    def __init__(
        self, reason: str, wait_seconds: float | None = None, advice: str = "see whether the site is up."
    ) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds
        self.advice = advice


class StatusError(VectoraError):
    """A response whose status is no success; `body` is its beginning, when it is JSON or plain text."""

    def __init__(self, message: str, body: bytes = b"") -> None:
        super().__init__(message)
        self.body = body


def fetch_error(error: Exception, host: str) -> Exception:
    """Return an error in words for one of urllib3: TemporaryError if another attempt may succeed, else VectoraError."""
    if isinstance(error, urllib3.exceptions.ProxyError) and isinstance(error.__cause__, Exception):
        return TemporaryError(f"The proxy could not be used ({_reason(error.__cause__)})")
    certificate = _certificate_error(error)
    if certificate:
        return VectoraError(
            f"{host}'s TLS certificate is not valid ({certificate}), and an unverified page is never read: "
            "correct the source's url or ask the site's owner."
        )
    if isinstance(error, (urllib3.exceptions.LocationValueError, ValueError)) or _is_malformed(error):
        return VectoraError(f"{host}'s answer cannot be read ({_reason(error)}): open the source's url in a browser.")
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return TemporaryError(f"The name {host} could not be resolved")
    is_refusal = isinstance(error, urllib3.exceptions.NewConnectionError)
    if isinstance(error, urllib3.exceptions.TimeoutError) and not is_refusal:
        return TemporaryError(f"{host} did not answer in time")
    if _ended_early(error):
        return TemporaryError(f"{host}'s answer ended early")
    return TemporaryError(f"The connection to {host} failed ({_reason(error)})")


def _ended_early(error: Exception) -> bool:
    """Return whether a body is shorter than its stated length, or its last chunk is missing."""
    return any(isinstance(each, IncompleteRead) for each in (error, *error.args))


def _is_malformed(error: Exception) -> bool:
    """Return whether a response exceeds a limit of http.client, such as the number or length of its headers."""
    cause = error.args[-1] if isinstance(error, urllib3.exceptions.ProtocolError) else None
    return isinstance(cause, LineTooLong) or type(cause) is HTTPException


def _reason(error: BaseException) -> str:
    while isinstance(error, urllib3.exceptions.HTTPError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = one_line(str(error)) or type(error).__name__
    return re.sub(r"^<?[\w.]+\(.*?\)>?: ", "", text)[:150]


def _certificate_error(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message or "verification failed"
        nested = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = nested or error.__cause__
    return None
