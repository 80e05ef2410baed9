"""Subscriptions of a client to news sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import SOURCES_KEY
from vectora_shared.config.sources import Bouquet, Source, SourceCatalog
from vectora_shared.errors import ConfigurationError, InvalidEventError, VectoraError
from vectora_shared.keys import client_key


@dataclass(frozen=True)
class Subscription:
    """Sources of one bouquet, or without a bouquet the client's single sources; disabled ones included."""

    bouquet: Bouquet | None
    sources: tuple[Source, ...]


def subscriptions(client: ClientConfig, catalog: SourceCatalog) -> tuple[Subscription, ...]:
    """Return what the client subscribes to, in the order of its file.

    Raise ConfigurationError when its file names a bouquet or a source that the catalogue lacks.
    """
    config = client.source_config
    bouquets = {bouquet.bouquet_id: bouquet for bouquet in catalog.bouquets}
    sources = {source.source_key: source for source in catalog.sources}
    file = client_key(client.client_profile.client_id)
    if unknown := [name for name in config.source_bouquets_enabled if name not in bouquets]:
        raise ConfigurationError(
            f"{file}: key 'source_config.source_bouquets_enabled' names {', '.join(unknown)}, which {SOURCES_KEY} "
            f"lacks: bouquets there are {', '.join(sorted(bouquets))}."
        )
    if unknown := [name for name in config.sources_extra_enabled if name not in sources]:
        raise ConfigurationError(
            f"{file}: key 'source_config.sources_extra_enabled' names {', '.join(unknown)}, which {SOURCES_KEY} lacks: "
            "add the source there or remove its name here."
        )
    subscribed = [bouquets[name] for name in config.source_bouquets_enabled]
    single = Subscription(None, tuple(sources[key] for key in config.sources_extra_enabled))
    return (
        *(Subscription(each, tuple(sources[key] for key in each.source_keys)) for each in subscribed),
        *([single] if single.sources else []),
    )


def subscribed_sources(client: ClientConfig, catalog: SourceCatalog) -> list[Source]:
    """Return the sources that the client subscribes to, disabled ones included, in the order of the catalogue."""
    keys = {source.source_key for each in subscriptions(client, catalog) for source in each.sources}
    return [source for source in catalog.sources if source.source_key in keys]


def sources_to_read(
    client: ClientConfig, catalog: SourceCatalog, requested: Sequence[str] = ()
) -> tuple[list[Source], list[str]]:
    """Return the enabled sources, all or those `requested` by key, and a message on each disabled one.

    Raise InvalidEventError when the client does not subscribe to a requested source, VectoraError when all sources are
    disabled.
    """
    subscribed = subscribed_sources(client, catalog)
    keys = {source.source_key for source in subscribed}
    if unknown := [key for key in requested if key not in keys]:
        raise InvalidEventError(
            f"The event's sources name {', '.join(unknown)}, which the client does not have: "
            f"it has {', '.join(sorted(keys))}."
        )
    chosen = [source for source in subscribed if not requested or source.source_key in requested]
    enabled = [source for source in chosen if source.enabled]
    if not enabled:
        raise VectoraError(f"All requested sources are disabled in {SOURCES_KEY}: enable one of them.")
    skipped = [f"{source.source_key} is disabled in {SOURCES_KEY}: skipped." for source in chosen if not source.enabled]
    return enabled, skipped
