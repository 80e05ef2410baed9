"""Decision on a release or a client's file: its verdicts in a table, its conclusion, and its exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cli.exit_codes import ExitCode
from cli.output import out
from terminal.console import styled

COLORS = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def show_decision(decision: Mapping[str, Any]) -> None:
    """Print the verdicts of all gates with their reasons, and then the conclusion without them."""
    out.print_rows(
        ("gate", "verdict", "reason"),
        [
            (
                verdict["gate"],
                styled("bypassed" if verdict["bypassed"] else verdict["outcome"], COLORS[verdict["outcome"]]),
                verdict["reason"],
            )
            for verdict in decision["verdicts"]
        ],
    )
    out.fold(conclusion(decision))


def conclusion(decision: Mapping[str, Any]) -> str:
    """Return one sentence on the decision, which names gates and repeats none of their reasons."""
    what = decision.get("subject") or f"Release {str(decision.get('digest', ''))[:12]}"
    way = f"from {decision['source']} to {decision['target']}"
    bypassed = [each["gate"] for each in decision["verdicts"] if each["bypassed"]]
    without = f" Bypassed: {', '.join(bypassed)} ({decision['bypass_reason']})." if bypassed else ""
    if refusing := [each["gate"] for each in _refusing(decision)]:
        return f"{what} may not go {way} yet, because of {', '.join(refusing)}.{without}"
    return f"{what} may go {way}.{without}"


def exit_code(decision: Mapping[str, Any]) -> ExitCode:
    """Return the answer to whether the gates pass: yes, no, or not yet when each refusal ends by itself."""
    refusing = _refusing(decision)
    if not refusing:
        return ExitCode.YES
    return ExitCode.WAITING if all(map(_only_waits, refusing)) else ExitCode.NO


def _refusing(decision: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in decision["verdicts"] if each["outcome"] != "pass" and not each["bypassed"]]


def _only_waits(verdict: Mapping[str, Any]) -> bool:
    """Return whether a verdict changes without anyone's action, by time or by the next scheduled run."""
    return verdict["outcome"] == "inconclusive" or bool(verdict.get("ready_at"))
