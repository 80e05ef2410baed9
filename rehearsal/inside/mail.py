"""Sending with SES API v2: AWS's refusals, permissions and feedback, and a copy of each accepted message."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from ministack.core import iam_actions  # type: ignore[import-not-found]
from ministack.core.responses import (  # type: ignore[import-not-found]
    get_account_id,
    get_region,
    json_response,
    new_uuid,
)
from ministack.services import eventbridge, ses, ses_v2  # type: ignore[import-not-found]

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import wrap

FOLDER = "REHEARSAL_MAIL"
SEND = "/outbound-emails"
ACTIONS = ("ses:SendEmail", "ses:SendRawEmail")
# SES API reference v2, SendEmail and its quotas; SES guide, "Amazon SES header fields"; RFC 5322, 2.1.1.
LARGEST_BYTES, MOST_RECIPIENTS, LONGEST_LINE = 40 * 1024 * 1024, 50, 998
TAG = re.compile(r"[A-Za-z0-9_\-.@]{1,256}")
ONCE = {
    "auto-submitted", "content-language", "content-type", "date", "from", "list-id", "list-unsubscribe", "message-id",
    "mime-version", "precedence", "reply-to", "return-path", "sender", "subject", "to", "cc", "bcc",
}  # fmt: skip
# Mailbox simulator (SES guide): address, event type, detail type, name of the event's part and of its recipients.
SIMULATOR = "simulator.amazonses.com"
FEEDBACK: Mapping[str, tuple[str, str, str, str]] = {
    "bounce": ("BOUNCE", "Email Bounced", "bounce", "bouncedRecipients"),
    "complaint": ("COMPLAINT", "Email Complaint Received", "complaint", "complainedRecipients"),
}
Answer = tuple[int, dict[str, str], bytes]


async def handle(original: Any, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    """Answer SendEmail with a raw message; pass every other call on."""
    if method != "POST" or not path.rstrip("/").endswith(SEND):
        return await original(method, path, headers, body, query)
    return _send(json.loads(body or b"{}"), headers)


def _send(request: dict[str, Any], headers: Mapping[str, str]) -> Answer:
    try:
        content = base64.b64decode(request["Content"]["Raw"]["Data"], validate=True)
    except (KeyError, binascii.Error):
        return _error("BadRequestException", "The stand-in accepts raw messages only.")
    sender = parseaddr(str(request.get("FromEmailAddress") or message_from_bytes(content)["From"] or ""))[1]
    if denied := _denial(request, sender, headers):
        return denied
    for refused in _refusals(request, sender, content):
        return refused
    message_id = f"{new_uuid()}-000000"
    _keep(content, message_id)
    for reader in _recipients(request):
        _simulate(request, sender, reader, message_id)
    answer: Answer = json_response({"MessageId": message_id})
    return answer


def _denial(request: dict[str, Any], sender: str, headers: Mapping[str, str]) -> Answer | None:
    """Check both actions on the identities and the configuration set (Service Authorization Reference, SES).

    In the sandbox, the recipients' identities are checked too (terraform-aws-ses issue 40).
    """
    prefix = f"arn:aws:ses:{get_region()}:{get_account_id()}"
    recipients = [] if ses._production_access_enabled() else _recipients(request)
    resources = [f"{prefix}:identity/{_identity(each)}" for each in (sender, *recipients)]
    if name := request.get("ConfigurationSetName"):
        resources.append(f"{prefix}:configuration-set/{name}")
    context = {"ses:FromAddress": sender, "ses:ApiVersion": "2"}
    for resource in resources:
        for action in ACTIONS:
            if found := permissions.caller_denial(action, resource, context):
                answer: Answer = permissions.denied_answer("sesv2", action, resource, found, headers)
                return answer
    return None


def _refusals(request: dict[str, Any], sender: str, content: bytes) -> Iterator[Answer]:
    yield from _refusals_of_content(sender, content)
    recipients = _recipients(request)
    if not 0 < len(recipients) <= MOST_RECIPIENTS:
        yield _error("BadRequestException", f"Recipient count must be between 1 and {MOST_RECIPIENTS}.")
    for address in (sender, *recipients):
        if not address.isascii() or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
            yield _error("BadRequestException", f"Missing final '@domain' or illegal address: {address}")
    for tag in request.get("EmailTags") or ():
        if not (TAG.fullmatch(str(tag.get("Name"))) and TAG.fullmatch(str(tag.get("Value")))):
            yield _error("BadRequestException", f"Invalid tag {tag}.")
    name = request.get("ConfigurationSetName")
    if name and name not in ses_v2._config_sets:
        yield _error("NotFoundException", f"Configuration set <{name}> does not exist.", 404)
    if rejected := ses._message_rejection(sender, recipients):
        yield _error("MessageRejected", rejected)


def _refusals_of_content(sender: str, content: bytes) -> Iterator[Answer]:
    message = message_from_bytes(content, policy=policy.default)
    if len(content) > LARGEST_BYTES:
        yield _error("BadRequestException", f"Message length is more than {LARGEST_BYTES} bytes long.")
    for name in sorted({name.lower() for name, _ in message.items()} & ONCE):
        if len(message.get_all(name, [])) > 1:
            yield _error("BadRequestException", f"Duplicate header '{name}'.")
    if not message["From"] or parseaddr(str(message["From"]))[1] != sender:
        yield _error("BadRequestException", "The From header is missing, or is not FromEmailAddress.")
    if any(len(line) > LONGEST_LINE for line in content.split(b"\r\n")) or not content.isascii():
        yield _error("BadRequestException", f"Lines are at most {LONGEST_LINE} characters of 7 bits long.")


def _recipients(request: dict[str, Any]) -> list[str]:
    destination = request.get("Destination") or {}
    return [each for kind in ("To", "Cc", "Bcc") for each in destination.get(f"{kind}Addresses") or ()]


def _identity(address: str) -> str:
    """Return the identity that SES checks: the address, or its domain or a parent domain, if it is one."""
    domain = address.rpartition("@")[2].lower()
    parents = [domain[found.start() + 1 :] for found in re.finditer(r"\.", domain)]
    known = {str(each).lower() for each in ses_v2._identities}
    return next((each for each in (address, domain, *parents) if each.lower() in known), address)


def _keep(content: bytes, message_id: str) -> None:
    folder = Path(os.environ[FOLDER])
    folder.mkdir(exist_ok=True)
    (folder / f"{len(list(folder.iterdir())):04}-{message_id}.eml").write_bytes(content)


def _simulate(request: dict[str, Any], sender: str, reader: str, message_id: str) -> None:
    """Publish the event of a simulated bounce or complaint to the configuration set's destination."""
    local, _, domain = reader.partition("@")
    feedback = FEEDBACK.get(local.partition("+")[0]) if domain == SIMULATOR else None
    name = str(request.get("ConfigurationSetName") or "")
    destinations = (ses_v2._config_sets.get(name) or {}).get("EventDestinations") or {}
    if feedback is None:
        return
    kind, detail_type, part, recipients = feedback
    if not any(
        each.get("Enabled") and kind in each["MatchingEventTypes"] and each.get("EventBridgeDestination")
        for each in destinations.values()
    ):
        return
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    reported: dict[str, Any] = {recipients: [{"emailAddress": reader}], "timestamp": now}
    if part == "bounce":
        reported |= {"bounceType": "Permanent", "bounceSubType": "General"}
    tags = {each["Name"]: [each["Value"]] for each in request.get("EmailTags") or ()}
    mail = {
        "messageId": message_id,
        "source": sender,
        "destination": [reader],
        "tags": {**tags, "ses:configuration-set": [name]},
    }
    detail = {"eventType": kind.title(), part: reported, "mail": mail}
    entry = {"Source": "aws.ses", "DetailType": detail_type, "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _error(code: str, message: str, status: int = 400) -> Answer:
    answer: Answer = ses_v2._json_err(code, message, status)
    return answer


def register() -> None:
    """Answer SendEmail, whose permissions are checked with the request's own sender and resources."""
    wrap(ses_v2, "handle_request", handle)

    def action_of(original: Any, service: str, method: str, path: str, *rest: Any) -> str | None:
        if service == "ses" and method == "POST" and path.rstrip("/").endswith(SEND):
            return None
        action: str | None = original(service, method, path, *rest)
        return action

    wrap(iam_actions, "extract_iam_action", action_of)
