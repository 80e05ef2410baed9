"""Loading and validation of configuration content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from vectora_shared.config.canonical import Prompt
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import (
    CANONICAL_FILES,
    EVENTS_KEY,
    EVIDENCE_KEY,
    PRICING_KEY,
    PROMPTS_PREFIX,
    SCOPE_KEYS,
    SCORING_KEY,
    SOURCES_KEY,
    Canonical,
    Configuration,
    Scopes,
)
from vectora_shared.config.content import CANONICAL_PREFIX, Content
from vectora_shared.config.references import client_references, scoring_references, source_references, unresolved
from vectora_shared.config.scopes import NameScopes
from vectora_shared.config.section import Section, SectionT, read_file, read_section
from vectora_shared.config.sources import SourceCatalog
from vectora_shared.config.yaml_file import YamlFile, parse_yaml_with_problems
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import CLIENTS_PREFIX, IDENTIFIER, client_key, client_of_key

LoadedT = TypeVar("LoadedT")


def load_section(content: Content, key: str, model: type[SectionT]) -> SectionT:
    """Load one file as `model`; raise ConfigurationError when it is missing or invalid."""
    return read_file(model, key, content.read(key))


def load_sources(content: Content) -> SourceCatalog:
    return load_section(content, SOURCES_KEY, SourceCatalog)


def load_client(content: Content, client_id: str) -> ClientConfig:
    """Load a client's file; raise ConfigurationError when it is missing, invalid, or names another client."""
    key = client_key(client_id)
    return _client_of(parse_yaml_with_problems(key, content.read(key)), client_id)


def _client_of(file: YamlFile, client_id: str) -> ClientConfig:
    client = read_section(ClientConfig, file)
    if client.client_profile.client_id != client_id:
        raise ConfigurationError(
            f"{file.where(('client_profile', 'client_id'))} is '{client.client_profile.client_id}': it must equal the "
            f"file's name, {client_id}."
        )
    return client


def load_configuration(content: Content, client_id: str) -> Configuration:
    """Load and validate the configuration of one client's run.

    Raise ConfigurationError naming every missing or invalid file and every reference that does not resolve.
    """
    return client_configuration(content, client_id, load_canonical(content))


def validate_all(content: Content) -> tuple[Configuration, ...]:
    """Load the configurations of all clients; raise ConfigurationError naming each problem of each file."""
    problems = _Problems()
    canonical = problems.collect_from(partial(load_canonical, content))
    if canonical is None:
        for client_id in client_ids(content):
            problems.collect_from(partial(load_client, content, client_id))
        raise problems.error()
    return _validated(content, canonical, problems)


def _validated(content: Content, canonical: Canonical, problems: _Problems) -> tuple[Configuration, ...]:
    for sample in filter(None, (source.sample_key for source in canonical.sources.sources)):
        problems.collect_from(partial(content.read, sample))
    problems.sentences += _stray_files(content, canonical)
    ids = client_ids(content)
    if not ids:
        problems.sentences.append(f"{CLIENTS_PREFIX} has no client file: add one, such as {client_key('lai_weekly')}.")
    found = [problems.collect_from(partial(client_configuration, content, client_id, canonical)) for client_id in ids]
    problems.raise_any()
    return tuple(configuration for configuration in found if configuration)


def client_ids(content: Content) -> list[str]:
    """Return the ids of all clients that have a file, sorted."""
    return [client_id for key in content.keys(CLIENTS_PREFIX) if (client_id := client_of_key(key))]


