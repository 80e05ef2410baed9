"""Configuration as loaded: the canonical files, one client's file, and the kinds of scopes that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vectora_shared.config.canonical import EventDefinitions, Evidence, Pricing, Prompt
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.scopes import ExclusionScopes, NameScopes, TechnologyScopes
from vectora_shared.config.scoring import ScoringRules
from vectora_shared.config.section import Section
from vectora_shared.config.sources import SourceCatalog

SOURCES_KEY = "canonical/sources/source_catalog.yaml"
EVENTS_KEY = "canonical/events/event_types.yaml"
EVIDENCE_KEY = "canonical/scoring/evidence.yaml"
SCORING_KEY = "canonical/scoring/scoring.yaml"
PRICING_KEY = "canonical/models/pricing.yaml"
PROMPTS_PREFIX = "canonical/prompts/"
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
    """Names and terms of all watched fields, by kind."""

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
            return not (scope.title_patterns or scope.sure_title_patterns or scope.text_patterns)
        scopes: NameScopes = getattr(self, kind)
        return not scopes.names_of(name)


@dataclass(frozen=True)
class Canonical:
    """Canonical configuration, which all clients share."""

    sources: SourceCatalog
    scopes: Scopes
    events: EventDefinitions
    evidence: Evidence
    scoring: ScoringRules
    prompts: Mapping[str, Prompt]
    pricing: Pricing


@dataclass(frozen=True)
class Configuration(Canonical):
    """Configuration of one client's run; all references between its files resolve."""

    client: ClientConfig
