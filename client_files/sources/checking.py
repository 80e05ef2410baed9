"""Check of sources now: each is read as a run reads it, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from client_files.sources.place import located
from vectora_core.ingest.collector import Collector, PageReader
from vectora_core.ingest.request import IngestRequest, SourceReport, window_of
from vectora_core.subscriptions import sources_to_read
from vectora_ops.unknown_names import unknown_name
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import Content
from vectora_shared.config.loading import client_ids, load_client, load_sources
from vectora_shared.config.sources import Source
from vectora_shared.errors import ConfigurationError

CONCURRENT_SOURCES = 8
# A source that answers without an entry is as useless as one that does not answer.
FAILURES = frozenset({"failed", "empty"})


@dataclass(frozen=True)
class SourceCheck:
    """Result of one source."""

    source_key: str
    ingestion_mode: str
    url: str
    status: str
    found: int
    kept: int
    dropped: dict[str, int]
    undated: int
    newest: date | None
    seconds: float
    message: str

    @property
    def has_failed(self) -> bool:
        return self.status in FAILURES


@dataclass(frozen=True)
class Check:
    """Results of all sources, in the order of the catalogue, and messages on those that were skipped."""

    client_id: str | None
    first: date
    last: date
    sources: tuple[SourceCheck, ...]
    skipped: tuple[str, ...] = field(default=())

    @property
    def failed(self) -> tuple[SourceCheck, ...]:
        return tuple(source for source in self.sources if source.has_failed)


def check_sources(
    content: Content,
    client_id: str | None,
    keys: Sequence[str],
    *,
    fetcher: PageReader,
    now: datetime,
    period_days: int | None = None,
    on_result: Callable[[SourceCheck], None] = lambda check: None,
) -> Check:
    """Read the sources of a client, or all of the catalogue; with `keys`, those among them.

    A client's are read for its period and with its filters, the others for 30 days without any. Raise
    ConfigurationError for a source that does not exist, VectoraError when there is none to read.
    """
    catalog = load_sources(content)
    client = load_client(content, client_id or client_ids(content)[0])
    _require_known(keys, [source.source_key for source in catalog.sources])
    if client_id:
        sources, skipped = sources_to_read(client, catalog, keys)
    else:
        chosen = [source for source in catalog.sources if not keys or source.source_key in keys]
        sources = [source for source in chosen if source.enabled or keys]
        skipped = [f"{source.source_key} is disabled." for source in chosen if not source.enabled and not keys]
    request = IngestRequest(
        client_id=client_id,
        period_days=period_days or (client.pipeline.default_period_days if client_id else 30),
        ingestion_mode="balanced" if client_id else "broad",
    )
    return _Checker(content, client, request, fetcher, now).check(sources, skipped, on_result)


def _require_known(keys: Sequence[str], known: Sequence[str]) -> None:
    for key in keys:
        if key not in known:
            raise ConfigurationError(
                unknown_name("source", key, known, where="in the catalogue", advice="See ./vectora source list.")
            )


class _Checker:
    def __init__(
        self, content: Content, client: ClientConfig, request: IngestRequest, fetcher: PageReader, now: datetime
    ) -> None:
        self._content = content
        self._client_id = request.client_id
        today = now.astimezone(UTC).date()
        self._window = window_of(request, today, client.pipeline.default_period_days)
        self._collector = Collector(client, request, self._window, today, now, fetcher, lambda text: True)

    def check(
        self, sources: Sequence[Source], skipped: Sequence[str], on_result: Callable[[SourceCheck], None]
    ) -> Check:
        results: dict[str, SourceCheck] = {}
        with ThreadPoolExecutor(CONCURRENT_SOURCES) as pool:
            pending = {pool.submit(self._collector.collect, source): source for source in sources}
            for done in as_completed(pending):
                report, _ = done.result()
                source = pending[done]
                results[source.source_key] = self._result(source, report)
                on_result(results[source.source_key])
        ordered = tuple(results[source.source_key] for source in sources)
        return Check(self._client_id, self._window.first, self._window.last, ordered, tuple(skipped))

    def _result(self, source: Source, report: SourceReport) -> SourceCheck:
        return SourceCheck(
            source_key=source.source_key,
            ingestion_mode=source.ingestion_mode,
            url=source.url,
            status=report.status,
            found=report.items_found,
            kept=report.items_kept,
            dropped={str(reason): count for reason, count in report.dropped.items()},
            undated=report.undated,
            newest=report.newest,
            seconds=round(report.duration_ms / 1000, 1),
            message=located(report.message, source.source_key, self._content),
        )