class _Problems:
    """Problems collected from several files, so that one error reports all of them."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def collect_from(self, load: Callable[[], LoadedT]) -> LoadedT | None:
        """Return what `load` returns, or None and collect the problems that it raises."""
        try:
            return load()
        except ConfigurationError as error:
            self.sentences += str(error).splitlines()
            return None

    def raise_any(self) -> None:
        if self.sentences:
            raise self.error()

    def error(self) -> ConfigurationError:
        return ConfigurationError("\n".join(dict.fromkeys(self.sentences)))


def load_canonical(content: Content) -> Canonical:
    """Load the canonical files; raise ConfigurationError naming each problem of each file."""
    problems = _Problems()
    prompt_keys = [key for key in content.keys(PROMPTS_PREFIX) if _is_prompt(key)]
    models: dict[str, type[Section]] = {**CANONICAL_FILES, **dict.fromkeys(prompt_keys, Prompt)}
    loaded: dict[str, Any] = {
        key: problems.collect_from(partial(load_section, content, key, model))
        for key, model in models.items()
        if key != SOURCES_KEY
    }
    loaded[SOURCES_KEY] = _load_sources(content, loaded[SCOPE_KEYS["companies"]], problems)
    problems.raise_any()
    canonical = Canonical(
        sources=loaded[SOURCES_KEY],
        scopes=Scopes(**{kind: loaded[key] for kind, key in SCOPE_KEYS.items()}),
        events=loaded[EVENTS_KEY],
        evidence=loaded[EVIDENCE_KEY],
        scoring=loaded[SCORING_KEY],
        prompts={_prompt_name(key): loaded[key] for key in prompt_keys},
        pricing=loaded[PRICING_KEY],
    )
    if wrong := unresolved(partial(_parsed, content, SCORING_KEY), scoring_references(canonical)):
        raise ConfigurationError("\n".join(wrong))
    return canonical


def _load_sources(content: Content, companies: NameScopes | None, problems: _Problems) -> SourceCatalog | None:
    """Return the catalogue, or None and collect its problems, mistyped companies among them."""
    file = problems.collect_from(partial(_parsed, content, SOURCES_KEY))
    if file is None:
        return None
    if companies:
        problems.sentences += unresolved(lambda: file, source_references(file, companies))
    return problems.collect_from(partial(read_section, SourceCatalog, file))


def _is_prompt(key: str) -> bool:
    """Return whether a key is that of a prompt; files left by an editor or a copy are none."""
    return key.endswith(".yaml") and IDENTIFIER.fullmatch(_prompt_name(key)) is not None


def _prompt_name(key: str) -> str:
    return key.removeprefix(PROMPTS_PREFIX).removesuffix(".yaml")


def _stray_files(content: Content, canonical: Canonical) -> Iterator[str]:
    """Report files that nothing reads, such as one with a misspelled name."""
    samples = {source.sample_key for source in canonical.sources.sources}
    known = {*CANONICAL_FILES, *(f"{PROMPTS_PREFIX}{name}.yaml" for name in canonical.prompts), *samples}
    clients = {client_key(client_id) for client_id in client_ids(content)}
    for key in content.keys(CANONICAL_PREFIX):
        if key not in known:
            yield f"{key} is read by nothing: remove it, or correct its name."
    for key in content.keys(CLIENTS_PREFIX):
        if key not in clients:
            yield (
                f"{key} is no client's file: {CLIENTS_PREFIX} holds files that are named "
                "{client_id}.yaml, in lower-case letters, digits and _."
            )


def client_configuration(content: Content, client_id: str, canonical: Canonical) -> Configuration:
    """Load a client's file and combine it with the loaded canonical files; raise ConfigurationError as above."""
    file = _parsed(content, client_key(client_id))
    problems = _Problems()
    client = problems.collect_from(partial(_client_of, file, client_id))
    problems.sentences += unresolved(lambda: file, client_references(file, canonical))
    if client:
        problems.sentences += _duplicate_bonuses(file, client, canonical)
    if client is None or problems.sentences:
        raise problems.error()
    return Configuration(client=client, **vars(canonical))


def _parsed(content: Content, key: str) -> YamlFile:
    return parse_yaml_with_problems(key, content.read(key))


def _duplicate_bonuses(file: YamlFile, client: ClientConfig, canonical: Canonical) -> Iterator[str]:
    """Report bonuses for a scope that has one already: under different names, both would count."""
    own = client.scoring_config.client_specific_bonuses
    by_scope = {bonus.scope: name for name, bonus in canonical.scoring.bonuses.scopes.items() if name not in own}
    duplicates = [
        (name, known, bonus.scope)
        for name, bonus in own.items()
        if (known := by_scope.setdefault(bonus.scope, name)) != name
    ]
    for name, known, scope in duplicates:
        where = file.where(("scoring_config", "client_specific_bonuses", name))
        yield (
            f"{where} gives points for scope '{scope}', as '{known}' does, and both would count: name it '{known}' to "
            "replace that one."
        )
