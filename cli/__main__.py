"""Registration of all commands of `./vectora`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.lazy_group import PLAIN, Command, LazyGroup

HELP = "Operate Vectora Inbox on AWS: check an account, run the engine, take snapshots, roll back, promote releases."
GROUPS = {
    "client": "List, check, compare, edit, preview and promote client files.",
    "source": "Try, list and check sources of news.",
    "newsletter": "List, open and preview newsletters of an environment.",
    "snapshot": "Create, list, compare, verify, pin and prune snapshots of an environment.",
    "release": "List the releases of an environment.",
    "promote": "Explain, approve, reject and retry promotions, bypass gates, freeze promotion, and release holds.",
}
# Commands and groups in the order of an operator's day: the help shows them below these headings.
HEADINGS = {
    "Every day": ("status", "run", "newsletter", "client", "source", "logs", "cost"),
    "Releases": ("promote", "review", "release"),
    "Snapshots and recovery": ("snapshot", "rollback", "restore"),
    "Set up": ("doctor", "adopt", "rehearse", "completion"),
}
COMMANDS = (
    Command("run", "run:run", "lai_weekly --env stage --issue"),
    Command("status", "status:status", "--html build/status.html"),
    Command("logs", "logs.command:logs", "--env prod --run latest"),
    Command("cost", "cost:cost", "--env prod --html build/cost.html"),
    Command("adopt", "adopt:adopt", "--env dev --dry-run"),
    Command("rollback", "rollback:rollback", "--env stage --snapshot lai_v7_stable_20260130_120000 --dry-run"),
    Command("restore", "restore:restore", "--env prod --copy-bucket vectora-inbox-snapshots-copy-prod --dry-run"),
    Command("doctor", "doctor:doctor", "--env stage"),
    # Its bits include Click's 2.
    Command("review", "review:review", "--base main --markdown review.md", uses_aws=False, usage_status=64),
    Command("rehearse", "rehearse:rehearse", "--keep", uses_aws=False),
    Command("completion", "shell_completion:completion", "bash", uses_aws=False),
    Command("client list", "client.show:list_clients", "--env prod"),
    Command("client show", "client.show:show", "lai_weekly"),
    Command("client validate", "client.validate:validate", "--base main --env dev"),
    Command("client diff", "client.diff:diff", "lai_weekly --from prod --to stage"),
    Command("client bump", "client.bump:bump", 'lai_weekly --minor -m "Deals of hybrid companies"', uses_aws=False),
    Command("client migrate", "client.migrate:migrate", "old/lai_weekly_v*.yaml --dry-run"),
    Command("client preview", "client.preview:preview", "lai_weekly --env dev"),
    Command("client promote", "client.promote:promote", "lai_weekly --from stage --to prod"),
    Command("source try", "source.trial:try_source", "https://www.example.com/news/feed", uses_aws=False),
    Command("source list", "source.list:list_sources", "--env prod"),
    Command("source check", "source.check:check", "lai_weekly", uses_aws=False),
    Command("newsletter list", "newsletter.commands:list_newsletters", "lai_weekly --env prod"),
    Command("newsletter open", "newsletter.commands:open_newsletter", "lai_weekly --env prod --day 2026-02-02"),
    Command("newsletter preview", "newsletter.preview:preview", "lai_weekly --env dev"),
    Command("snapshot create", "snapshot.commands:create", "--env dev --name lai_v7_stable"),
    Command("snapshot list", "snapshot.listing:list_command", "--env dev --markdown > docs/snapshots/dev.md"),
    Command("snapshot show", "snapshot.commands:show", "lai_v7_stable_20260130_120000 --env dev --files"),
    Command("snapshot diff", "snapshot.commands:diff", "lai_v7_stable_20260130_120000 --live --env dev"),
    Command("snapshot verify", "snapshot.commands:verify", "lai_v7_stable_20260130_120000 --env dev --restore"),
    Command(
        "snapshot pin",
        "snapshot.commands:pin",
        'lai_v7_stable_20260130_120000 --env dev --reason "before the fair"',
    ),
    Command("snapshot unpin", "snapshot.commands:unpin", "lai_v7_stable_20260130_120000 --env dev"),
    Command("snapshot prune", "snapshot.commands:prune", "--env dev --dry-run"),
    Command("release list", "release:list_releases", "--env prod"),
    Command("promote explain", "promote:explain", "--to prod"),
    Command("promote report", "approval_report:report", "--to prod --html report.html"),
    Command("promote approve", "approval:approve", "--to prod"),
    Command("promote reject", "approval:reject", '--to prod --reason "the notes name no reason for the new source"'),
    Command("promote retry", "retry_stage:retry", "--to prod"),
    Command("promote bypass", "promote:bypass", '--to prod --gate soak --reason "feed parser crashes"'),
    Command(
        "promote approve-change",
        "approve_change:approve_change",
        '--execution 1b2c3d4e-0000-4000-8000-000000000000 --reason "new role for the archive"',
    ),
    Command(
        "promote freeze",
        "promote:freeze",
        '--env prod --until "2026-11-30 09:00" --reason "Black Friday"',
    ),
    Command("promote unfreeze", "promote:unfreeze", "--env prod"),
    Command("promote release-hold", "promote:release_hold", "--env stage"),
)


def _commands(group: str) -> dict[str, Command]:
    """Return the commands of a group by name; of no group if its name is empty."""
    words = ((command.words.rpartition(" "), command) for command in COMMANDS)
    return {name: command for (prefix, _, name), command in words if prefix == group}


class _Root(LazyGroup):
    """The group of all commands, which Typer makes by the name of its class."""

    def __init__(self, **settings: Any) -> None:
        groups = {
            name: LazyGroup(name=name, help=text, commands=_commands(name), no_args_is_help=True, **PLAIN)
            for name, text in GROUPS.items()
        }
        super().__init__(**{**settings, "commands": {**_commands(""), **groups}, "headings": HEADINGS})


HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    cls=_Root, no_args_is_help=True, add_completion=False, help=HELP, context_settings=HELP_OPTIONS, **PLAIN
)


def _show_version(is_given: bool) -> None:
    if is_given:
        from cli.version import show_version

        show_version()
        raise typer.Exit


@app.callback(help=HELP)
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print version and commit.")
    ] = False,
) -> None:
    """Do nothing before a command."""


def main() -> None:
    from vectora_shared.errors import VectoraError

    try:
        app(prog_name="./vectora")
    except VectoraError as error:
        from cli.output import fail

        fail(str(error))


if __name__ == "__main__":
    main()
