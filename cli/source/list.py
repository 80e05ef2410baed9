"""Command `./vectora source list`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.client.client_file import folder_content
from cli.options import ConfigFolder, EnvOfContent, Json
from cli.output import out, print_json, report_errors
from cli.paths import CONFIG
from cli.target import open_target
from terminal.console import styled

if TYPE_CHECKING:
    from client_files.sources.catalogue import ListedSource


@report_errors
def list_sources(env: EnvOfContent = None, config: ConfigFolder = CONFIG, json: Json = False) -> None:
    """List the sources of the catalogue: type, mode, language, bouquets, and the clients that read them.

    With --env, lists the deployed catalogue, with the result of each source in the newest run of each client.
    """
    from client_files.sources.catalogue import as_document
    from client_files.sources.catalogue import list_sources as listed
    from vectora_shared.config.content import BucketContent, Content
    from vectora_shared.storage import Bucket

    content: Content = folder_content(config)
    data = None
    if env:
        target = open_target(env)
        s3 = target.account.client("s3")
        content = BucketContent(s3, target.names.bucket("config"))
        data = Bucket(s3, target.names.bucket("data"))
    sources = listed(content, data)
    if json:
        print_json({"env": env, "sources": as_document(sources)})
        return
    for source in sources:
        out.print(styled(source.source_key, "bold" if source.enabled else "dim"))
        for line in _lines(source):
            out.say(f"  {line}")


def _lines(source: ListedSource) -> Iterator[str]:
    off = "" if source.enabled else "; disabled"
    yield f"{source.source_type}, {source.ingestion_mode}, {source.language}{off}"
    bouquets = ", ".join(source.bouquets) or "no bouquet"
    yield f"in {bouquets}; read by {', '.join(source.clients) or 'no client'}"
    for result in source.last_results:
        message = f". {result.message}" if result.message else ""
        counts = f"{result.found} found, {result.kept} kept"
        yield f"{result.client_id} of {result.day}: {result.status}, {counts}{message}"
