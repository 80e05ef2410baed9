"""Command `./vectora rehearse`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import Json
from cli.output import report_errors
from cli.paths import ROOT


@report_errors
def rehearse(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the local AWS running and print how to use it.")] = False,
    ask: Annotated[bool, typer.Option("--ask", help="Approve the promotion into prod yourself.")] = False,
    accounts: Annotated[
        int, typer.Option("--accounts", help="Number of AWS accounts: 1, or 4 for the pipeline and each environment.")
    ] = 1,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="List each behaviour of AWS that the emulator lacks, and what checks it.")
    ] = False,
    json: Json = False,
) -> None:
    """Rehearse everything on this machine: three commits through a local pipeline, newsletters, disaster recovery."""
    # Imported here because the rehearsal takes a while to import, and no other command needs it.
    from rehearsal.run import RehearsalOptions
    from rehearsal.run import rehearse as run_rehearsal

    options = RehearsalOptions(root=ROOT, keep=keep, ask=ask, accounts=accounts, as_json=json, verbose=verbose)
    raise typer.Exit(run_rehearsal(options))
