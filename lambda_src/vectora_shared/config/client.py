"""A client: whose newsletter it is, what it watches, and how its newsletter is laid out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vectora_shared.config.scoring import ScopeBonus
from vectora_shared.config.values import Distinct, EventType, Identifier, Share, Text, require_unique
from vectora_shared.config.yaml_file import MisfitError, Section

SemanticVersion = Annotated[str, Field(pattern=r"^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$")]
IsoDate = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
Frequency = Literal["daily", "weekly", "monthly"]
EventFilter = Literal[EventType, "*"]


class ClientProfile(Section):
    """Whose newsletter it is."""

    client_id: Identifier = Field(
        description="Stable name of the client, of this file and of all its data. Never changes."
    )
    version: SemanticVersion = Field(
        description='Semantic version of this file, such as "7.0.0"; moves with every change (./vectora client bump).'
    )
    name: Text = Field(description="Title of the newsletter.")
    active: bool = Field(
        description="true: the schedule produces the newsletter; false: it is only made when asked for by name."
    )
    language: Language = Field(
        default="en",
        description="Language that the HTML declares, such as en or pt-BR; nothing is translated.",
    )
    frequency: Frequency = Field(
        description="How often the schedule produces it: daily, weekly or monthly, at the times in environments.yaml."
    )


class Pipeline(Section):
    """How far a run looks back, and how it asks the model."""

    default_period_days: Annotated[int, Field(ge=1, le=365)] = Field(
        description="Days of news that a run takes, counted back from its day; 1 to 365. The event may ask for others."
    )
    analysis_prompt: Identifier = Field(
        description="File in canonical/prompts/, without .yaml: how the model is asked about each item."
    )


class WatchDomain(Section):
    """A field of interest: an item is in the newsletter only when it matches one."""

    id: Identifier = Field(description="Name of the domain, as reports and items show it; unique in this file.")
    technology_scope: Identifier = Field(
        description="Scope in canonical/scopes/technologies.yaml: the words by which the subject is recognised."
    )
    company_scope: Identifier | None = Field(
        default=None,
        description="Scope in companies.yaml whose names are companies of the domain; none when omitted.",
    )
    core_company_scope: Identifier | None = Field(
        default=None,
        description="Scope in companies.yaml whose deals, approvals and trials count in any case; none when omitted.",
    )
    molecule_scope: Identifier | None = Field(
        default=None,
        description="Scope in molecules.yaml whose names are substances of the domain; none when omitted.",
    )
    trademark_scope: Identifier | None = Field(
        default=None,
        description="Scope in trademarks.yaml whose names are brands of the domain; none when omitted.",
    )
    core_trademark_scope: Identifier | None = Field(
        default=None,
        description="Scope in trademarks.yaml whose name alone says that it is the subject; none when omitted.",
    )
    indication_scope: Identifier | None = Field(
        default=None, description="Scope in indications.yaml whose names count as indications; none when omitted."
    )
    exclusion_scopes: Distinct[Identifier] = Field(
        default=(), description="Scopes in exclusions.yaml: kinds of news that are left out of this domain."
    )
    enabled: bool = Field(default=True, description="false: the domain matches nothing, as if it were not there.")


class ContentFilters(Section):
    """What pages show between their news."""

    exclude_titles: Distinct[Text] = Field(
        default=(),
        description='Entries with exactly such a title (case does not matter) are not ingested, such as "Read more".',
    )


class SourceConfig(Section):
    """Where the news comes from."""

    source_bouquets_enabled: Annotated[Distinct[Identifier], Field(min_length=1)] = Field(
        description="Bouquets of sources in canonical/sources/source_catalog.yaml whose sources are read; at least one."
    )
    sources_extra_enabled: Distinct[str] = Field(
        default=(), description="source_key of single sources that are read beside the bouquets."
    )
    content_filters: ContentFilters = Field(
        default=ContentFilters(), description="Entries that are not ingested although their source shows them."
    )


class MatchingConfig(Section):
    """From which relevance on an item counts."""

    min_domain_score: Share = Field(
        default=0.3,
        description="Relevance, 0 to 1, from which an item matches; higher: fewer items, less noise.",
    )
    sure_domain_score: Share = Field(
        default=0.5,
        description="Relevance, 0 to 1, below which a selected item counts as doubtful: the noise estimate.",
    )


class ScoringConfig(Section):
    """What this client values otherwise than canonical/scoring/scoring.yaml."""

    event_type_weight_overrides: dict[EventType, Annotated[float, Field(ge=0, le=20)]] = Field(
        default_factory=dict,
        description="Points, 0 to 20, that an event type starts with, instead of base_by_event's.",
    )
    client_specific_bonuses: dict[Identifier, ScopeBonus] = Field(
        default_factory=dict,
        description="Points for a name of a scope in the item; one named as in scoring.yaml replaces it.",
    )


class Deduplication(Section):
    """When two items are one story."""

    similarity_threshold: Share = Field(
        default=0.75, description="Share of title words in common, 0 to 1, from which two items are one story."
    )
    max_days_apart: Annotated[int, Field(ge=0, le=365)] = Field(
        default=10, description="Items further apart than so many days are never one story; 0 to 365."
    )


class NewsletterSelection(Section):
    """Which matched items are taken."""

    max_items_total: Annotated[int, Field(ge=1, le=200)] = Field(
        description="Items in a newsletter at the most, over all sections; 1 to 200."
    )
    min_score: Annotated[float, Field(ge=0, le=50)] = Field(
        default=0.0,
        description="Items with a lower score are left out; 0 leaves the choice to the watch domains.",
    )
    critical_event_types: Distinct[EventType] = Field(
        default=(), description="Event types that are kept before all others when there are too many items."
    )
    deduplication: Deduplication = Field(
        default=Deduplication(), description="When two items are taken for the same story, of which one is shown."
    )


class LayoutSection(Section):
    """One section of the newsletter; an item stands in one section only."""

    id: Identifier = Field(description="Name of the section in manifests and metrics; unique in this file.")
    title: Text = Field(description="Heading of the section.")
    max_items: Annotated[int, Field(ge=1, le=200)] = Field(
        description="Items in this section at the most; 1 to 200. Others go on to the next section that takes them."
    )
    filter_event_types: Annotated[Distinct[EventFilter], Field(min_length=1)] = Field(
        description='Event types that the section takes; "*" takes every one.'
    )
    sort_by: Literal["score_desc", "date_desc"] = Field(
        description="score_desc: highest score first; date_desc: newest first. The first max_items are taken."
    )
    priority: Annotated[int, Field(ge=1, le=999)] = Field(
        description="Sections are filled and shown from 1 to 999; unique in this file."
    )


class NewsletterLayout(Section):
    """The sections, in any order."""

    sections: Annotated[tuple[LayoutSection, ...], Field(min_length=1)] = Field(
        description="Sections of the newsletter; at least one. Empty ones are not shown."
    )

    @model_validator(mode="after")
    def _ids_and_priorities_are_unique(self) -> NewsletterLayout:
        for name in ("id", "priority"):
            require_unique(("sections",), [getattr(section, name) for section in self.sections], name)
        return self


class ChangelogEntry(Section):
    """What a version changed."""

    version: SemanticVersion = Field(description="Version that the change led to.")
    date: IsoDate = Field(description="Day of the change, YYYY-MM-DD.")
    changes: Annotated[str, Field(min_length=1)] = Field(description="What changed and why, for people.")


class Metadata(Section):
    """The story of this file."""

    config_version: SemanticVersion = Field(description="The same as client_profile.version.")
    changelog: Annotated[tuple[ChangelogEntry, ...], Field(min_length=1)] = Field(
        description="Newest version first; the first entry is this file's version."
    )

    @model_validator(mode="after")
    def _newest_first(self) -> Metadata:
        versions = [tuple(map(int, entry.version.split("."))) for entry in self.changelog]
        for index in range(1, len(versions)):
            if versions[index] >= versions[index - 1]:
                raise MisfitError(
                    (
                        ("changelog", index, "version"),
                        f"is {self.changelog[index].version}, after {self.changelog[index - 1].version}: entries stand "
                        "newest first, each version once",
                    )
                )
        return self


class ClientConfig(Section):
    """clients/{client_id}.yaml: one newsletter, the same file in dev, stage and prod."""

    client_profile: ClientProfile = Field(description="Whose newsletter it is.")
    pipeline: Pipeline = Field(description="How far a run looks back, and how it asks the model.")
    watch_domains: Annotated[tuple[WatchDomain, ...], Field(min_length=1)] = Field(
        description="What counts as a subject of the newsletter; at least one domain."
    )
    source_config: SourceConfig = Field(description="Where the news comes from.")
    matching_config: MatchingConfig = Field(
        default=MatchingConfig(), description="From which relevance on an item counts."
    )
    scoring_config: ScoringConfig = Field(
        default=ScoringConfig(), description="What this client values otherwise than canonical/scoring/scoring.yaml."
    )
    newsletter_selection: NewsletterSelection = Field(description="Which matched items are taken.")
    newsletter_layout: NewsletterLayout = Field(description="The sections of the newsletter.")
    metadata: Metadata = Field(description="The story of this file.")

    @model_validator(mode="after")
    def _parts_fit(self) -> ClientConfig:
        require_unique(("watch_domains",), [domain.id for domain in self.watch_domains], "id")
        version = self.client_profile.version
        others = {
            ("metadata", "config_version"): self.metadata.config_version,
            ("metadata", "changelog", 0, "version"): self.metadata.changelog[0].version,
        }
        wrong = [
            (path, f"is {other}, but client_profile.version is {version}: one version belongs to one file")
            for path, other in others.items()
            if other != version
        ]
        if wrong:
            raise MisfitError(*wrong)
        return self
