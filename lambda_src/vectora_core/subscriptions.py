"""Sources that a client reads."""

from __future__ import annotations

from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import SOURCES_KEY
from vectora_shared.config.sources import Source, SourceCatalog
from vectora_shared.errors import ConfigurationError, InvalidEventError, VectoraError
from vectora_shared.keys import client_key


def client_sources(
    client: ClientConfig, catalog: SourceCatalog, wanted: tuple[str, ...]
) -> tuple[list[Source], list[str]]:
    """The sources to read, in the catalogue's order, and a sentence on each that is left out."""
    config = client.source_config
    bouquets = {bouquet.bouquet_id: bouquet for bouquet in catalog.bouquets}
    known = {source.source_key for source in catalog.sources}
    file = client_key(client.client_profile.client_id)
    if unknown := [name for name in config.source_bouquets_enabled if name not in bouquets]:
        raise ConfigurationError(
            f"{file}: key 'source_config.source_bouquets_enabled' names {', '.join(unknown)}, which {SOURCES_KEY} "
            f"lacks: bouquets there are {', '.join(sorted(bouquets))}."
        )
    if unknown := [name for name in config.sources_extra_enabled if name not in known]:
        raise ConfigurationError(
            f"{file}: key 'source_config.sources_extra_enabled' names {', '.join(unknown)}, which {SOURCES_KEY} lacks: "
            "add the source there or remove its name here."
        )
    subscribed = {key for name in config.source_bouquets_enabled for key in bouquets[name].source_keys}
    subscribed.update(config.sources_extra_enabled)
    if unknown := [name for name in wanted if name not in subscribed]:
        raise InvalidEventError(
            f"The event's sources name {', '.join(unknown)}, which the client does not have: "
            f"it has {', '.join(sorted(subscribed))}."
        )
    chosen = [source for source in catalog.sources if source.source_key in (wanted or subscribed)]
    enabled = [source for source in chosen if source.enabled]
    if not enabled:
        raise VectoraError(f"All sources asked for are disabled in {SOURCES_KEY}: enable one of them.")
    left_out = [
        f"{source.source_key} is disabled in {SOURCES_KEY}: left out." for source in chosen if not source.enabled
    ]
    return enabled, left_out
