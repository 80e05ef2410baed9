"""Command `./vectora source try`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from cli.client.client_file import folder_content
from cli.exit_codes import ExitCode
from cli.options import ConfigFolder, Json, option
from cli.output import fail, out, print_json, print_lines, report_errors
from cli.paths import CONFIG
from cli.progress import progress_display
from cli.source.words import dropped_in_words
from terminal.console import new_table
from vectora_ops.unknown_names import unknown_name
from vectora_shared.config.loading import load_canonical
from vectora_shared.config.sources import SOURCE_TYPES, IngestionMode, SourceType
from vectora_shared.errors import UnknownWordError

if TYPE_CHECKING:
    from client_files.sources.trial import News, Trial, TriedFeed

MODES: tuple[IngestionMode, ...] = get_args(IngestionMode)


@report_errors
def try_source(
    url: Annotated[str, typer.Argument(help="Address of a feed, a news page or an API.", show_default=False)],
    mode: Annotated[
        str | None, typer.Option("--mode", help=f"Read it as {', '.join(MODES)}. Default: what it is.")
    ] = None,
    source_type: Annotated[
        str | None, typer.Option("--type", help=f"Type of the source: {', '.join(SOURCE_TYPES)}.")
    ] = None,
    period_days: Annotated[int, option("--period-days", min=1, max=365)] = 30,
    config: ConfigFolder = CONFIG,
    json: Json = False,
) -> None:
    """Try an address before it is added: what it is, what a run would keep of it and why not the rest.

    Prints a valid entry for the catalogue. Writes nothing and uses no AWS account.
    """
    from cli.source.fetching import page_reader
    from client_files.sources.trial import try_address

    content = folder_content(config)
    chosen_mode = next((each for each in MODES if each == mode), None)
    chosen_type = next((each for each in SOURCE_TYPES if each == source_type), None)
    _require_known("--mode", mode, chosen_mode, MODES)
    _require_known("--type", source_type, chosen_type, SOURCE_TYPES)
    canonical = load_canonical(content)
    with progress_display() as progress:
        trial = try_address(
            url,
            content,
            canonical,
            fetcher=page_reader(content),
            today=datetime.now(UTC).date(),
            period_days=period_days,
            mode=chosen_mode,
            source_type=chosen_type,
            on_step=progress.step,
        )
    if json:
        print_json({**asdict(trial), "redirects": _redirects(trial), "is_usable": trial.is_usable})
        raise typer.Exit(ExitCode.YES if trial.is_usable else ExitCode.NO)
    _show(trial)
    if not trial.is_usable:
        fail(f"This address cannot be a source. {trial.reason}", ExitCode.NO)


def _require_known(
    option: str, given: str | None, known: SourceType | IngestionMode | None, names: tuple[str, ...]
) -> None:
    if given is not None and known is None:
        raise UnknownWordError(unknown_name(option.removeprefix("--"), given, names))


def _redirects(trial: Trial) -> list[dict[str, object]]:
    return [{"status": redirect.status, "url": redirect.url} for redirect in trial.redirects]


def _show(trial: Trial) -> None:
    facts = new_table("", "", fold=True)
    facts.show_header = False
    for name, text in _facts(trial):
        facts.add_row(name, text)
    out.print(facts)
    if trial.news and trial.news.headlines:
        out.print()
        table = new_table("day", "title", fold=True)
        for headline in trial.news.headlines:
            table.add_row(str(headline.day or "undated"), headline.title)
            table.add_row("", headline.url)
        out.print(table)
    if trial.proposal is None:
        return
    out.print()
    if trial.proposal.problem:
        out.say(f"The entry for the catalogue is not valid yet. {trial.proposal.problem}", style="yellow")
    else:
        out.print("Valid entry for `sources` in config/canonical/sources/source_catalog.yaml:")
    print_lines(trial.proposal.text)
    out.print("Then name its source_key in a bouquet, or in a client's sources_extra_enabled.")


def _facts(trial: Trial) -> Iterator[tuple[str, str]]:
    yield "address", trial.url
    if trial.redirects:
        statuses = ", ".join(str(redirect.status) for redirect in trial.redirects)
        advice = "the entry has the new address" if trial.has_moved else "for now, so the entry keeps the address"
        yield "redirects to", f"{trial.final_url} ({statuses}; {advice})"
    if trial.known_as:
        yield "known", f"The catalogue has this address already: {trial.known_as}."
    yield "kind", trial.kind
    if trial.title:
        yield "title", trial.title
    if trial.encoding:
        yield "encoding", trial.encoding
    if trial.kind != "refused":
        yield "language", trial.language or "not declared"
    yield "robots.txt", trial.robots.said
    if trial.is_reserved:
        yield "reserved", "The site's headers reserve the page from use by machines."
    if trial.news:
        yield from _news_facts(trial, trial.news)
    for feed in trial.feeds:
        yield "feed", _feed(feed)


def _news_facts(trial: Trial, news: News) -> Iterator[tuple[str, str]]:
    span = f", from {news.oldest} to {news.newest}" if news.newest else ""
    undated = f"; {news.undated} undated" if news.undated else ""
    yield "entries", f"{news.found}{span}{undated}"
    yield "a run keeps", f"{news.kept} of the news since {trial.first}"
    if dropped := dropped_in_words(news.dropped):
        yield "and drops", dropped
    if news.remarks:
        yield "remarks", news.remarks


def _feed(feed: TriedFeed) -> str:
    title = f" ({feed.title})" if feed.title else ""
    if feed.found is not None:
        return f"{feed.url}{title}: {feed.found} entries. Try it: a feed outlives the redesigns of a page."
    return f"{feed.url}{title}{f': {feed.problem}' if feed.problem else ''}"
