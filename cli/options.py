"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_ops.snapshots.manifest import COMPONENTS

ENVIRONMENTS = ", ".join(ENVIRONMENT_NAMES)

Env = Annotated[str, typer.Option("--env", help=f"Environment: {ENVIRONMENTS}.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
HtmlFile = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write one self-contained HTML page instead.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation, for automation.")]
Remote = Annotated[bool, typer.Option("--remote", help="Run the operation in the environment's Lambda function.")]
Components = Annotated[
    str | None, typer.Option("--components", help=f"Comma-separated: {', '.join(COMPONENTS)}. Default: all.")
]


def split_names(text: str | None) -> list[str] | None:
    """Return the names of a comma-separated list, None when the option was not given."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else None
