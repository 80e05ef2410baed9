"""Verdicts of the gates between two environments, as the function that the pipeline invokes gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.overview.model import GatesInto, GateState
from vectora_ops.remote import run_remotely
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

# Gates that count something, with the names of the number and of what is required.
MEASURES: Mapping[str, tuple[str, str]] = {"soak": ("days", "required_days"), "runs": ("runs", "required_runs")}


def read_gates(opens: Callable[[], Account], source: Names, target: Names) -> GatesInto:
    """Return the verdicts on the release that `source` has; with the reason when they could not be read."""
    try:
        answer = run_remotely(opens(), source, "promotion", {"operation": "explain"}, lambda count: None)
    except VectoraError as error:
        return GatesInto(source=source.env, target=target.env, problem=str(error))
    except (ClientError, BotoCoreError) as error:
        return GatesInto(source=source.env, target=target.env, problem=plain(error))
    decision = answer["decision"]
    return GatesInto(
        source=source.env,
        target=target.env,
        digest=decision["digest"],
        outcome=decision["outcome"],
        gates=tuple(map(_gate, decision["verdicts"])),
    )


def _gate(verdict: Mapping[str, Any]) -> GateState:
    return GateState(
        gate=verdict["gate"],
        outcome=verdict["outcome"],
        reason=verdict["reason"],
        share=_share(verdict),
        bypassed=verdict["bypassed"],
        ready_at=datetime.fromisoformat(verdict["ready_at"]) if verdict.get("ready_at") else None,
        command=verdict.get("command"),
    )


def _share(verdict: Mapping[str, Any]) -> float | None:
    number, required = MEASURES.get(verdict["gate"], ("", ""))
    numbers = verdict.get("numbers") or {}
    if not numbers.get(required):
        return None
    return min(float(numbers.get(number) or 0) / float(numbers[required]), 1.0)
