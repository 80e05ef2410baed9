"""`./vectora client`: the files that say what a newsletter watches; checked, compared, edited, tried and promoted."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)
