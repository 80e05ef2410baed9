"""Approval of commits that the pipeline's review stops, by the command that an administrator runs."""

from __future__ import annotations

import json
import os
import subprocess

from rehearsal.accounts import APPROVER, profile_of
from rehearsal.delivery import Delivery
from rehearsal.waiting import StepError
from vectora_ops.account import PIPELINE

ACTION, ENDED = "SelfMutate", ("Failed", "Succeeded")


def approve_change(delivery: Delivery, execution: str) -> str:
    """Approve what the review stopped; return what the execution changes. Raise StepError when it stopped nothing."""
    delivery.reach(execution, ACTION, *ENDED)
    command = ["./vectora", "promote", "approve-change", "--execution", execution]
    # The configuration of several accounts names an operator's profile, which may not approve.
    command += ["--profile", profile_of(APPROVER)] if delivery.accounts else []
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ended = subprocess.run(
        [*command, "--reason", "approved in the rehearsal", "--yes", "--json"],
        cwd=delivery.checkout,
        env=own | delivery.tools_environment(delivery.emulator.administrator(delivery.account_id(PIPELINE))),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if ended.returncode:
        raise StepError(f"Execution {execution} was not approved: {ended.stderr.strip()}", ())
    text: str = json.loads(ended.stdout)["text"]
    return text
