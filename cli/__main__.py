"""`./vectora`: check an account, run the engine, see what is deployed, clients, snapshots, promotions, rehearsal."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.adopt import adopt
from cli.client import app as client_app
from cli.doctor import doctor
from cli.output import fail, in_one_sentence
from cli.place import ROOT, Json
from cli.promote import app as promote_app
from cli.release import app as release_app
from cli.rollback import rollback
from cli.run import run
from cli.snapshot.commands import app as snapshot_app
from cli.status import status
from vectora_shared.errors import VectoraError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode="rich")
app.add_typer(client_app, name="client")
app.add_typer(snapshot_app, name="snapshot")
app.add_typer(release_app, name="release")
app.add_typer(promote_app, name="promote")
app.command(epilog="Example: ./vectora run --env stage --client lai_weekly --period-days 7")(run)
app.command(epilog="Example: ./vectora status --env prod --json")(status)
app.command(epilog="Example: ./vectora adopt --env dev --dry-run")(adopt)
app.command(epilog="Example: ./vectora rollback --env stage --snapshot lai_v7_stable_20260130_120000 --dry-run")(
    rollback
)
app.command(epilog="Example: ./vectora doctor --env stage")(doctor)


@app.command(epilog="Example: ./vectora rehearse --keep")
@in_one_sentence
def rehearse(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the local AWS running and say how to use it.")] = False,
    ask: Annotated[bool, typer.Option("--ask", help="Approve the promotion into prod yourself.")] = False,
    json: Json = False,
) -> None:
    """Run everything on this machine: three commits through the pipeline of a local AWS, newsletters, a disaster."""
    from rehearsal.run import RehearsalOptions
    from rehearsal.run import rehearse as run_rehearsal

    raise typer.Exit(run_rehearsal(RehearsalOptions(root=ROOT, keep=keep, ask=ask, as_json=json)))


def main() -> None:
    try:
        app(prog_name="./vectora")
    except VectoraError as error:
        fail(str(error))


if __name__ == "__main__":
    main()
