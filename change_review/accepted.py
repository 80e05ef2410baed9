"""Accepted risks: findings that a person takes responsibility for, until a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field, StringConstraints

from change_review.model import Acceptance, Finding
from vectora_shared.config.section import NotationError, Section, read_file
from vectora_shared.errors import VectoraError

FILE = "config/accepted-risks.yaml"
DAYS = 30
LONGEST_DAYS = 365
LONGEST_REASON = 300
_HEADER = """\
# Findings of `./vectora review` that a person accepts, until a day. Written by `./vectora review --allow`; a finding
# whose day is over counts again. Changes need a second reviewer.

"""


def _date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise NotationError("is no date: write one such as 2027-01-31") from error
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REASON)]


class AcceptedRisk(Section):
    """A finding that may be merged, until a date."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")] = Field(description="id that the review shows")
    reason: Text = Field(description="why it may be merged")
    by: Text = Field(description="person who accepts it")
    until: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_date)] = Field(
        description="last day of the acceptance, such as 2027-01-31"
    )

    @property
    def acceptance(self) -> Acceptance:
        return Acceptance(id=self.id, reason=self.reason, by=self.by, until=date.fromisoformat(self.until))


class AcceptedRisks(Section):
    accepted: tuple[AcceptedRisk, ...] = ()


def read_accepted(body: bytes | None) -> tuple[Acceptance, ...]:
    """Return the accepted risks in a file; raises ConfigurationError with every error of the file."""
    if body is None or not body.strip():
        return ()
    return tuple(each.acceptance for each in read_file(AcceptedRisks, FILE, body).accepted)


def with_acceptances(findings: Iterable[Finding], accepted: Iterable[Acceptance], today: date) -> Iterator[Finding]:
    """Yield the findings with what accepts each; one that expired is named and does not count."""
    by_id = {each.id: each for each in sorted(accepted, key=lambda each: each.until)}
    for finding in findings:
        found = by_id.get(finding.id)
        if found is None:
            yield finding
        elif found.until >= today:
            yield replace(finding, accepted=found)
        else:
            yield replace(finding, expired=found)


def new_acceptance(finding_id: str, *, reason: str, by: str, today: date, until: date | None) -> Acceptance:
    """Return an acceptance that ends after DAYS by default; raises VectoraError for a reason or day that is none."""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise VectoraError(f"Say why (--reason) in 1 to {LONGEST_REASON} characters: it is recorded.")
    if not by.strip():
        raise VectoraError("git has no user.email, so no one would accept the risk: set it (git config user.email).")
    last = until or today + timedelta(days=DAYS)
    if not today <= last <= today + timedelta(days=LONGEST_DAYS):
        raise VectoraError(f"--until is {last}: give a day from today on, at most {LONGEST_DAYS} days ahead.")
    return Acceptance(id=finding_id, reason=reason.strip(), by=by.strip(), until=last)


def write_accepted(root: Path, accepted: Iterable[Acceptance]) -> Path:
    """Write the accepted risks of a checkout, one for each id, and return the file."""
    by_id = {each.id: each for each in accepted}
    entries = [
        {"id": each.id, "reason": each.reason, "by": each.by, "until": each.until.isoformat()}
        for each in sorted(by_id.values(), key=lambda each: (each.until, each.id))
    ]
    path = root / FILE
    text = yaml.safe_dump({"accepted": entries}, sort_keys=False, allow_unicode=True, width=120)
    path.write_text(_HEADER + text, encoding="utf-8", newline="\n")
    return path
