"""Commands `./vectora client list` and `show`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.client.client_file import deployed_content, folder_content, known_client
from cli.options import Client, ConfigFolder, EnvOfContent, Json
from cli.output import out, print_json, report_errors
from cli.paths import CONFIG
from terminal.console import new_table
from vectora_core.subscriptions import subscriptions
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import DOMAIN_SCOPES, Configuration
from vectora_shared.config.content import Content
from vectora_shared.config.loading import client_configuration, client_ids, load_canonical, load_configuration


def _content(env: str | None, config: Path) -> Content:
    return deployed_content(env) if env else folder_content(config)


@report_errors
def list_clients(env: EnvOfContent = None, config: ConfigFolder = CONFIG, json: Json = False) -> None:
    """List the clients: version, frequency, what they watch and which sources they read."""
    content = _content(env, config)
    canonical = load_canonical(content)
    clients = [client_configuration(content, client_id, canonical).client for client_id in client_ids(content)]
    if json:
        print_json({"env": env, "clients": [_summary(client) for client in clients]})
        return
    table = new_table("client", "version", "active", "frequency", "watches", "reads")
    for client in clients:
        summary = _summary(client)
        active = "yes" if summary["active"] else "no"
        names = (", ".join(summary[key]) for key in ("domains", "bouquets"))
        table.add_row(summary["client_id"], summary["version"], active, summary["frequency"], *names)
    out.print(table)


def _summary(client: ClientConfig) -> dict[str, Any]:
    profile = client.client_profile
    return {
        "client_id": profile.client_id,
        "version": profile.version,
        "name": profile.name,
        "active": profile.active,
        "frequency": profile.frequency,
        "domains": [domain.id for domain in client.watch_domains],
        "bouquets": list(client.source_config.source_bouquets_enabled),
    }


@report_errors
def show(
    client: Client,
    env: EnvOfContent = None,
    config: ConfigFolder = CONFIG,
    json: Json = False,
) -> None:
    """Describe a client: its sources, what it watches, its sections and its versions."""
    content = _content(env, config)
    configuration = load_configuration(content, known_client(content, client, env or "config/"))
    if json:
        print_json(configuration.client.model_dump(mode="json"))
        return
    for line in _description(configuration):
        out.say(line)


def _description(configuration: Configuration) -> Iterator[str]:
    client = configuration.client
    profile = client.client_profile
    scheduled = f"produced {profile.frequency}" if profile.active else "produced on request only"
    days = client.pipeline.default_period_days
    yield f"{profile.name} ({profile.client_id} {profile.version}), {scheduled}, from the news of {days} days"
    yield ""
    yield "Reads"
    yield from _sources(configuration)
    yield ""
    yield "Watches"
    for domain in client.watch_domains:
        off = "" if domain.enabled else " (switched off)"
        yield f"  {domain.id}{off}, from relevance {client.matching_config.min_domain_score:g} on"
        for field, kind in DOMAIN_SCOPES.items():
            if name := getattr(domain, field):
                scope = getattr(configuration.scopes, kind).scopes[name]
                yield f"    {field.removesuffix('_scope').replace('_', ' ')}: {name} - {scope.description}"
        excluded = (configuration.scopes.exclusions.scopes[name] for name in domain.exclusion_scopes)
        yield f"    excludes: {'; '.join(scope.description for scope in excluded) or 'nothing'}"
    yield ""
    yield f"Shows at most {client.newsletter_selection.max_items_total} items"
    for section in sorted(client.newsletter_layout.sections, key=lambda each: each.priority):
        takes = ", ".join(section.filter_event_types).replace("*", "every event type")
        order = "highest score first" if section.sort_by == "score_desc" else "newest first"
        yield f"  {section.title} ({section.id}): {takes}; at most {section.max_items}, {order}"
    yield ""
    yield "Delivers by e-mail"
    yield f"  {_delivery(client)}"
    yield ""
    yield "Versions"
    for entry in client.metadata.changelog:
        yield f"  {entry.version} of {entry.date}: {entry.changes}"


def _delivery(client: ClientConfig) -> str:
    delivery = client.delivery
    if delivery is None:
        return "nothing: the file names no readers (`delivery`)"
    count = len(delivery.recipients)
    readers = f"{count} reader{'' if count == 1 else 's'}"
    return (
        f"from {delivery.sender} to {readers}, in environments that send newsletters (`delivery` in "
        "config/environments.yaml)"
    )


def _sources(configuration: Configuration) -> Iterator[str]:
    for subscription in subscriptions(configuration.client, configuration.sources):
        bouquet = subscription.bouquet
        yield f"  {bouquet.bouquet_id}: {bouquet.description}" if bouquet else "  single sources"
        for source in subscription.sources:
            off = "" if source.enabled else " (disabled)"
            yield f"    {source.source_key}{off}: {source.notes or source.url}"
