"""Where configuration content is read from: a folder at synth and in tests, the config bucket at run time."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from botocore.exceptions import ClientError

from vectora_core.config.canonical import (
    EventDefinitions,
    Evidence,
    ExclusionScopes,
    NameScopes,
    Pricing,
    Prompt,
    ScoringRules,
    SourceCatalog,
    TechnologyScopes,
)
from vectora_core.config.client import ClientConfig
from vectora_core.config.yaml_file import SectionT, YamlFile, dotted, parse_yaml, read_section
from vectora_core.errors import ConfigurationError
from vectora_core.keys import client_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCES_KEY = "canonical/sources/source_catalog.yaml"
EVENTS_KEY = "canonical/events/event_types.yaml"
EVIDENCE_KEY = "canonical/scoring/evidence.yaml"
SCORING_KEY = "canonical/scoring/scoring.yaml"
PRICING_KEY = "canonical/models/pricing.yaml"
PROMPTS_PREFIX = "canonical/prompts/"
CLIENTS_PREFIX = "clients/"

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
_DOMAIN_SCOPES: dict[str, ScopeKind] = {
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
        files = (path for path in self._root.rglob("*") if path.is_file())
        return sorted(key for path in files if (key := path.relative_to(self._root).as_posix()).startswith(prefix))


class BucketContent:
    """Configuration content as published to an environment's config bucket."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def read(self, key: str) -> bytes:
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            raise ConfigurationError(
                f"s3://{self._bucket}/{key} is missing: deploy the release again, which publishes it."
            ) from error

    def keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))


def load_section(content: Content, key: str, model: type[SectionT]) -> SectionT:
    """One file as `model`; raises ConfigurationError when it is missing or invalid."""
    return read_section(model, parse_yaml(key, content.read(key)))


def load_sources(content: Content) -> SourceCatalog:
    return load_section(content, SOURCES_KEY, SourceCatalog)


def load_client(content: Content, client_id: str) -> ClientConfig:
    """The client's file; raises ConfigurationError when it is missing, invalid, or another client's."""
    key = client_key(client_id)
    client = load_section(content, key, ClientConfig)
    if client.client_profile.client_id != client_id:
        raise ConfigurationError(
            f"{key}: client_profile.client_id is '{client.client_profile.client_id}': it must equal the file's name."
        )
    return client


def load_configuration(content: Content, client_id: str) -> Configuration:
    """All that a run of the client needs, checked as a whole.

    Raises ConfigurationError naming every file that is missing or invalid and every name that leads nowhere.
    """
    return _configuration(content, client_id, _load_canonical(content))


def validate_all(content: Content) -> tuple[Configuration, ...]:
    """Check the canonical files and every client's; raises ConfigurationError naming each problem."""
    canonical = _load_canonical(content)
    for sample in filter(None, (source.sample_key for source in canonical.sources.sources)):
        content.read(sample)
    keys = [key for key in content.keys(CLIENTS_PREFIX) if key.endswith(".yaml")]
    if not keys:
        raise ConfigurationError(f"{CLIENTS_PREFIX} has no client file: add one, such as {client_key('lai_weekly')}.")
    client_ids = [key.removeprefix(CLIENTS_PREFIX).removesuffix(".yaml") for key in keys]
    return tuple(_configuration(content, client_id, canonical) for client_id in client_ids)


def _load_canonical(content: Content) -> Canonical:
    prompt_keys = [key for key in content.keys(PROMPTS_PREFIX) if key.endswith(".yaml")]
    return Canonical(
        sources=load_sources(content),
        scopes=Scopes(
            companies=load_section(content, SCOPE_KEYS["companies"], NameScopes),
            molecules=load_section(content, SCOPE_KEYS["molecules"], NameScopes),
            trademarks=load_section(content, SCOPE_KEYS["trademarks"], NameScopes),
            indications=load_section(content, SCOPE_KEYS["indications"], NameScopes),
            technologies=load_section(content, SCOPE_KEYS["technologies"], TechnologyScopes),
            exclusions=load_section(content, SCOPE_KEYS["exclusions"], ExclusionScopes),
        ),
        events=load_section(content, EVENTS_KEY, EventDefinitions),
        evidence=load_section(content, EVIDENCE_KEY, Evidence),
        scoring=load_section(content, SCORING_KEY, ScoringRules),
        prompts={_prompt_name(key): load_section(content, key, Prompt) for key in prompt_keys},
        pricing=load_section(content, PRICING_KEY, Pricing),
    )


def _prompt_name(key: str) -> str:
    return key.removeprefix(PROMPTS_PREFIX).removesuffix(".yaml")


def _configuration(content: Content, client_id: str, canonical: Canonical) -> Configuration:
    client = load_client(content, client_id)
    problems = [
        *_unresolved(content, client_key(client_id), _client_references(client, canonical)),
        *_unresolved(content, SCORING_KEY, _scoring_references(canonical)),
    ]
    if problems:
        raise ConfigurationError("\n".join(problems))
    return Configuration(client=client, **vars(canonical))


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
        for field, kind in _DOMAIN_SCOPES.items():
            yield _scope_reference(canonical.scopes, ("watch_domains", index, field), getattr(domain, field), kind)
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
    return [_unresolved_sentence(file, reference) for reference in wrong]


def _unresolved_sentence(file: YamlFile, reference: _Reference) -> str:
    where = f"{file.name}, line {file.line_of(reference.path)}: key '{dotted(reference.path)}' names '{reference.name}'"
    if reference.empty:
        return f"{where}, which is empty in {reference.defined_in}: fill it there or do not use it."
    nearest = difflib.get_close_matches(reference.name, reference.known, n=1, cutoff=0)
    advice = f"did you mean '{nearest[0]}'?" if nearest else "add it there."
    return f"{where}, which {reference.defined_in} does not have: {advice}"
