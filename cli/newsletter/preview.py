"""Command `./vectora newsletter preview`."""

from __future__ import annotations

from typing import Annotated

from cli.client.client_file import folder_content
from cli.newsletter.commands import Folder, NoBrowser, show_in_browser, written
from cli.newsletter.day import parse_day
from cli.options import LATEST, Client, ConfigFolder, Day, Env, Json, option
from cli.output import out, print_json, report_errors
from cli.paths import CONFIG, display_path
from cli.target import open_target
from vectora_ops.unknown_names import unknown_name
from vectora_shared.errors import UnknownWordError
from vectora_shared.storage import Bucket


@report_errors
def preview(
    client: Client,
    env: Env,
    day: Day = LATEST,
    config: ConfigFolder = CONFIG,
    format_: Annotated[str, option("--format", "One of html, md and txt.")] = "html",
    output: Folder = None,
    no_browser: NoBrowser = False,
    json: Json = False,
) -> None:
    """Show the newsletter of a day as this checkout would make it, and open it in the browser.

    Reads the news of an environment, matches and selects it with the configuration and the code of this checkout, and
    writes to this machine only. It calls no model: it uses the model's stored answers. To see which items an edit adds
    and removes, use ./vectora client preview.
    """
    # Imported here because the engine takes a while to import.
    from client_files.preview.inputs import news_of_environment
    from client_files.preview.letter import RENDERERS, Buckets, preview_letter
    from vectora_shared.config.loading import load_configuration

    if format_ not in RENDERERS:
        raise UnknownWordError(unknown_name("format", format_, RENDERERS))
    edited = load_configuration(folder_content(config), client)
    target = open_target(env)
    s3, names = target.account.client("s3"), target.names
    buckets = Buckets(Bucket(s3, names.bucket("data")), Bucket(s3, names.bucket("newsletters")))
    calls_model = target.settings.model.analyzer == "bedrock"
    news = news_of_environment(env, buckets.data, client, parse_day(day), calls_model=calls_model)
    issue = preview_letter(news, edited, buckets)
    path = written(output, env, f"{client}-{news.day}-preview.{format_}", RENDERERS[format_](issue).encode("utf-8"))
    opened = not no_browser and not json and show_in_browser(path)
    if json:
        print_json(
            {"env": env, "client_id": client, "day": str(news.day), "items": len(issue.items), "file": str(path)}
        )
        return
    out.say(f"{'Opened' if opened else 'Written'}: {display_path(path)} ({len(issue.items)} items of {news.day})")
