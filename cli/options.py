"""Options and arguments that several commands share: each name has one meaning and one sentence of help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_ops.snapshots.manifest import COMPONENTS

ENVIRONMENTS = ", ".join(ENVIRONMENT_NAMES)
# The newest of what a command names: snapshots, runs and newsletters.
LATEST: Final = "latest"
DAY = f"YYYY-MM-DD|{LATEST}"
# The sentence with which the help of an option begins in every command that has it.
HELP = {
    "--base": "Branch to compare with.",
    "--components": f"Comma-separated: {', '.join(COMPONENTS)}.",
    "--config": "Folder with clients/ and canonical/.",
    "--data": "Curated items.json with news.",
    "--day": f"Day of the news, or {LATEST}.",
    "--digest": "First digits of a release's digest or content digest.",
    "--dry-run": "Only show what would be done.",
    "--env": f"Environment: {ENVIRONMENTS}.",
    "--format": "Format of the newsletter.",
    "--from": "Environment to promote from.",
    "--html": "Write one self-contained HTML page instead.",
    "--json": "Print one JSON document instead of text.",
    "--no-browser": "Only write the file, and print its path.",
    "--output": "Where to write.",
    "--period-days": "Days of news to look back.",
    "--reason": "Reason, which is recorded.",
    "--remote": "Run the operation in the environment's Lambda function.",
    "--snapshot": f"Full name of the snapshot, or {LATEST}.",
    "--to": "Environment to promote into.",
    "--until": "When it ends.",
    "--without-anchor": "Reason to use a snapshot that has no anchor.",
    "--yes": "Do not ask for confirmation, for automation.",
}
CLIENT = "The client's id, such as lai_weekly."
LATEST_SNAPSHOT = f"{LATEST.capitalize()} is the newest that is no rollback's safety snapshot."
SNAPSHOT = f"{HELP['--snapshot']} {LATEST_SNAPSHOT}"


def option(name: str, more: str = "", **settings: Any) -> Any:
    """Return the shared option `name`; `more` is what one command adds to its help."""
    return typer.Option(name, help=f"{HELP[name]} {more}".rstrip(), **settings)


Env = Annotated[str, option("--env", show_default=False)]
AnyEnv = Annotated[str | None, option("--env", "Default: all.")]
EnvOfContent = Annotated[str | None, option("--env", "Default: none, read config/.")]
ConfigFolder = Annotated[Path, option("--config", "Default: config/ of this checkout.", show_default=False)]
Day = Annotated[str, option("--day", metavar=DAY)]
Json = Annotated[bool, option("--json")]
HtmlFile = Annotated[Path | None, option("--html", metavar="FILE", show_default=False)]
Yes = Annotated[bool, option("--yes")]
DryRun = Annotated[bool, option("--dry-run")]
Remote = Annotated[bool, option("--remote")]
Reason = Annotated[str, option("--reason", show_default=False)]
WithoutAnchor = Annotated[str, option("--without-anchor", show_default=False)]
Components = Annotated[str | None, option("--components", "Default: all.")]
Client = Annotated[str, typer.Argument(help=CLIENT, show_default=False)]
AnyClient = Annotated[str | None, typer.Argument(help=f"{CLIENT} Default: all.", show_default=False)]
Snapshot = Annotated[str, typer.Argument(help=SNAPSHOT, metavar="NAME", show_default=False)]


def split_names(text: str | None) -> list[str] | None:
    """Return the names of a comma-separated list, None when the option was not given."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else None
