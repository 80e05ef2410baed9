"""`./vectora promote approve-change`: approval of a commit's change of the pipeline, access or a promotion policy."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.access import open_account
from cli.change_approval import LONGEST_APPROVAL_REASON, approve, reviewed_change
from cli.confirmation import require_confirmation
from cli.exit_codes import ExitCode
from cli.options import Json, Reason, Yes
from cli.output import fail, out, print_json, report_errors
from cli.paths import ROOT
from vectora_ops.account import PIPELINE
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings


@report_errors
def approve_change(
    execution: Annotated[
        str,
        typer.Option(
            "--execution", help="Execution that the review stopped, as its notification says.", show_default=False
        ),
    ],
    reason: Reason,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Show what a commit changes of the pipeline, access and promotion policies, and approve exactly that.

    The pipeline stops such a commit before it updates itself. Who wrote the commit cannot approve it.
    """
    if not reason.strip() or len(reason) > LONGEST_APPROVAL_REASON:
        fail(f"Say why (--reason) in 1 to {LONGEST_APPROVAL_REASON} characters: it is recorded.", ExitCode.USAGE)
    settings = load_settings(ROOT)
    names, account = settings.names(ENVIRONMENT_NAMES[-1]), open_account(settings, PIPELINE)
    change = reviewed_change(account, names, execution)
    if not json:
        out.say(change.text)
    if not change.needs_approval:
        fail("Nothing was approved: this execution needs no approval now.", ExitCode.NO)
    if not yes:
        require_confirmation("approve these changes", ENVIRONMENT_NAMES[-1])
    following = approve(account, names, change, reason.strip(), datetime.now(UTC))
    if json:
        print_json({**asdict(change), "result": following})
        return
    out.say(f"Approved. {following}")
