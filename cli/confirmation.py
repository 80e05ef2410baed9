"""Confirmation of a change by the operator."""

from __future__ import annotations

import sys

from cli.output import ask_text, ask_yes_no, err, fail

CONFIRMED_BY_NAME = "prod"


def require_confirmation(action: str, env: str, *, advice: str = "") -> None:
    """Ask the operator to confirm `action`, which starts with a verb; for prod, by typing its name.

    Exits with 1 unless it is confirmed, and when standard input is not a terminal.
    """
    if not sys.stdin.isatty():
        fail(f"No confirmation is possible without a terminal. Add --yes to {action}.")
    if advice:
        err.say(advice)
    if env == CONFIRMED_BY_NAME:
        if ask_text(f"Type {env} to {action}") != env:
            fail("The name does not match; nothing was changed.")
    elif not ask_yes_no(f"{action[:1].upper()}{action[1:]}?"):
        fail("Nothing was changed.")
