"""Runs and client files of an environment, as the gates judge them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

# Error of a run whose newsletter was written, and not delivered to all recipients (newsletter_workflow.py).
DELIVERY_FAILED = "DeliveryFailed"
# A person or a program ended the run (Step Functions, StopExecution).
ABORTED = "ABORTED"


@dataclass(frozen=True, kw_only=True)
class Run:
    """An issue; `noise` is a share from 0 to 1, `cost_usd` is None when the run recorded no cost.

    `items` are those that it would have if no earlier issue had published any: a second issue within its period may
    have no news left, and shows that its content works nevertheless.
    """

    client_id: str
    at: datetime
    items: int
    noise: float | None
    cost_usd: float | None
    client_version: str | None = None


@dataclass(frozen=True, kw_only=True)
class FailedRun:
    """A run that failed, with its end and, where known, its start, its execution's ARN and its error."""

    client_id: str
    at: datetime
    status: str
    started: datetime | None = None
    execution: str = ""
    draft: bool = False
    error: str = ""
    input_unknown: bool = False  # its client could not be read; it counts then


@dataclass(frozen=True, kw_only=True)
class ClientFile:
    """A client's deployed configuration; `sha256` is that of the file's bytes."""

    version: str
    sha256: str
    active: bool
    frequency: str | None = None
    is_valid: bool = True


def why_not_counted(run: FailedRun, clients: Mapping[str, ClientFile] | None) -> str | None:
    """Return why a failed run says nothing about the release, as a clause; None when it counts.

    `clients` are the deployed files, None when they cannot be read. An invalid file counts as active: the release may
    have brought it.
    """
    if run.draft:
        return "it makes a draft"
    if run.status == ABORTED:
        return "it was ended on purpose"
    if run.error == DELIVERY_FAILED:
        return "its newsletter was written, and only the delivery failed"
    if clients is None or run.input_unknown:
        return None
    file = clients.get(run.client_id)
    if file is None:
        return f"there is no client '{run.client_id}'"
    return None if file.active or not file.is_valid else f"client {run.client_id} is not active"
