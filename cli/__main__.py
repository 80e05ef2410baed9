"""Registration of all commands of `./vectora`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import NamedTuple

import typer

from cli.adopt import adopt
from cli.client.bump import bump
from cli.client.diff import diff as diff_client
from cli.client.migrate import migrate
from cli.client.preview import preview
from cli.client.promote import promote as promote_client
from cli.client.show import list_clients
from cli.client.show import show as show_client
from cli.client.validate import validate
from cli.doctor import doctor
from cli.output import fail
from cli.promote import app as promote_app
from cli.rehearse import rehearse
from cli.release import app as release_app
from cli.rollback import rollback
from cli.run import run
from cli.snapshot import commands as snapshot
from cli.status import status
from vectora_shared.errors import VectoraError

HELP = "Operate Vectora Inbox on AWS: check an account, run the engine, take snapshots, roll back, promote releases."
GROUPS = {
    "client": "List, check, compare, edit, preview and promote client files.",
    "snapshot": "Create, list, compare, verify, pin and prune snapshots of an environment.",
}


class Command(NamedTuple):
    """A command: the words that call it, its function and an example of its arguments."""

    words: str
    function: Callable[..., None]
    example: str


COMMANDS = (
    Command("run", run, "--env stage --client lai_weekly --period-days 7"),
    Command("status", status, "--env prod --json"),
    Command("adopt", adopt, "--env dev --dry-run"),
    Command("rollback", rollback, "--env stage --snapshot lai_v7_stable_20260130_120000 --dry-run"),
    Command("doctor", doctor, "--env stage"),
    Command("rehearse", rehearse, "--keep"),
    Command("client list", list_clients, "--env prod"),
    Command("client show", show_client, "lai_weekly"),
    Command("client validate", validate, "--base main --env dev"),
    Command("client diff", diff_client, "lai_weekly --from prod --to stage"),
    Command("client bump", bump, 'lai_weekly --minor -m "Deals of hybrid companies"'),
    Command("client migrate", migrate, "old/lai_weekly_v*.yaml --dry-run"),
    Command("client preview", preview, "lai_weekly --env dev"),
    Command("client promote", promote_client, "--client lai_weekly --from stage --to prod"),
    Command("snapshot create", snapshot.create, "--env dev --name lai_v7_stable"),
    Command("snapshot list", snapshot.list_command, "--env dev --markdown > docs/snapshots/dev.md"),
    Command("snapshot show", snapshot.show, "lai_v7_stable_20260130_120000 --env dev --files"),
    Command("snapshot diff", snapshot.diff, "lai_v7_stable_20260130_120000 --live --env dev"),
    Command("snapshot verify", snapshot.verify, "lai_v7_stable_20260130_120000 --env dev --restore"),
    Command("snapshot pin", snapshot.pin, 'lai_v7_stable_20260130_120000 --env dev --reason "before the fair"'),
    Command("snapshot unpin", snapshot.unpin, "lai_v7_stable_20260130_120000 --env dev"),
    Command("snapshot prune", snapshot.prune, "--env dev --dry-run"),
)


def _app() -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, add_completion=False, help=HELP, rich_markup_mode="rich")
    groups = {name: typer.Typer(no_args_is_help=True, help=text) for name, text in GROUPS.items()}
    for command in COMMANDS:
        group, _, name = command.words.rpartition(" ")
        example = f"Example: ./vectora {command.words} {command.example}"
        (groups[group] if group else app).command(name, help=_help(command), epilog=example)(command.function)
    for name, group_app in {**groups, "release": release_app, "promote": promote_app}.items():
        app.add_typer(group_app, name=name)
    return app


def _help(command: Command) -> str:
    """Return the docstring's paragraphs as one line each, because Typer keeps the line breaks of the source."""
    paragraphs = (inspect.getdoc(command.function) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


app = _app()


def main() -> None:
    try:
        app(prog_name="./vectora")
    except VectoraError as error:
        fail(str(error))


if __name__ == "__main__":
    main()
