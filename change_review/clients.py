"""Clients whose configuration differs, and what their newsletters would show differently."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from change_review.model import ClientChange
from change_review.sides import ConfigurationOf, Files
from change_review.values import show
from vectora_ops.names import CANARY_CLIENT
from vectora_ops.smoke import CANARY_DAY
from vectora_shared.config.loading import client_configuration, client_ids, load_canonical, load_client
from vectora_shared.errors import ConfigurationError, VectoraError

if TYPE_CHECKING:
    from client_files.preview.model import News, Preview
    from vectora_core.ingest.fetch import Page
    from vectora_shared.config.configuration import Canonical, Configuration

FOLDERS = ("config/clients/", "config/canonical/")
MOST_CHANGES = 20
SAMPLE = "the canary's sample news"


class _NoInternet:
    """Reader of pages that refuses every address, so that a review makes no connection."""

    def fetch(self, url: str) -> Page:
        raise VectoraError(f"A review does not read {url}.")


def client_changes(before: Files, after: Files, data: Path | None) -> Iterator[ClientChange]:
    """Yield the clients whose file or canonical files differ; `data` is a curated items.json with more news.

    Both configurations are read by this release's models. Raises VectoraError when `data` cannot be read.
    """
    sides = tuple(
        {path: body for path, body in side.by_path.items() if path.startswith(FOLDERS)} for side in (before, after)
    )
    if sides[0] == sides[1]:
        return
    old, new = (_Configurations(ConfigurationOf(each)) for each in (before, after))
    for client_id in sorted({*old.ids, *new.ids}):
        if client_id not in new.ids:
            removed = ("its file is removed",)
            yield ClientChange(client_id=client_id, version_before="", version_after="", changes=removed)
            continue
        earlier = old.load(client_id) if client_id in old.ids else None
        if found := _change(client_id, earlier, new.load(client_id), new, data):
            yield found


def frequencies(files: Files) -> tuple[str, ...]:
    """Return how often each active client of a side gets a newsletter; unreadable files have none."""
    content = ConfigurationOf(files)
    found = []
    for client_id in client_ids(content):
        try:
            profile = load_client(content, client_id).client_profile
        except ConfigurationError:
            continue
        if profile.active:
            found.append(profile.frequency)
    return tuple(found)


class _Configurations:
    """Configurations of one side, for which the canonical files are read once."""

    def __init__(self, content: ConfigurationOf) -> None:
        self.content = content
        self.ids = client_ids(content)

    @cached_property
    def _canonical(self) -> Canonical | str:
        try:
            return load_canonical(self.content)
        except ConfigurationError as error:
            return _reason(error)

    def load(self, client_id: str) -> Configuration | str:
        """Return a configuration, or the reason why this release cannot read it."""
        if isinstance(self._canonical, str):
            return self._canonical
        try:
            return client_configuration(self.content, client_id, self._canonical)
        except ConfigurationError as error:
            return _reason(error)


def _reason(error: ConfigurationError) -> str:
    return str(error).splitlines()[0]


def _change(
    client_id: str,
    old: Configuration | str | None,
    new: Configuration | str,
    side: _Configurations,
    data: Path | None,
) -> ClientChange | None:
    if isinstance(new, str):
        reason = f"this release cannot read it: {show(new)}"
        return ClientChange(client_id=client_id, version_before="", version_after="", changes=(reason,))
    version = new.client.client_profile.version
    if isinstance(old, str) or old is None:
        reason = "is new" if old is None else f"the earlier file does not fit this release: {show(old)}"
        return ClientChange(client_id=client_id, version_before="", version_after=version, changes=(reason,))
    if old == new:
        return None
    previews = [
        (name, preview) for name, news in _news(side, data) if (preview := _previewed(news, old, new)) is not None
    ]
    return ClientChange(
        client_id=client_id,
        version_before=old.client.client_profile.version,
        version_after=version,
        changes=tuple(_differences(old, new)),
        newsletter=tuple(line for name, preview in previews for line in _lines(name, preview)),
        news=", ".join(name for name, _ in previews),
    )


def _differences(old: Configuration, new: Configuration) -> Iterator[str]:
    from vectora_shared.config.changes import changes_between

    changes = changes_between(old.client, new.client)
    for change in changes[:MOST_CHANGES]:
        yield f"{change.path}: {show(change.before)} -> {show(change.after)} ({change.bump})"
    if len(changes) > MOST_CHANGES:
        yield f"and {len(changes) - MOST_CHANGES} more"
    for name in ("scopes", "sources", "events", "evidence", "scoring", "prompts", "pricing"):
        if getattr(old, name) != getattr(new, name):
            yield f"canonical files: {name} differ"


def _news(side: _Configurations, data: Path | None) -> Iterator[tuple[str, News]]:
    if news := _canary_news(side):
        yield SAMPLE, news
    if data is not None:
        from client_files.preview.inputs import news_in_file

        news = news_in_file(data, None)
        yield f"news of {news.day} in {show(str(data))}", news


def _canary_news(side: _Configurations) -> News | None:
    """Return the news that the smoke test reads, as ingestion takes it from the published sample."""
    # Imported here because the engine takes a while to import, and most changes touch no client.
    from client_files.preview.inputs import news_of_day
    from vectora_core.ingest.collector import Collector
    from vectora_core.ingest.request import IngestRequest, Window
    from vectora_core.ingest.samples import PageReaderWithSamples
    from vectora_core.subscriptions import subscribed_sources

    canary = side.load(CANARY_CLIENT)
    if isinstance(canary, str):
        return None
    window = Window(first=CANARY_DAY - timedelta(days=canary.client.pipeline.default_period_days), last=CANARY_DAY)
    collector = Collector(
        canary.client,
        IngestRequest(client_id=CANARY_CLIENT),
        window,
        CANARY_DAY,
        datetime.combine(CANARY_DAY, time(), UTC),
        PageReaderWithSamples(_NoInternet(), side.content),
        lambda _text: True,
    )
    sources = [each for each in subscribed_sources(canary.client, canary.sources) if each.sample_key]
    items = [item for source in sources for item in collector.collect(source)[1]]
    return news_of_day(items, (), CANARY_DAY, calls_model=False) if items else None


def _previewed(news: News, old: Configuration, new: Configuration) -> Preview | None:
    from client_files.preview.compare import preview

    return preview(news, new, old)


def _lines(name: str, preview: Preview) -> Iterator[str]:
    yield f"On {name} ({preview.items} items): {preview.summary}"
    for change in preview.changes:
        yield f"{change.kind}: {show(change.title)} ({show(change.why)})"
    yield from preview.notes
