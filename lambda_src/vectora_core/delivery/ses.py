"""Sending of one message with Amazon SES, and the meaning of its errors."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from vectora_shared.aws import with_complete_responses
from vectora_shared.aws_errors import error_code, error_message, http_status
from vectora_shared.errors import VectoraError

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 10.0
# SES drops a message beyond the sending rate or the daily quota and says which (SES guide, "Errors related to the
# sending quotas"); the code of API v2 is TooManyRequestsException (API reference, SendEmail).
THROTTLED = ("TooManyRequestsException", "ThrottlingException", "Throttling")
DAILY_QUOTA = "daily message quota"
# Errors that every further message would meet (API reference, SendEmail, Errors), and what to do.
_OF_THE_ACCOUNT: Mapping[str, str] = {
    "AccountSuspendedException": "SES has suspended sending from this account: read the case that it opened",
    "SendingPausedException": (
        "sending is paused for this account or for the configuration set: see Account dashboard in the SES console"
    ),
    "MailFromDomainNotVerifiedException": "the custom MAIL FROM domain is not verified: see the identity in SES",
    "NotFoundException": "the configuration set is missing: deploy the environment again",
    "AccessDeniedException": "the function's role may not send from this sender: set `delivery.identity` to its domain",
    "LimitExceededException": "a limit of SES is reached: see the account's quotas in the SES console",
}
_NOT_VERIFIED = "is not verified"
_ADDRESS = re.compile(r"[^\s<>,;:]+@[^\s<>,;:]+")


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A message to one reader; `tags` are in every event that SES publishes about it."""

    sender: str
    reader: str
    content: bytes
    tags: Mapping[str, str]


class NotSentError(VectoraError):
    """SES refused the message; `of_account` is true if it would refuse every other one as well."""

    def __init__(self, reason: str, *, of_account: bool = False) -> None:
        super().__init__(reason)
        self.of_account = of_account


class UnconfirmedError(VectoraError):
    """SES may have accepted the message, or may not."""


class Mailer(Protocol):
    def __call__(self, mail: Mail) -> str:
        """Send, and return SES's message id; raise NotSentError or UnconfirmedError."""


class Ses:
    """Mailer of one environment, which repeats throttled requests until `has_time` says no."""

    def __init__(
        self,
        client: Any,
        configuration_set: str,
        *,
        has_time: Callable[[], bool],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._configuration_set = configuration_set
        self._has_time = has_time
        self._sleep = sleep

    def __call__(self, mail: Mail) -> str:
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                return self._send(mail)
            except ClientError as error:
                if not _is_throttled(error):
                    raise _meaning(error, mail.sender) from error
                reason = "SES allows no more messages a second"
            except (EndpointConnectionError, ConnectTimeoutError):
                # Without a connection nothing was sent.
                reason = "SES cannot be reached"
            except BotoCoreError as error:
                raise UnconfirmedError(f"SES did not answer ({type(error).__name__})") from error
            if not self._has_time():
                raise NotSentError(f"{reason}, until the function's time ran out", of_account=True)
            self._sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    def _send(self, mail: Mail) -> str:
        answer = self._client.send_email(
            FromEmailAddress=mail.sender,
            Destination={"ToAddresses": [mail.reader]},
            Content={"Raw": {"Data": mail.content}},
            ConfigurationSetName=self._configuration_set,
            EmailTags=[{"Name": name, "Value": value} for name, value in mail.tags.items()],
        )
        return str(answer["MessageId"])


def ses_client() -> Any:
    """Return a client that sends each request once: SES would not recognize a repeated one (SendEmail has no token)."""
    import boto3

    once = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=10, read_timeout=30)
    make: Any = boto3.client
    return with_complete_responses(make("sesv2", config=once))


def _is_throttled(error: ClientError) -> bool:
    return error_code(error) in THROTTLED and DAILY_QUOTA not in error_message(error).lower()


def _meaning(error: ClientError, sender: str) -> VectoraError:
    code, message = error_code(error), error_message(error)
    if http_status(error) >= 500:
        return UnconfirmedError(f"SES answered {http_status(error)} {code}")
    if code in THROTTLED:
        return NotSentError("the account's quota of messages in 24 hours is used up", of_account=True)
    if code in _OF_THE_ACCOUNT:
        return NotSentError(_OF_THE_ACCOUNT[code], of_account=True)
    if _NOT_VERIFIED in message and sender.casefold() in message.casefold():
        return NotSentError("the sender is not verified in SES: verify its domain or address first", of_account=True)
    if _NOT_VERIFIED in message:
        return NotSentError(
            "the account is in the SES sandbox, which sends to verified addresses only: request production access"
        )
    # SES quotes addresses, which belong into no log.
    return NotSentError(f"SES refused the message ({code}: {_ADDRESS.sub('an address', message).rstrip('.')})")
