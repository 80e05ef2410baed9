"""What client files there are, what they say, and whether they are right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.client.places import CONFIG, base_commit, clients_of_commit, known_client
from cli.output import err, fail, in_one_sentence, out, print_json
from cli.place import Json, place
from vectora_core.config.changes import version_problem
from vectora_core.config.client import ClientConfig
from vectora_core.config.content import (
    DOMAIN_SCOPES,
    BucketContent,
    Configuration,
    Content,
    FolderContent,
    WithFile,
    client_configuration,
    client_ids,
    load_canonical,
    load_configuration,
    validate_all,
)
from vectora_core.config.yaml_file import parse_yaml, read_section
from vectora_core.errors import ConfigurationError
from vectora_core.keys import client_key
from vectora_ops.settings import ENVIRONMENT_NAMES

SomeEnv = Annotated[
    str | None,
    typer.Option("--env", help=f"What is deployed there instead of config/: {', '.join(ENVIRONMENT_NAMES)}."),
]
ConfigFolder = Annotated[
    Path, typer.Option("--config", help="Folder with clients/ and canonical/.", show_default=False)
]


def _content(env: str | None, config: Path) -> Content:
    if env is None:
        return FolderContent(config)
    here = place(env)
    return BucketContent(here.account.client("s3"), here.names.bucket("config"))


@in_one_sentence
def list_clients(env: SomeEnv = None, config: ConfigFolder = CONFIG, json: Json = False) -> None:
    """List the clients with version, frequency and what they read and watch."""
    content = _content(env, config)
    canonical = load_canonical(content)
    clients = [client_configuration(content, client_id, canonical).client for client_id in client_ids(content)]
    if json:
        print_json({"env": env, "clients": [_summary(client) for client in clients]})
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("client", "version", "active", "frequency", "watches", "reads"):
        table.add_column(column)
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


@in_one_sentence
def show(
    client: Annotated[str, typer.Argument(help="The client's id, such as lai_weekly.", show_default=False)],
    env: SomeEnv = None,
    config: ConfigFolder = CONFIG,
    json: Json = False,
) -> None:
    """Show a client in words: its sources, what it watches by which names, its sections, its versions."""
    content = _content(env, config)
    configuration = load_configuration(content, known_client(content, client, env or "config/"))
    if json:
        print_json(configuration.client.model_dump(mode="json"))
        return
    for line in _words(configuration):
        out.print(line, markup=False)


def _words(configuration: Configuration) -> Iterator[str]:
    client = configuration.client
    profile = client.client_profile
    scheduled = f"made {profile.frequency}" if profile.active else "made only when asked for"
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
        yield f"    leaves out: {'; '.join(scope.description for scope in excluded) or 'nothing'}"
    yield ""
    yield f"Shows at most {client.newsletter_selection.max_items_total} items"
    for section in sorted(client.newsletter_layout.sections, key=lambda each: each.priority):
        takes = ", ".join(section.filter_event_types).replace("*", "every event type")
        order = "highest score first" if section.sort_by == "score_desc" else "newest first"
        yield f"  {section.title} ({section.id}): {takes}; at most {section.max_items}, {order}"
    yield ""
    yield "Versions"
    for entry in client.metadata.changelog:
        yield f"  {entry.version} of {entry.date}: {entry.changes}"


def _sources(configuration: Configuration) -> Iterator[str]:
    config = configuration.client.source_config
    sources = {source.source_key: source for source in configuration.sources.sources}
    bouquets = {bouquet.bouquet_id: bouquet for bouquet in configuration.sources.bouquets}
    groups = [
        (f"{name}: {bouquets[name].description}", bouquets[name].source_keys) for name in config.source_bouquets_enabled
    ]
    for title, keys in (*groups, ("single sources", config.sources_extra_enabled)):
        if keys:
            yield f"  {title}"
        for key in keys:
            source = sources[key]
            off = "" if source.enabled else " (disabled)"
            yield f"    {key}{off}: {source.notes or source.url}"


# --- validate


@dataclass(frozen=True)
class Validation:
    """`problems` are sentences; `notes` say what could not be checked."""

    clients: dict[str, str]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        return not self.problems


@in_one_sentence
def validate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Client files elsewhere; those in config/ otherwise.", show_default=False),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--base", help="Branch that the change is made for: a file that differs needs a new version."),
    ] = None,
    env: Annotated[
        str | None,
        typer.Option("--env", help="Environment that it goes to: a file that differs from there needs a new version."),
    ] = None,
    config: ConfigFolder = CONFIG,
    json: Json = False,
) -> None:
    """Check client and canonical files as a whole, and that a changed client file has a version that says so."""
    found = _validated_files(files, config) if files else _validated(FolderContent(config))
    compared = (_against_base(found, base, config), _against_deployed(found, env, config))
    result = Validation(
        clients=found.clients,
        problems=(*found.problems, *(problem for problems, _ in compared for problem in problems)),
        notes=tuple(note for _, notes in compared for note in notes),
    )
    if json:
        print_json({"valid": result.valid, **asdict(result)})
        raise typer.Exit(0 if result.valid else 1)
    for note in result.notes:
        err.print(note, markup=False)
    if not result.valid:
        fail("\n".join(result.problems))
    named = ", ".join(f"{client_id} {version}" for client_id, version in result.clients.items())
    out.print(f"Valid: {named}, and the canonical files.", markup=False)


def _validated(content: Content) -> Validation:
    try:
        configurations = validate_all(content)
    except ConfigurationError as error:
        return Validation({}, tuple(str(error).splitlines()))
    profiles = (configuration.client.client_profile for configuration in configurations)
    return Validation({profile.client_id: profile.version for profile in profiles}, ())


def _validated_files(files: list[Path], config: Path) -> Validation:
    canonical = load_canonical(FolderContent(config))
    versions: dict[str, str] = {}
    problems: list[str] = []
    for path in files:
        try:
            client_id, version = _validated_file(path, config, canonical)
            versions[client_id] = version
        except ConfigurationError as error:
            problems += str(error).splitlines()
    return Validation(versions, tuple(problems))


def _validated_file(path: Path, config: Path, canonical: Any) -> tuple[str, str]:
    """Raises ConfigurationError whose sentences name the file as it was given."""
    key = client_key(path.stem)
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}): name a client file.") from error
    try:
        profile = read_section(ClientConfig, parse_yaml(key, body)).client_profile
        client_configuration(WithFile(FolderContent(config), key, body), path.stem, canonical)
    except ConfigurationError as error:
        raise ConfigurationError(re.sub(rf"^{re.escape(key)}", str(path), str(error), flags=re.MULTILINE)) from error
    return profile.client_id, profile.version


Compared = tuple[list[str], list[str]]


def _against_base(found: Validation, branch: str | None, config: Path) -> Compared:
    if branch is None:
        return [], []
    commit = base_commit(branch)
    if commit is None:
        return [], [f"There is no earlier commit here: versions were not compared with {branch}."]
    before = dict(clients_of_commit(commit))
    where = f"{branch} ({commit[:10]})"
    return _unmoved(found, {name: body for name, body in before.items() if name in found.clients}, where, config), []


def _against_deployed(found: Validation, env: str | None, config: Path) -> Compared:
    if env is None:
        return [], []
    content = _content(env, config)
    deployed = {name: content.read(client_key(name)) for name in client_ids(content) if name in found.clients}
    new = [f"{name} is new in {env}." for name in found.clients if name not in deployed]
    return _unmoved(found, deployed, f"what {env} has", config), new


def _unmoved(found: Validation, before: dict[str, bytes], where: str, config: Path) -> list[str]:
    """Sentences on files that differ from `before` under a version that does not say so."""
    problems = []
    for client_id, old in before.items():
        new = FolderContent(config).read(client_key(client_id))
        if old == new:
            continue
        try:
            earlier = read_section(ClientConfig, parse_yaml(client_key(client_id), old))
        except ConfigurationError:
            # Written for an earlier schema: what changed is not known, that it changed is.
            if found.clients[client_id].encode("ascii") in old:
                problems.append(
                    f"{client_key(client_id)} differs from {where} and its version is still the same: bump it."
                )
            continue
        later = read_section(ClientConfig, parse_yaml(client_key(client_id), new))
        problems += filter(None, [version_problem(earlier, later, where)])
    return problems
