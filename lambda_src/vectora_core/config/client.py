"""A client: whose newsletter it is, what it watches, and how its newsletter is laid out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vectora_core.config.canonical import EventType, Identifier, ScopeBonus, Share
from vectora_core.config.yaml_file import Section

SemanticVersion = Annotated[str, Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")]
IsoDate = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
Frequency = Literal["daily", "weekly", "monthly"]


class ClientProfile(Section):
    client_id: Identifier = Field(description="stable name of the client, the prefix of all its data")
    version: SemanticVersion = Field(description='semantic version of this file, such as "7.0.0"')
    name: str = Field(description="title of the newsletter")
    active: bool = Field(description="true or false")
    language: str = "en"
    frequency: Frequency = Field(description="daily, weekly or monthly")


class Pipeline(Section):
    default_period_days: Annotated[int, Field(ge=1, le=365)] = Field(description="days of news a run looks back")
    analysis_prompt: Identifier = Field(description="name of a file in canonical/prompts/")


class WatchDomain(Section):
    """A field of interest: an item is in the newsletter only when it matches one."""

    id: Identifier
    technology_scope: Identifier
    company_scope: Identifier
    core_company_scope: Identifier  # companies whose deals, regulatory and clinical news always count
    molecule_scope: Identifier
    trademark_scope: Identifier
    core_trademark_scope: Identifier  # brands whose name alone says that it is the domain's technology
    indication_scope: Identifier
    exclusion_scopes: tuple[Identifier, ...]
    enabled: bool = True


class ContentFilters(Section):
    exclude_titles: tuple[str, ...] = ()  # link texts that pages present as news, such as "Download attachment"


class SourceConfig(Section):
    source_bouquets_enabled: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    sources_extra_enabled: tuple[str, ...] = ()
    content_filters: ContentFilters = ContentFilters()


class MatchingConfig(Section):
    min_domain_score: Share = Field(description="relevance from 0 to 1 from which an item matches a domain")
    sure_domain_score: Share = Field(description="relevance from 0 to 1 below which a matched item counts as doubtful")


class ScoringConfig(Section):
    event_type_weight_overrides: dict[EventType, Annotated[float, Field(ge=0, le=20)]] = Field(default_factory=dict)
    client_specific_bonuses: dict[Identifier, ScopeBonus] = Field(default_factory=dict)


class Deduplication(Section):
    similarity_threshold: Share = Field(description="share of title words in common from which two items are one story")
    max_days_apart: Annotated[int, Field(ge=0, le=365)] = Field(description="days between two reports of one story")


class NewsletterSelection(Section):
    max_items_total: Annotated[int, Field(ge=1, le=200)] = Field(description="items in a newsletter at the most")
    min_score: Annotated[float, Field(ge=0)] = Field(description="final score from which an item is selected")
    critical_event_types: tuple[EventType, ...]
    deduplication: Deduplication


class LayoutSection(Section):
    id: Identifier
    title: str
    max_items: Annotated[int, Field(ge=1)]
    filter_event_types: Annotated[tuple[EventType | Literal["*"], ...], Field(min_length=1)]
    sort_by: Literal["score_desc", "date_desc"]
    priority: Annotated[int, Field(ge=1, le=999)]


class NewsletterLayout(Section):
    sections: Annotated[tuple[LayoutSection, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_and_priorities_are_unique(self) -> NewsletterLayout:
        for name in ("id", "priority"):
            values = [getattr(section, name) for section in self.sections]
            if doubles := sorted({str(value) for value in values if values.count(value) > 1}):
                raise ValueError(f"{name} {', '.join(doubles)} stands twice: sections have their own {name}")
        return self


class ChangelogEntry(Section):
    version: SemanticVersion
    date: IsoDate
    changes: str


class Metadata(Section):
    config_version: SemanticVersion
    changelog: Annotated[tuple[ChangelogEntry, ...], Field(min_length=1)]


class ClientConfig(Section):
    """clients/{client_id}.yaml."""

    client_profile: ClientProfile
    pipeline: Pipeline
    watch_domains: Annotated[tuple[WatchDomain, ...], Field(min_length=1)]
    source_config: SourceConfig
    matching_config: MatchingConfig
    scoring_config: ScoringConfig
    newsletter_selection: NewsletterSelection
    newsletter_layout: NewsletterLayout
    metadata: Metadata

    @model_validator(mode="after")
    def _versions_agree(self) -> ClientConfig:
        versions = {
            "client_profile.version": self.client_profile.version,
            "metadata.config_version": self.metadata.config_version,
            "metadata.changelog[0].version": self.metadata.changelog[0].version,
        }
        if len(set(versions.values())) > 1:
            shown = ", ".join(f"{key} is {value}" for key, value in versions.items())
            raise ValueError(f"one version belongs to one file, but {shown}")
        return self
