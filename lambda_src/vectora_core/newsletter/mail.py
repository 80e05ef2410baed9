"""An issue as an e-mail message: newsletter.eml, which delivery sends to each reader and any mail program opens."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, time
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from urllib.parse import quote

from vectora_core.newsletter.issue import Issue
from vectora_core.newsletter.wording import Wording
from vectora_core.text.words import one_line, shortened
from vectora_shared.config.delivery import LONGEST_SUBJECT, Delivery

# Domain of messages without a sender; mail systems never deliver from or to it (RFC 2606).
NO_DOMAIN = "newsletter.invalid"
LINE_END = "\r\n"
LONGEST_LINE = 78  # RFC 5322, 2.1.1


def as_eml(issue: Issue, delivery: Delivery | None, *, text: str, html: str) -> bytes:
    """Return the message without its reader, in 7-bit lines that end with CRLF.

    The same issue gives the same bytes on every run: Message-ID, date and boundary derive from client, day and content.
    """
    digest = hashlib.sha256(f"{issue.client_id} {issue.day} {text} {html}".encode()).hexdigest()
    # Quoted-printable text never contains "=_" (RFC 2045, 6.7).
    boundary = f"=_{digest[:40]}"
    # Written field by field: the library's policies fold long addresses into encoded words, which no mail program reads
    # in List-Unsubscribe, and add spaces to long names.
    fields = [
        *_origin(issue, delivery),
        *_marks_of_a_list(issue, delivery),
        # Mail programs that know this header open the file as a draft, ready to be sent by hand. Delivery removes it.
        ("X-Unsent", "1"),
        ("Content-Language", issue.language),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
    ]
    head = LINE_END.join(f"{name}: {value}" for name, value in fields).encode("ascii")
    delimiter, end = f"{LINE_END}--{boundary}".encode("ascii"), LINE_END.encode("ascii")
    parts = (delimiter + end + part for part in (_part(text, "plain"), _part(html, "html")))
    return head + end + b"".join(parts) + delimiter + b"--" + end


def _part(text: str, subtype: str) -> bytes:
    """Return a body in quoted-printable: 7-bit and short lines for any news (RFC 2045, 6.7)."""
    part = EmailMessage(policy=SMTP)
    # One kind of line end, because others would be part of the encoded text.
    part.set_content("\n".join(text.splitlines()) + "\n", subtype=subtype, cte="quoted-printable")
    del part["MIME-Version"]
    return part.as_bytes()


def _origin(issue: Issue, delivery: Delivery | None) -> Iterator[tuple[str, str]]:
    # A message without From is invalid (RFC 5322, 3.6), so that a client without delivery has one that cannot be sent.
    address = _sender_address(issue, delivery)
    name = (delivery.sender_name if delivery else "") or shortened(issue.name, LONGEST_SUBJECT)
    yield "From", _mailbox(one_line(name), address)
    if delivery and delivery.reply_to:
        yield "Reply-To", delivery.reply_to
    beginning = one_line((delivery.subject if delivery else None) or issue.name)
    subject = f"{shortened(beginning, LONGEST_SUBJECT)}, {Wording(issue.language).day(issue.day)}"
    yield "Subject", _encoded("Subject", subject)
    yield "Date", format_datetime(datetime.combine(issue.day, time(), UTC))
    yield "Message-ID", f"<{issue.client_id}.{issue.day:%Y%m%d}@{_domain(address)}>"


def _marks_of_a_list(issue: Issue, delivery: Delivery | None) -> Iterator[tuple[str, str]]:
    """Yield the headers by which mail programs offer to unsubscribe, and send no automatic replies."""
    # RFC 2919: an identifier in a domain of the sender.
    yield "List-Id", f"<{issue.client_id}.{_domain(_sender_address(issue, delivery))}>"
    if delivery:
        # RFC 2369. One click (RFC 8058) needs a web service; Gmail and Yahoo require it from 5,000 messages a day on
        # (Google, "Email sender guidelines").
        subject = quote(f"unsubscribe {issue.client_id}")
        yield "List-Unsubscribe", f"<mailto:{quote(delivery.unsubscribe_address, safe='@')}?subject={subject}>"
    # RFC 3834, 5; older systems know Precedence only, and Exchange has a header of its own (MS-OXCMAIL).
    yield "Auto-Submitted", "auto-generated"
    yield "Precedence", "bulk"
    yield "X-Auto-Response-Suppress", "OOF, AutoReply"


def _sender_address(issue: Issue, delivery: Delivery | None) -> str:
    return delivery.sender_address if delivery else f"{issue.client_id}@{NO_DOMAIN}"


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _mailbox(name: str, address: str) -> str:
    if _is_plain(name):
        return formataddr((name, address))
    return f"{_encoded('From', name)}{LINE_END} <{address}>"


def _encoded(field: str, text: str) -> str:
    """Return the text of a header in lines, in encoded words if it is not plain ASCII (RFC 2047)."""
    charset = "us-ascii" if _is_plain(text) else "utf-8"
    return Header(text, charset, maxlinelen=LONGEST_LINE - 2, header_name=field).encode(linesep=LINE_END)


def _is_plain(text: str) -> bool:
    # A text that looks like an encoded word would be decoded by mail programs.
    return text.isascii() and "=?" not in text
