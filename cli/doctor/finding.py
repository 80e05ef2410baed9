"""Findings of checks: pass, fail or unknown, with facts and advice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from cli.doctor.subject import Subject
from cli.operator_policy import POLICY_FILE
from vectora_shared.aws_errors import error_code, is_denied

Verdict = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True)
class Finding:
    """Result of one check; `advice` says what to do, even for a pass that may become a failure.

    `where` names the environments it is about, and the pipeline, when several accounts or regions are checked.
    """

    check: str
    verdict: Verdict
    found: str
    advice: str = ""
    where: str = ""


@dataclass(frozen=True)
class Check:
    """A named check; an exception of `function` makes the result unknown."""

    name: str
    function: Callable[[Subject], Iterator[Finding]]

    def run(self, subject: Subject) -> list[Finding]:
        """Return the findings up to the first error, and an unknown finding for the error."""
        findings: list[Finding] = []
        try:
            for finding in self.function(subject):
                findings.append(finding)
        except Exception as error:  # noqa: BLE001
            # An unexpected answer of one service must not hide the findings of the others.
            findings.append(unknown(self.name, error))
        return findings


def unknown(check: str, error: Exception) -> Finding:
    """Return an unknown finding with the reason, and with advice for a missing permission."""
    if isinstance(error, ClientError):
        code, message = error_code(error), error.response["Error"].get("Message", "")
        if is_denied(error):
            found = f"you may not call {error.operation_name}"
            return Finding(check, "unknown", found, f"attach {POLICY_FILE} to your role to include this check")
        return Finding(check, "unknown", f"AWS answered {error.operation_name} with {code}: {message}".rstrip(": "))
    if isinstance(error, BotoCoreError):
        return Finding(check, "unknown", f"AWS did not answer: {error}")
    return Finding(check, "unknown", f"the answer cannot be read ({type(error).__name__}: {error})")
