"""The message of one reader, made from an issue's newsletter.eml."""

from __future__ import annotations

import re

from vectora_shared.errors import VectoraError

_FIELDS = re.compile(rb"\r\n(?![ \t])")
# Makes mail programs open the file as a draft; a reader's message has none.
_DRAFT = b"X-Unsent:"
_SUBJECT = b"Subject:"


def message_for(reader: str, eml: bytes, *, marked: str = "") -> bytes:
    """Return the issue's message with its reader; the subject begins with `[marked]` if that is not empty.

    All other bytes stay as they are, because a parsed message is not always written as it was.
    """
    head, separator, body = eml.partition(b"\r\n\r\n")
    fields = [field for field in _FIELDS.split(head) if not field.startswith(_DRAFT)]
    if not separator or not any(field.startswith(b"From:") for field in fields):
        raise VectoraError("newsletter.eml is damaged: run the newsletter of that day again.")
    if marked:
        mark = f" [{marked}]\r\n".encode("ascii")
        fields = [_SUBJECT + mark + field[len(_SUBJECT) :] if field.startswith(_SUBJECT) else field for field in fields]
    return b"\r\n".join((f"To: {reader}".encode("ascii"), *fields)) + separator + body
