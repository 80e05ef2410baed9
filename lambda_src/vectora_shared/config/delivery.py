"""Delivery of a newsletter by e-mail: its sender and its readers, as a client's file names them."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from vectora_shared.config.characters import described
from vectora_shared.config.section import MisfitError, NotationError, Section
from vectora_shared.config.values import Text

# RFC 5321, 4.5.3.1: the local part; erratum 1690 of RFC 3696: the whole address.
LONGEST_LOCAL_PART, LONGEST_ADDRESS = 64, 254
LONGEST_NAME, LONGEST_SUBJECT = 100, 150
# Each reader gets an own message. In the time of one invocation, the sandbox of SES sends one message a second.
MOST_RECIPIENTS = 500
# RFC 5322, 3.2.3, dot-atom. SES accepts no other characters before the @ (SES API reference v2, Destination: 7-bit
# ASCII, without SMTPUTF8); quoted local parts are valid, and no reader has one.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_TOP_LABEL = re.compile(r"[A-Za-z]{2,63}|[xX][nN]--[A-Za-z0-9-]{1,59}")
_MAILBOX = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>")
EXAMPLE = "Weekly News <news@example.org>"


def address_problem(address: str) -> str | None:
    """Return why SES cannot send to or from this address, as the end of a sentence; None when it can."""
    local, at, domain = address.rpartition("@")
    if not at:
        return f"is no e-mail address: write it as in {EXAMPLE.partition('<')[2].rstrip('>')}"
    if not domain.isascii():
        return _international(domain)
    if not local.isascii():
        return "has characters before the @ that SES does not accept: use an address with ASCII letters and digits"
    if len(local) > LONGEST_LOCAL_PART or len(address) > LONGEST_ADDRESS:
        return (
            f"is too long: at most {LONGEST_LOCAL_PART} characters before the @ and {LONGEST_ADDRESS} in all are "
            "possible (RFC 5321)"
        )
    labels = domain.split(".")
    fits = _LOCAL.fullmatch(local) and all(map(_LABEL.fullmatch, labels)) and _TOP_LABEL.fullmatch(labels[-1])
    return None if fits and len(labels) > 1 else "is no e-mail address: one @, a domain with a dot, no spaces"


def _international(domain: str) -> str:
    """Return the advice for a domain with other letters: SES requires its Punycode form (SES API v2, Destination)."""
    try:
        ascii_form = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return "has a domain that cannot be written in Punycode: check its spelling"
    odd = next(char for char in domain if not char.isascii())
    return (
        f"has {described(odd)} in its domain, which is no ASCII letter: type it again if it looks like one, else write "
        f"{ascii_form} for it, which is the same domain (Punycode)"
    )


def _address(address: str) -> str:
    if problem := address_problem(address):
        raise NotationError(problem)
    return address


def _mailbox(text: str) -> str:
    name, address = split_mailbox(text)
    if any(unicodedata.category(sign) in ("Zl", "Zp") or unicodedata.category(sign)[0] == "C" for sign in name):
        raise ValueError("has control characters or line breaks in its name: remove them")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"has a name of {len(name)} characters: at most {LONGEST_NAME} are possible")
    if problem := address_problem(address):
        raise NotationError(f"{problem}; with a name as in {EXAMPLE}")
    return text


def split_mailbox(text: str) -> tuple[str, str]:
    """Return name and address of `Name <address>` or of an address alone, whose name is empty."""
    found = _MAILBOX.fullmatch(text)
    return (found["name"].strip().strip('"').strip(), found["address"]) if found else ("", text)


def _readers(addresses: tuple[str, ...]) -> tuple[str, ...]:
    # Mail systems do not distinguish case, although RFC 5321 allows it: one person must not get two messages.
    known: dict[str, str] = {}
    for index, address in enumerate(addresses):
        first = known.setdefault(address.casefold(), address)
        if first is not address:
            raise MisfitError(((index,), f"is '{address}', the same reader as '{first}' before: remove one of them"))
    return addresses


def _subject(text: str) -> str:
    if len(text) > LONGEST_SUBJECT:
        raise ValueError(f"has {len(text)} characters: at most {LONGEST_SUBJECT} are possible")
    return text


Address = Annotated[str, AfterValidator(_address), Field(json_schema_extra={"format": "email"})]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
# Addresses that differ in more than their case.
Addresses = Annotated[
    tuple[Address, ...],
    AfterValidator(_readers),
    Field(max_length=MOST_RECIPIENTS, json_schema_extra={"uniqueItems": True}),
]
Readers = Annotated[Addresses, Field(min_length=1)]


class Delivery(Section):
    """Sender and readers of the newsletter. Each environment decides whether it sends (config/environments.yaml)."""

    sender: Mailbox = Field(
        description=(
            f'Sender of the messages, such as "{EXAMPLE}"; its domain or address is verified in SES '
            "(docs/runbooks/deliver-by-mail.md)."
        )
    )
    recipients: Readers = Field(
        description=(
            f"Addresses of the readers, 1 to {MOST_RECIPIENTS}. Each gets an own message and sees no other address; "
            "the address of a mailing list is one reader."
        )
    )
    reply_to: Address | None = Field(
        default=None, description="Address that receives replies; the sender's when omitted."
    )
    unsubscribe: Address | None = Field(
        default=None,
        description="Address that receives requests to unsubscribe; that of reply_to, or the sender's, when omitted.",
    )
    subject: Annotated[Text, AfterValidator(_subject)] | None = Field(
        default=None,
        description="Beginning of the subject, before the day of the issue; the newsletter's name when omitted.",
    )

    @property
    def sender_name(self) -> str:
        return split_mailbox(self.sender)[0]

    @property
    def sender_address(self) -> str:
        """Address of the sender, its domain in lower case, as in the permission to send from it."""
        local, _, domain = split_mailbox(self.sender)[1].rpartition("@")
        return f"{local}@{domain.lower()}"

    @property
    def unsubscribe_address(self) -> str:
        return self.unsubscribe or self.reply_to or self.sender_address
