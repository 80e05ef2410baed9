"""Finding of a check: pass, fail or unknown, with the facts and the advice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from cli.doctor.subject import Subject
from cli.operator_policy import POLICY_FILE

Verdict = Literal["pass", "fail", "unknown"]
# As services name a missing permission, or one that an organization denies.
DENIED = (
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
    "403",
)
POLICY = POLICY_FILE


@dataclass(frozen=True)
class Finding:
    """The result of one check. `advice` is what to do, also for a pass that will not stay one."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Check:
    """A check by name; `look` may raise, which makes the result unknown."""

    name: str
    look: Callable[[Subject], Iterator[Finding]]

    def run(self, subject: Subject) -> list[Finding]:
        """Return the findings; what was found before an error stays, and the error itself is one that is unknown."""
        findings: list[Finding] = []
        try:
            for finding in self.look(subject):
                findings.append(finding)
        except Exception as error:  # noqa: BLE001
            # One service that does not answer as expected must not hide what the others say.
            findings.append(unknown(self.name, error))
        return findings


def unknown(check: str, error: Exception) -> Finding:
    """Say why it is not known, and what to do."""
    if isinstance(error, ClientError):
        code, message = code_of(error), error.response["Error"].get("Message", "")
        if code in DENIED:
            found = f"you may not call {error.operation_name}"
            return Finding(check, "unknown", found, f"to have it checked, attach {POLICY} to your role")
        return Finding(check, "unknown", f"AWS answered {error.operation_name} with {code}: {message}".rstrip(": "))
    if isinstance(error, BotoCoreError):
        return Finding(check, "unknown", f"AWS did not answer: {error}")
    return Finding(check, "unknown", f"the answer cannot be read ({type(error).__name__}: {error})")


def code_of(error: ClientError) -> str:
    """Return AWS's code of an error; for a HEAD request it is the HTTP status, as there is no body."""
    return str(error.response["Error"].get("Code", ""))
