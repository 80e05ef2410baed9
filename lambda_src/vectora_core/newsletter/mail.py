"""An issue as an e-mail message: newsletter.eml, which delivery sends to each reader and any mail program opens."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import quote

from vectora_core.newsletter.issue import Issue
from vectora_core.text.words import one_line, shortened
from vectora_shared.config.delivery import LONGEST_SUBJECT, Delivery

# Domain of messages without a sender; mail systems never deliver from or to it (RFC 2606).
NO_DOMAIN = "newsletter.invalid"
PLAIN, HTML = "plain", "html"


def as_eml(issue: Issue, delivery: Delivery | None, *, text: str, html: str) -> bytes:
    """Return the message without its reader, in 7-bit lines of at most 78 characters that end with CRLF.

    The same issue gives the same bytes on every run: Message-ID, date and boundary derive from client, day and content.
    """
    sender = _sender(issue, delivery)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    if delivery and delivery.reply_to:
        message["Reply-To"] = delivery.reply_to
    message["Subject"] = _subject(issue, delivery)
    message["Date"] = format_datetime(datetime.combine(issue.day, time(), UTC))
    message["Message-ID"] = f"<{issue.client_id}.{issue.day:%Y%m%d}@{sender.domain}>"
    _mark_as_list(message, issue, sender, delivery)
    # Mail programs that know this header open the file as a draft, ready to be sent by hand. Delivery removes it.
    message["X-Unsent"] = "1"
    # Quoted-printable: 7-bit and short lines for any news (RFC 2045, 6.7).
    message.set_content(_lines(text), subtype=PLAIN, cte="quoted-printable")
    message.add_alternative(_lines(html), subtype=HTML, cte="quoted-printable")
    # Now, because a content header that is set earlier moves to the first alternative.
    message["Content-Language"] = issue.language
    digest = hashlib.sha256(f"{issue.client_id} {issue.day} {text} {html}".encode()).hexdigest()
    # Quoted-printable text never contains "=_" (RFC 2045, 6.7).
    message.set_boundary(f"=_{digest[:40]}")
    return message.as_bytes()


def _sender(issue: Issue, delivery: Delivery | None) -> Address:
    # A message without From is invalid (RFC 5322, 3.6), so that a client without delivery has one that cannot be sent.
    name = one_line((delivery.sender_name if delivery else "") or shortened(issue.name, LONGEST_SUBJECT))
    address = delivery.sender_address if delivery else f"{issue.client_id}@{NO_DOMAIN}"
    return Address(name, addr_spec=address)


def _subject(issue: Issue, delivery: Delivery | None) -> str:
    beginning = one_line((delivery.subject if delivery else None) or issue.name)
    return f"{shortened(beginning, LONGEST_SUBJECT)}, {_long_day(issue.day, issue.language)}"


def _long_day(day: date, language: str) -> str:
    # Imported here: the other functions of the engine start faster without it.
    from babel import localedata
    from babel.dates import format_date

    region = language.replace("-", "_")
    return format_date(day, "long", locale=region if localedata.exists(region) else region.partition("_")[0])


def _mark_as_list(message: EmailMessage, issue: Issue, sender: Address, delivery: Delivery | None) -> None:
    """Add the headers by which mail programs offer to unsubscribe, and send no automatic replies."""
    # RFC 2919: a phrase, and an identifier in a domain of the sender.
    message["List-Id"] = f"<{issue.client_id}.{sender.domain}>"
    if delivery:
        # RFC 2369. One click (RFC 8058) needs a web service; Gmail and Yahoo require it from 5,000 messages a day on
        # (Google, "Email sender guidelines").
        subject = quote(f"unsubscribe {issue.client_id}")
        message["List-Unsubscribe"] = f"<mailto:{delivery.unsubscribe_address}?subject={subject}>"
    # RFC 3834, 5; older systems know Precedence only, and Exchange has a header of its own (MS-OXCMAIL).
    message["Auto-Submitted"] = "auto-generated"
    message["Precedence"] = "bulk"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"


def _lines(text: str) -> str:
    """Return the text with one kind of line end, because others would be part of the encoded text."""
    return "\n".join(text.splitlines()) + "\n"
