"""The message of one reader, made from an issue's newsletter.eml."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

from vectora_shared.errors import VectoraError


def message_for(reader: str, eml: bytes, *, marked: str = "") -> bytes:
    """Return the issue's message with its reader; the subject begins with `[marked]` if that is not empty."""
    message = message_from_bytes(eml, policy=SMTP)
    assert isinstance(message, EmailMessage)  # noqa: S101
    if message.defects or not message["From"]:
        raise VectoraError("newsletter.eml is damaged: run the newsletter of that day again.")
    del message["X-Unsent"]
    message["To"] = reader
    if marked:
        subject = str(message["Subject"])
        message.replace_header("Subject", f"[{marked}] {subject}")
    return message.as_bytes()
