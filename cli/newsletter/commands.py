"""Commands `./vectora newsletter list` and `open`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.browser import open_page
from cli.newsletter.day import parse_day
from cli.newsletter.stored import (
    NEWSLETTER,
    ListedNewsletter,
    StoredNewsletter,
    listed,
    newsletter_of,
    stored_newsletters,
)
from cli.options import LATEST, AnyClient, Client, Day, Env, Json, option
from cli.output import out, print_json, report_errors
from cli.paths import ROOT, display_path
from cli.target import open_target
from terminal.console import new_table, styled
from vectora_ops.times import minute
from vectora_ops.unknown_names import unknown_name
from vectora_shared.errors import VectoraError
from vectora_shared.storage import Bucket

FOLDER = ROOT / "build" / "newsletters"
# Formats that a browser shows; other programs open the other ones.
IN_A_BROWSER = ("html", "md", "txt", "json")
# A newsletter has at most 200 items.
LARGEST_FILE_BYTES = 10_000_000

Drafts = Annotated[bool, typer.Option("--drafts", help="List drafts instead of issues.")]
Draft = Annotated[bool, typer.Option("--draft", help="Open the draft of the day instead of its issue.")]
Folder = Annotated[
    Path | None,
    option("--output", "A folder. Default: build/newsletters.", show_default=False),
]
NoBrowser = Annotated[bool, option("--no-browser")]


@report_errors
def list_newsletters(
    env: Env,
    client: AnyClient = None,
    drafts: Drafts = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of newsletters.")] = 20,
    json: Json = False,
) -> None:
    """List the issues of an environment, newest first: day, client, number of items, cost and formats."""
    bucket = _bucket(env)
    stored = stored_newsletters(bucket, client, drafts=drafts)
    shown = listed(bucket, stored[:limit])
    if json:
        print_json({"env": env, "bucket": bucket.name, "newsletters": [asdict(each) for each in shown]})
        return
    kind = "drafts" if drafts else "issues"
    if not shown:
        option = "" if drafts else " --issue"
        out.say(f"{env} has no {kind} yet: make one (./vectora run lai_weekly --env {env}{option}).")
        return
    _show(shown)
    if len(stored) > limit:
        out.say(f"{len(stored) - limit} older {kind} are not shown: give a higher --limit.")


def _show(shown: list[ListedNewsletter]) -> None:
    table = new_table("day", "client", "items", "written", "cost", "formats")
    for each in shown:
        items = styled("incomplete", "yellow") if each.items is None else str(each.items)
        written = minute(datetime.fromisoformat(each.written_at)) if each.written_at else ""
        cost = "" if each.cost_usd is None else f"${each.cost_usd:.2f}"
        table.add_row(each.day, each.client_id, items, written, cost, " ".join(each.formats))
    out.print(table)


@report_errors
def open_newsletter(
    client: Client,
    env: Env,
    day: Day = LATEST,
    draft: Draft = False,
    format_: Annotated[str, option("--format", "One of html, md, txt, eml and json.")] = "html",
    output: Folder = None,
    no_browser: NoBrowser = False,
    json: Json = False,
) -> None:
    """Open a newsletter of an environment in the browser; the file stays in build/newsletters."""
    bucket = _bucket(env)
    newsletter = newsletter_of(stored_newsletters(bucket, client, drafts=draft), parse_day(day))
    body = _body(bucket, newsletter, format_)
    kind = "-draft" if newsletter.draft else ""
    path = written(output, env, f"{client}-{newsletter.day}{kind}.{format_}", body)
    opened = not no_browser and not json and show_in_browser(path)
    if json:
        print_json({"env": env, "client_id": client, "day": str(newsletter.day), "draft": draft, "file": str(path)})
        return
    out.say(f"{'Opened' if opened else 'Written'}: {display_path(path)}")


def written(output: Path | None, env: str, name: str, body: bytes) -> Path:
    """Write a file to the folder of the option, or to that of the environment, and return its path."""
    path = (output or FOLDER / env) / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    except OSError as error:
        raise VectoraError(
            f"{display_path(path)} cannot be written ({error.strerror}): give another --output."
        ) from error
    return path


def show_in_browser(path: Path) -> bool:
    """Open a file in the default browser; return whether there is one."""
    return path.suffix.removeprefix(".") in IN_A_BROWSER and open_page(path)


def _body(bucket: Bucket, newsletter: StoredNewsletter, format_: str) -> bytes:
    key = newsletter.files.get(f"{NEWSLETTER}{format_}")
    body = bucket.read(key, limit=LARGEST_FILE_BYTES) if key else None
    if body is None:
        where = f"of the newsletter of {newsletter.client_id} of {newsletter.day}"
        raise VectoraError(unknown_name("format", format_, newsletter.formats, where=where))
    return body


def _bucket(env: str) -> Bucket:
    target = open_target(env)
    return Bucket(target.account.client("s3"), target.names.bucket("newsletters"))
