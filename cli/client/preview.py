"""`./vectora client preview`: the news of a day, made by the deployed and by the edited configuration."""

from __future__ import annotations

import json as json_format
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli.output import in_one_sentence, out, print_json
from cli.place import ROOT, Json, Place, place
from terminal.console import new_table, styled
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_shared.errors import ConfigurationError, VectoraError

if TYPE_CHECKING:
    from client_files.preview.model import Instead, ItemChange, News, Preview
    from vectora_shared.config.configuration import Configuration

COLORS = {"comes": "green", "goes": "red", "moves": "yellow"}
SAMPLE_DAY = "YYYY-MM-DD"


@dataclass(frozen=True)
class _Choice:
    """Whose newsletter, and the folders and the day that were asked for."""

    client: str
    config: Path
    baseline: Path | None
    day: date | None


@in_one_sentence
def preview(
    client: Annotated[str, typer.Argument(help="The client's id, such as lai_weekly.", show_default=False)],
    env: Annotated[
        str | None, typer.Option("--env", help=f"Environment with the news: {', '.join(ENVIRONMENT_NAMES)}.")
    ] = None,
    config: Annotated[
        Path,
        typer.Option(
            "--config",
            help="Folder with the edited configuration; config/ of this checkout otherwise.",
            show_default=False,
        ),
    ] = ROOT / "config",
    day: Annotated[
        str | None, typer.Option("--day", help="Day of the news; the newest otherwise.", metavar=SAMPLE_DAY)
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="News from a curated items.json on disk instead; no AWS is asked.")
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="Folder to compare with, instead of what is deployed."),
    ] = None,
    json: Json = False,
) -> None:
    """Show which items of the newsletter would come, go and move by an edit of the configuration, before deploying it.

    The news of a day is made into a newsletter twice, by the engine itself: with the configuration that is deployed in
    the environment, and with the edited one. Nothing is written, and no model is asked: what it answered is kept.

    With --data and without --baseline there is nothing to compare with but the matching and scoring in the file; both
    sides then have the sections and limits of the edited configuration. The day is that of the file's path, or of its
    newest item.
    """
    choice = _Choice(client, config, baseline, _day(day))
    result = _preview(choice, env, data)
    if json:
        print_json(result)
    else:
        _show(result)


def _preview(choice: _Choice, env: str | None, data: Path | None) -> Preview:
    from client_files.preview.compare import preview as compare

    if (env is None) == (data is None):
        raise VectoraError("Say where the news comes from: an environment (--env dev) or a file (--data items.json).")
    edited = _configuration(choice.config, choice.client)
    baseline = _configuration(choice.baseline, choice.client) if choice.baseline else None
    if data:
        return compare(_news_in_file(data, choice.day), edited, baseline or "stored results")
    here = place(str(env))
    return compare(_news_of(here, choice), edited, baseline or _deployed(here, choice.client))


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise VectoraError(f"--day is '{text}': write it as {SAMPLE_DAY}, such as 2026-01-30.") from error


def _configuration(folder: Path, client: str) -> Configuration:
    from vectora_shared.config.content import FolderContent
    from vectora_shared.config.loading import load_configuration

    return load_configuration(FolderContent(folder), client)


def _deployed(here: Place, client: str) -> Configuration | Instead:
    from vectora_shared.config.content import CLIENTS_PREFIX, BucketContent
    from vectora_shared.config.loading import load_configuration
    from vectora_shared.keys import client_key

    content = BucketContent(here.account.client("s3"), here.names.bucket("config"))
    if client_key(client) not in content.keys(CLIENTS_PREFIX):
        return "nothing"
    try:
        return load_configuration(content, client)
    except ConfigurationError as error:
        raise VectoraError(
            f"What is deployed in {here.names.env} does not fit this release, so it cannot be compared with; give a "
            f"folder instead (--baseline). {error}"
        ) from error


def _news_of(here: Place, choice: _Choice) -> News:
    from client_files.preview.compare import news_of_day
    from vectora_core.item_files import read_items
    from vectora_core.items import CuratedItem, IngestedItem
    from vectora_shared.keys import curated_prefix, day_of_items_key, ingested_prefix, items_key
    from vectora_shared.storage import Bucket

    env, prefix = here.names.env, curated_prefix(choice.client)
    bucket = Bucket(here.account.client("s3"), here.names.bucket("data"))
    days = sorted(found for key in _keys(here, bucket.name, prefix) if (found := day_of_items_key(key)))
    if not days:
        raise VectoraError(
            f"{env} has no news of {choice.client} to try it on: deploy the client and run it first (./vectora run "
            f"--env {env} --client {choice.client}), or try it on another client's news (--data)."
        )
    day = choice.day or days[-1]
    if day not in days:
        raise VectoraError(f"{env} has no news of {choice.client} of {day}: the newest is of {days[-1]}.")
    ingested = read_items(bucket, items_key(ingested_prefix(choice.client), day), IngestedItem, "ingestion")
    curated = read_items(bucket, items_key(prefix, day), CuratedItem, "normalize-score")
    return news_of_day(ingested, curated, day, asks_model=here.settings.model.analyzer == "bedrock")


def _keys(here: Place, bucket: str, prefix: str) -> list[str]:
    from botocore.exceptions import ClientError

    from vectora_shared.aws_errors import is_absent
    from vectora_shared.storage import Bucket

    try:
        return Bucket(here.account.client("s3"), bucket).keys(prefix)
    except ClientError as error:
        if not is_absent(error, "bucket"):
            raise
        raise VectoraError(f"There is no bucket {bucket}: deploy the environment first (cdk deploy).") from error


def _news_in_file(file: Path, day: date | None) -> News:
    from client_files.preview.compare import news_of_curated
    from vectora_core.item_files import parse_items
    from vectora_core.items import CuratedItem
    from vectora_shared.keys import day_of_items_key

    curated = parse_items(_document(file), str(file), CuratedItem, "give a curated items.json.")
    if not curated:
        raise VectoraError(f"{file} holds no items: give the curated items.json of another day.")
    newest = max(item.ingested_at.date() for item in curated)
    return news_of_curated(curated, day or day_of_items_key(file.resolve().as_posix()) or newest)


def _document(file: Path) -> Any:
    try:
        return json_format.loads(file.read_bytes())
    except OSError as error:
        raise VectoraError(f"{file} cannot be read ({error.strerror}): give a curated items.json.") from error
    except ValueError as error:
        raise VectoraError(f"{file} is not JSON ({error}): give a curated items.json.") from error


def _show(result: Preview) -> None:
    out.say(f"{result.client_id} on the news of {result.day} ({result.items} items):")
    shown = [change for change in result.changes if change.kind in COLORS]
    if shown:
        table = new_table("", "section", "score", "title", "why")
        for change in shown:
            table.add_row(*_cells(change))
        out.print(table)
    out.say(result.summary)
    for note in result.notes:
        out.say(f"  {note}")


def _cells(change: ItemChange) -> tuple[str | Text, ...]:
    from client_files.preview.model import shortened
    from vectora_core.text.words import visible_text

    places = [place for place in (change.before, change.after) if place]
    sections = dict.fromkeys(place.section_id for place in places)
    positions = f" {places[0].position} → {places[1].position}" if len(places) == 2 and len(sections) == 1 else ""
    color = COLORS[change.kind]
    return (
        styled(change.kind, color),
        " → ".join(sections) + positions,
        " → ".join(dict.fromkeys(f"{place.score:g}" for place in places)),
        visible_text(shortened(change.title)),
        visible_text(change.why),
    )
