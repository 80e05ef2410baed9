"""`./vectora client`: the files that say what a newsletter watches; checked, compared, edited, tried and promoted."""

from __future__ import annotations

import typer

from cli.client import bump, diff, files, migrate, preview, promote, validate

app = typer.Typer(no_args_is_help=True, help=__doc__)
app.command("list", epilog="Example: ./vectora client list --env prod")(files.list_clients)
app.command(epilog="Example: ./vectora client show lai_weekly")(files.show)
app.command(epilog="Example: ./vectora client validate --base main --env dev")(validate.validate)
app.command(epilog="Example: ./vectora client diff lai_weekly --from prod --to stage")(diff.diff)
app.command(epilog='Example: ./vectora client bump lai_weekly --minor -m "Deals of hybrid companies"')(bump.bump)
app.command(epilog="Example: ./vectora client migrate old/lai_weekly_v*.yaml --dry-run")(migrate.migrate)
app.command(epilog="Example: ./vectora client preview lai_weekly --env dev")(preview.preview)
app.command(epilog="Example: ./vectora client promote --client lai_weekly --from stage --to prod")(promote.promote)
