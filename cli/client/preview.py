"""Command `./vectora client preview`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cli.client.client_file import folder_content
from cli.newsletter.day import parse_day
from cli.options import LATEST, Client, ConfigFolder, Day, Json, option
from cli.output import out, print_json, report_errors
from cli.paths import CONFIG
from cli.target import Target, open_target
from terminal.console import new_table, styled
from vectora_shared.errors import VectoraError

if TYPE_CHECKING:
    from client_files.preview.model import ItemChange, News, OtherBaseline, Preview
    from vectora_shared.config.configuration import Configuration

COLORS = {"comes": "green", "goes": "red", "moves": "yellow"}


@report_errors
def preview(
    client: Client,
    env: Annotated[str | None, option("--env", "Its news is read, unless --data is given.")] = None,
    config: ConfigFolder = CONFIG,
    day: Day = LATEST,
    data: Annotated[Path | None, option("--data", "It is read without any call to AWS.")] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="Folder to compare with, instead of the deployed configuration."),
    ] = None,
    json: Json = False,
) -> None:
    """Preview which newsletter items an edit of the configuration adds, removes or moves, before it is deployed.

    Selects the newsletter of a day twice with the engine's code: with the configuration deployed in the environment,
    and with the edited one. Writes nothing and calls no model: it uses the model's stored answers.

    With --data and without --baseline, compares with the matching and scoring in the file; both newsletters then have
    the sections and limits of the edited configuration. The day is that of the file's path, or of its newest item.
    """
    if (env is None) == (data is None):
        raise VectoraError("Give one source of news: an environment (--env dev) or a file (--data items.json).")
    # Imported here because the engine takes a while to import.
    from client_files.preview.compare import preview as compare
    from vectora_shared.config.loading import load_configuration

    chosen_day = parse_day(day)
    edited = load_configuration(folder_content(config), client)
    given = load_configuration(folder_content(baseline), client) if baseline else None
    if data:
        news, before = _from_file(data, chosen_day, given)
    else:
        news, before = _from_environment(open_target(str(env)), client, chosen_day, given)
    result = compare(news, edited, before)
    if json:
        print_json(result)
    else:
        _show(result)


def _from_file(
    file: Path, day: date | None, baseline: Configuration | None
) -> tuple[News, Configuration | OtherBaseline]:
    from client_files.preview.inputs import news_in_file

    return news_in_file(file, day), baseline or "stored results"


def _from_environment(
    target: Target, client: str, day: date | None, baseline: Configuration | None
) -> tuple[News, Configuration | OtherBaseline]:
    from client_files.preview.inputs import deployed_configuration, news_of_environment
    from vectora_shared.config.content import BucketContent
    from vectora_shared.storage import Bucket

    env, s3 = target.names.env, target.account.client("s3")
    calls_model = target.settings.model.analyzer == "bedrock"
    news = news_of_environment(env, Bucket(s3, target.names.bucket("data")), client, day, calls_model=calls_model)
    content = BucketContent(s3, target.names.bucket("config"))
    return news, baseline or deployed_configuration(env, content, client)


def _show(result: Preview) -> None:
    out.say(f"{result.client_id} on the news of {result.day} ({result.items} items):")
    shown = [change for change in result.changes if change.kind in COLORS]
    if shown:
        table = new_table("", "section", "score", "title", "reason")
        for change in shown:
            table.add_row(*_cells(change))
        out.print(table)
    out.say(result.summary)
    for note in result.notes:
        out.say(f"  {note}")


def _cells(change: ItemChange) -> tuple[str | Text, ...]:
    from client_files.preview.model import short_title
    from vectora_core.text.words import visible_text

    placements = [placement for placement in (change.before, change.after) if placement]
    sections = dict.fromkeys(placement.section_id for placement in placements)
    is_in_same_section = len(placements) == 2 and len(sections) == 1
    positions = f" {placements[0].position} → {placements[1].position}" if is_in_same_section else ""
    return (
        styled(change.kind, COLORS[change.kind]),
        " → ".join(sections) + positions,
        " → ".join(dict.fromkeys(f"{placement.score:g}" for placement in placements)),
        visible_text(short_title(change.title)),
        visible_text(change.why),
    )
