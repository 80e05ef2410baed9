"""Command `./vectora source check`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client.client_file import folder_content, known_client
from cli.exit_codes import ExitCode
from cli.options import CLIENT, ConfigFolder, Json, option
from cli.output import err, fail, out, print_json, report_errors
from cli.paths import CONFIG
from cli.progress import progress_display
from cli.source.words import dropped_in_words
from terminal.console import new_table, styled

if TYPE_CHECKING:
    from client_files.sources.checking import Check, SourceCheck

COLORS = {"ok": "green", "degraded": "yellow", "empty": "red", "failed": "red"}


@report_errors
def check(
    client: Annotated[
        str | None,
        typer.Argument(help=f"{CLIENT} Default: all enabled sources of the catalogue.", show_default=False),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Key of a source, to check only it; repeatable.")
    ] = None,
    period_days: Annotated[
        int | None,
        option("--period-days", "Default: the client's, or 30.", min=1, max=365),
    ] = None,
    config: ConfigFolder = CONFIG,
    json: Json = False,
) -> None:
    """Read all sources of a client now, as a run does, and report what each gave and why entries were dropped.

    Writes nothing and uses no AWS account.
    """
    from cli.source.fetching import page_reader
    from client_files.sources.checking import check_sources

    content = folder_content(config)
    if client:
        known_client(content, client, "config/")
    with progress_display() as progress:
        progress.step("Reading the sources")
        result = check_sources(
            content,
            client,
            source or (),
            fetcher=page_reader(content),
            now=datetime.now(UTC),
            period_days=period_days,
            on_result=lambda done: progress.step(f"{done.source_key}: {done.status}. Reading the others"),
        )
    if json:
        print_json({**asdict(result), "failed": [each.source_key for each in result.failed]})
        raise typer.Exit(ExitCode.NO if result.failed else ExitCode.YES)
    _show(result)
    if result.failed:
        sentence = f"{len(result.failed)} of {len(result.sources)} sources failed: correct them, or disable them."
        fail(sentence, ExitCode.NO)


def _show(result: Check) -> None:
    for sentence in result.skipped:
        err.say(sentence)
    out.say(f"News from {result.first} to {result.last}:")
    table = new_table("source", "mode", "", "found", "kept", "newest", "s")
    for source in result.sources:
        table.add_row(
            source.source_key,
            source.ingestion_mode,
            styled(source.status, COLORS[source.status]),
            str(source.found),
            str(source.kept),
            str(source.newest or ""),
            f"{source.seconds:g}",
        )
    out.print(table)
    remarks = new_table("source", "remark", fold=True)
    for source in result.sources:
        for line in _remarks(source):
            remarks.add_row(source.source_key, line)
    if remarks.row_count:
        out.print(remarks)


def _remarks(source: SourceCheck) -> list[str]:
    dropped = dropped_in_words(source.dropped)
    undated = f"{source.undated} of its entries are undated." if source.undated else ""
    return [line for line in (f"Dropped: {dropped}." if dropped else "", undated, source.message) if line]
