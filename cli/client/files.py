"""What client files there are, what they say, and whether they are right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client.places import CONFIG, base_commit, clients_of_commit, deployed_content, known_client
from cli.output import err, fail, in_one_sentence, out, print_json
from cli.place import ROOT, Json
from terminal.console import new_table
from vectora_core.config.changes import version_problem
from vectora_core.config.client import ClientConfig
from vectora_core.config.content import (
    DOMAIN_SCOPES,
    Canonical,
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
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings

SomeEnv = Annotated[
    str | None,
    typer.Option("--env", help=f"What is deployed there instead of config/: {', '.join(ENVIRONMENT_NAMES)}."),
]
ConfigFolder = Annotated[
    Path, typer.Option("--config", help="Folder with clients/ and canonical/.", show_default=False)
]


def _content(env: str | None, config: Path) -> Content:
    return deployed_content(env) if env else FolderContent(config)


@in_one_sentence
def list_clients(env: SomeEnv = None, config: ConfigFolder = CONFIG, json: Json = False) -> None:
    """List the clients with version, frequency and what they read and watch."""
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
        out.say(line)


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
    """`clients` are the valid ones' files, by id; `problems` are sentences, `notes` say what could not be checked."""

    clients: dict[str, CheckedFile]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def versions(self) -> dict[str, str]:
        return {client_id: file.config.client_profile.version for client_id, file in self.clients.items()}


@dataclass(frozen=True)
class CheckedFile:
    config: ClientConfig
    body: bytes


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
    compared = (_against_base(found, base), _against_deployed(found, env))
    ids = sorted({*found.clients, *client_ids(FolderContent(config))})
    too_long = load_settings(ROOT).client_id_problems(ids)
    problems = (*found.problems, *too_long, *(problem for problems, _ in compared for problem in problems))
    notes = [note for _, notes in compared for note in notes]
    if json:
        print_json({"valid": not problems, "clients": found.versions, "problems": problems, "notes": notes})
        raise typer.Exit(1 if problems else 0)
    for note in notes:
        err.say(note)
    if problems:
        fail("\n".join(problems))
    named = ", ".join(f"{client_id} {version}" for client_id, version in found.versions.items())
    out.say(f"Valid: {named}, and the canonical files.")


def _validated(content: Content) -> Validation:
    try:
        configurations = validate_all(content)
    except ConfigurationError as error:
        return Validation({}, tuple(str(error).splitlines()))
    clients = {each.client.client_profile.client_id: each.client for each in configurations}
    checked = {name: CheckedFile(client, content.read(client_key(name))) for name, client in clients.items()}
    return Validation(checked, ())


def _validated_files(files: list[Path], config: Path) -> Validation:
    canonical = load_canonical(FolderContent(config))
    clients: dict[str, CheckedFile] = {}
    problems: list[str] = []
    for path in files:
        try:
            checked = _checked_file(path, config, canonical)
            clients[checked.config.client_profile.client_id] = checked
        except ConfigurationError as error:
            problems += str(error).splitlines()
    return Validation(clients, tuple(problems))


def _checked_file(path: Path, config: Path, canonical: Canonical) -> CheckedFile:
    """Raises ConfigurationError whose sentences name the file as it was given."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}): name a client file.") from error
    client_id = read_section(ClientConfig, parse_yaml(str(path), body)).client_profile.client_id
    # Elsewhere it may have any name; in config/clients it will have its client's.
    key = client_key(client_id)
    try:
        content = WithFile(FolderContent(config), key, body)
        return CheckedFile(client_configuration(content, client_id, canonical).client, body)
    except ConfigurationError as error:
        raise ConfigurationError(re.sub(rf"^{re.escape(key)}", str(path), str(error), flags=re.MULTILINE)) from error


Compared = tuple[list[str], list[str]]


def _against_base(found: Validation, branch: str | None) -> Compared:
    if branch is None:
        return [], []
    commit = base_commit(branch)
    if commit is None:
        return [], [f"There is no earlier commit here: versions were not compared with {branch}."]
    return _unmoved(found, dict(clients_of_commit(commit)), f"{branch} ({commit[:10]})"), []


def _against_deployed(found: Validation, env: str | None) -> Compared:
    if env is None:
        return [], []
    content = deployed_content(env)
    deployed = {name: content.read(client_key(name)) for name in client_ids(content)}
    new = [f"{name} is new in {env}." for name in found.clients if name not in deployed]
    return _unmoved(found, deployed, f"what {env} has"), new


def _unmoved(found: Validation, before: dict[str, bytes], where: str) -> list[str]:
    """Sentences on files that differ from `before` under a version that does not say so."""
    changed = {name: file for name, file in found.clients.items() if before.get(name, file.body) != file.body}
    problems = (_unmoved_version(name, before[name], file.config, where) for name, file in changed.items())
    return [problem for problem in problems if problem]


def _unmoved_version(client_id: str, before: bytes, later: ClientConfig, where: str) -> str | None:
    try:
        earlier = read_section(ClientConfig, parse_yaml(client_key(client_id), before))
    except ConfigurationError:
        # Written for an earlier schema: what changed is not known, that it changed is.
        version = later.client_profile.version
        same = f'version: "{version}"'.encode() in before
        return f"{client_key(client_id)} differs from {where}, both have version {version}: bump it." if same else None
    return version_problem(earlier, later, where)
