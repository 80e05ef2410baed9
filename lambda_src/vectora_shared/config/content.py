"""Where configuration content is read from: a folder at synth and in tests, the config bucket at run time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from botocore.exceptions import ClientError

from vectora_shared.aws import read_object
from vectora_shared.aws_errors import is_absent
from vectora_shared.config.canonical import EventDefinitions, Evidence, Pricing, Prompt
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.scopes import ExclusionScopes, NameScopes, TechnologyScopes
from vectora_shared.config.scoring import ScoringRules
from vectora_shared.config.sources import SourceCatalog
from vectora_shared.config.yaml_file import (
    Section,
    SectionT,
    YamlFile,
    first_problems,
    nearest,
    parse_yaml,
    printable,
    read_section,
)
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import client_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


SOURCES_KEY = "canonical/sources/source_catalog.yaml"
EVENTS_KEY = "canonical/events/event_types.yaml"
EVIDENCE_KEY = "canonical/scoring/evidence.yaml"
SCORING_KEY = "canonical/scoring/scoring.yaml"
PRICING_KEY = "canonical/models/pricing.yaml"
CANONICAL_PREFIX = "canonical/"
PROMPTS_PREFIX = "canonical/prompts/"
CLIENTS_PREFIX = "clients/"
LoadedT = TypeVar("LoadedT")
ScopeKind = Literal["companies", "molecules", "trademarks", "indications", "technologies", "exclusions"]
SCOPE_KEYS: dict[ScopeKind, str] = {
    "companies": "canonical/scopes/companies.yaml",
    "molecules": "canonical/scopes/molecules.yaml",
    "trademarks": "canonical/scopes/trademarks.yaml",
    "indications": "canonical/scopes/indications.yaml",
    "technologies": "canonical/scopes/technologies.yaml",
    "exclusions": "canonical/scopes/exclusions.yaml",
}
BONUS_SCOPE_KINDS: tuple[ScopeKind, ...] = ("companies", "molecules", "trademarks")
CANONICAL_FILES: Mapping[str, type[Section]] = {
    SOURCES_KEY: SourceCatalog,
    SCOPE_KEYS["companies"]: NameScopes,
    SCOPE_KEYS["molecules"]: NameScopes,
    SCOPE_KEYS["trademarks"]: NameScopes,
    SCOPE_KEYS["indications"]: NameScopes,
    SCOPE_KEYS["technologies"]: TechnologyScopes,
    SCOPE_KEYS["exclusions"]: ExclusionScopes,
    EVENTS_KEY: EventDefinitions,
    EVIDENCE_KEY: Evidence,
    SCORING_KEY: ScoringRules,
    PRICING_KEY: Pricing,
}
DOMAIN_SCOPES: dict[str, ScopeKind] = {
    "technology_scope": "technologies",
    "company_scope": "companies",
    "core_company_scope": "companies",
    "molecule_scope": "molecules",
    "trademark_scope": "trademarks",
    "core_trademark_scope": "trademarks",
    "indication_scope": "indications",
}


@dataclass(frozen=True)
class Scopes:
    """The names and terms of the domain, by kind."""

    companies: NameScopes
    molecules: NameScopes
    trademarks: NameScopes
    indications: NameScopes
    technologies: TechnologyScopes
    exclusions: ExclusionScopes

    def is_empty(self, kind: ScopeKind, name: str) -> bool:
        if kind == "technologies":
            return self.technologies.scopes[name].is_empty
        if kind == "exclusions":
            scope = self.exclusions.scopes[name]
            return not (scope.title_patterns or scope.text_patterns)
        scopes: NameScopes = getattr(self, kind)
        return not scopes.names_of(name)


@dataclass(frozen=True)
class Canonical:
    """What all clients share."""

    sources: SourceCatalog
    scopes: Scopes
    events: EventDefinitions
    evidence: Evidence
    scoring: ScoringRules
    prompts: Mapping[str, Prompt]
    pricing: Pricing


@dataclass(frozen=True)
class Configuration(Canonical):
    """Everything a run of one client needs; its parts fit together."""

    client: ClientConfig


class Content(Protocol):
    """Read access to configuration content by key, such as `clients/lai_weekly.yaml`."""

    def read(self, key: str) -> bytes:
        """Raises ConfigurationError when there is nothing at `key`."""

    def keys(self, prefix: str) -> list[str]:
        """All keys below `prefix`, sorted."""


class FolderContent:
    """Configuration content in a folder, such as the repository's `config/`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, key: str) -> bytes:
        try:
            return (self._root / key).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{self._root / key} is missing: add the file.") from error

    def keys(self, prefix: str) -> list[str]:
        paths = (path.relative_to(self._root) for path in self._root.rglob("*") if path.is_file())
        # Hidden files are an editor's or a file manager's; they are not published.
        keys = (path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
        return sorted(key for key in keys if key.startswith(prefix))


class BucketContent:
    """Configuration content as published to an environment's config bucket."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def read(self, key: str) -> bytes:
        try:
            return read_object(self._s3, Bucket=self._bucket, Key=key).body
        except ClientError as error:
            if not is_absent(error, "object"):
                raise
            raise ConfigurationError(
                f"s3://{self._bucket}/{key} is missing: deploy the release again, which publishes it."
            ) from error

    def keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))


class WithFile:
    """Other content with one file of it replaced, or added."""

    def __init__(self, content: Content, key: str, body: bytes) -> None:
        self._content = content
        self._key = key
        self._body = body

    def read(self, key: str) -> bytes:
        return self._body if key == self._key else self._content.read(key)

    def keys(self, prefix: str) -> list[str]:
        mine = [self._key] if self._key.startswith(prefix) else []
        return sorted({*self._content.keys(prefix), *mine})


def load_section(content: Content, key: str, model: type[SectionT]) -> SectionT:
    """One file as `model`; raises ConfigurationError when it is missing or invalid."""
    return read_section(model, parse_yaml(key, content.read(key)))


def load_sources(content: Content) -> SourceCatalog:
    return load_section(content, SOURCES_KEY, SourceCatalog)


def load_client(content: Content, client_id: str) -> ClientConfig:
    """The client's file; raises ConfigurationError when it is missing, invalid, or another client's."""
    key = client_key(client_id)
    file = parse_yaml(key, content.read(key))
    client = read_section(ClientConfig, file)
    if client.client_profile.client_id != client_id:
        raise ConfigurationError(
            f"{file.where(('client_profile', 'client_id'))} is '{client.client_profile.client_id}': it must equal the "
            f"file's name, {client_id}."
        )
    return client


def load_configuration(content: Content, client_id: str) -> Configuration:
    """All that a run of the client needs, checked as a whole.

    Raises ConfigurationError naming every file that is missing or invalid and every name that leads nowhere.
    """
    return client_configuration(content, client_id, load_canonical(content))


def validate_all(content: Content) -> tuple[Configuration, ...]:
    """Check the canonical files and every client's; raises ConfigurationError naming each problem of each file."""
    canonical = load_canonical(content)
    problems = _Problems()
    for sample in filter(None, (source.sample_key for source in canonical.sources.sources)):
        problems.noting(partial(content.read, sample))
    problems.sentences += _stray_files(content, canonical)
    ids = client_ids(content)
    if not ids:
        problems.sentences.append(f"{CLIENTS_PREFIX} has no client file: add one, such as {client_key('lai_weekly')}.")
    found = [problems.noting(partial(client_configuration, content, client_id, canonical)) for client_id in ids]
    problems.raise_any()
    return tuple(configuration for configuration in found if configuration)


def client_ids(content: Content) -> list[str]:
    """Of the client files that there are, sorted."""
    names = (key.removeprefix(CLIENTS_PREFIX) for key in content.keys(CLIENTS_PREFIX))
    return [name.removesuffix(".yaml") for name in names if name.endswith(".yaml") and "/" not in name]


class _Problems:
    """Sentences on what is wrong, gathered so that all are told at once."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def noting(self, load: Callable[[], LoadedT]) -> LoadedT | None:
        try:
            return load()
        except ConfigurationError as error:
            self.sentences += str(error).splitlines()
            return None

    def raise_any(self) -> None:
        if self.sentences:
            raise ConfigurationError("\n".join(dict.fromkeys(self.sentences)))


def load_canonical(content: Content) -> Canonical:
    """Raises ConfigurationError naming each problem of each canonical file."""
    problems = _Problems()
    prompt_keys = [key for key in content.keys(PROMPTS_PREFIX) if key.endswith(".yaml")]
    models: dict[str, type[Section]] = {**CANONICAL_FILES, **dict.fromkeys(prompt_keys, Prompt)}
    loaded: dict[str, Any] = {
        key: problems.noting(partial(load_section, content, key, model)) for key, model in models.items()
    }
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
    if wrong := _unresolved(content, SCORING_KEY, _scoring_references(canonical)):
        raise ConfigurationError("\n".join(wrong))
    return canonical


def _prompt_name(key: str) -> str:
    return key.removeprefix(PROMPTS_PREFIX).removesuffix(".yaml")


def _stray_files(content: Content, canonical: Canonical) -> Iterator[str]:
    """Files that nothing reads: a name misspelled, or something left behind."""
    samples = {source.sample_key for source in canonical.sources.sources}
    known = {*CANONICAL_FILES, *(f"{PROMPTS_PREFIX}{name}.yaml" for name in canonical.prompts), *samples}
    clients = {client_key(client_id) for client_id in client_ids(content)}
    for key in content.keys(CANONICAL_PREFIX):
        if key not in known:
            yield f"{key} is read by nothing: remove it, or correct its name."
    for key in content.keys(CLIENTS_PREFIX):
        if key not in clients:
            yield f"{key} is no client's file: {CLIENTS_PREFIX} holds files that are named {{client_id}}.yaml."


def client_configuration(content: Content, client_id: str, canonical: Canonical) -> Configuration:
    """The client's file with the canonical files that were loaded before; raises ConfigurationError as above."""
    client = load_client(content, client_id)
    key = client_key(client_id)
    wrong = [
        *_unresolved(content, key, _client_references(client, canonical)),
        *_doubled_bonuses(content, key, client, canonical),
    ]
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return Configuration(client=client, **vars(canonical))


def _doubled_bonuses(content: Content, key: str, client: ClientConfig, canonical: Canonical) -> Iterator[str]:
    """Two bonuses for the names of one scope would both count: one has another name than the one it is to replace."""
    own = client.scoring_config.client_specific_bonuses
    by_scope = {bonus.scope: name for name, bonus in canonical.scoring.bonuses.scopes.items() if name not in own}
    doubled = [
        (name, known, bonus.scope)
        for name, bonus in own.items()
        if (known := by_scope.setdefault(bonus.scope, name)) != name
    ]
    file = parse_yaml(key, content.read(key)) if doubled else None
    for name, known, scope in doubled:
        where = file.where(("scoring_config", "client_specific_bonuses", name)) if file else key
        yield (
            f"{where} gives points for scope '{scope}', as '{known}' does, and both would count: name it '{known}' to "
            "replace that one."
        )


@dataclass(frozen=True)
class _Reference:
    """A name in one file that another file must define."""

    path: tuple[str | int, ...]
    name: str
    defined_in: str
    known: Collection[str]
    empty: bool = False


def _client_references(client: ClientConfig, canonical: Canonical) -> Iterator[_Reference]:
    yield _Reference(
        ("pipeline", "analysis_prompt"), client.pipeline.analysis_prompt, PROMPTS_PREFIX, canonical.prompts
    )
    for index, domain in enumerate(client.watch_domains):
        for field, kind in DOMAIN_SCOPES.items():
            if name := getattr(domain, field):
                yield _scope_reference(canonical.scopes, ("watch_domains", index, field), name, kind)
        for position, name in enumerate(domain.exclusion_scopes):
            path = ("watch_domains", index, "exclusion_scopes", position)
            yield _scope_reference(canonical.scopes, path, name, "exclusions")
    sources = client.source_config
    bouquets = [bouquet.bouquet_id for bouquet in canonical.sources.bouquets]
    for position, name in enumerate(sources.source_bouquets_enabled):
        yield _Reference(("source_config", "source_bouquets_enabled", position), name, SOURCES_KEY, bouquets)
    keys = [source.source_key for source in canonical.sources.sources]
    for position, name in enumerate(sources.sources_extra_enabled):
        yield _Reference(("source_config", "sources_extra_enabled", position), name, SOURCES_KEY, keys)
    for bonus_name, bonus in client.scoring_config.client_specific_bonuses.items():
        bonus_path = ("scoring_config", "client_specific_bonuses", bonus_name, "scope")
        yield _bonus_reference(canonical.scopes, bonus_path, bonus.scope)


def _scoring_references(canonical: Canonical) -> Iterator[_Reference]:
    for name, bonus in canonical.scoring.bonuses.scopes.items():
        yield _bonus_reference(canonical.scopes, ("bonuses", "scopes", name, "scope"), bonus.scope)


def _scope_reference(scopes: Scopes, path: tuple[str | int, ...], name: str, kind: ScopeKind) -> _Reference:
    known = getattr(scopes, kind).scopes
    return _Reference(path, name, SCOPE_KEYS[kind], known, empty=name in known and scopes.is_empty(kind, name))


def _bonus_reference(scopes: Scopes, path: tuple[str | int, ...], name: str) -> _Reference:
    """A bonus may be for companies, molecules or trademarks: the name says which."""
    for kind in BONUS_SCOPE_KINDS:
        if name in getattr(scopes, kind).scopes:
            return _scope_reference(scopes, path, name, kind)
    known = [known for kind in BONUS_SCOPE_KINDS for known in getattr(scopes, kind).scopes]
    return _Reference(path, name, " or ".join(SCOPE_KEYS[kind] for kind in BONUS_SCOPE_KINDS), known)


def _unresolved(content: Content, key: str, references: Iterable[_Reference]) -> list[str]:
    wrong = [reference for reference in references if reference.empty or reference.name not in reference.known]
    if not wrong:
        return []
    file = parse_yaml(key, content.read(key))
    return first_problems(printable(_unresolved_sentence(file, reference)) for reference in wrong)


def _unresolved_sentence(file: YamlFile, reference: _Reference) -> str:
    where = f"{file.where(reference.path)} names '{reference.name}'"
    if reference.empty:
        return f"{where}, which is empty in {reference.defined_in}: fill it there or do not use it."
    similar = nearest(reference.name, reference.known, cutoff=0)
    advice = f"did you mean '{similar}'?" if similar else "add it there."
    return f"{where}, which {reference.defined_in} does not have: {advice}"
