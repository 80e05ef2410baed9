"""Model of a client's file: sources, watch domains, scoring, selection and layout of its newsletter."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vectora_shared.config.delivery import Delivery
from vectora_shared.config.scoring import ScopeBonus
from vectora_shared.config.section import MisfitError, Section
from vectora_shared.config.values import (
    Distinct,
    EventType,
    Identifier,
    IsoDate,
    SemanticVersion,
    Share,
    SourceKey,
    Text,
    WebAddress,
    require_unique,
)

# Languages that the newsletter has its fixed words in; the layer common-deps has Babel's data of these only.
LANGUAGES = ("en", "fr", "sv")
Language = Annotated[str, Field(pattern=rf"^({'|'.join(LANGUAGES)})(-[A-Z]{{2}})?$")]
Frequency = Literal["daily", "weekly", "monthly"]
EventFilter = Literal[EventType, "*"]


class ClientProfile(Section):
    """Identity of the client, and schedule of its newsletter."""

    client_id: Identifier = Field(
        description="Stable name of the client, of this file and of all its data; never changes."
    )
    version: SemanticVersion = Field(
        description='Semantic version of this file, such as "7.0.0"; every change raises it (./vectora client bump).'
    )
    name: Text = Field(description="Title of the newsletter.")
    active: bool = Field(
        description="true: the schedule produces the newsletter; false: only runs that name the client produce it."
    )
    language: Language = Field(
        default="en",
        description="Language of the newsletter's fixed words and dates: en, fr or sv, or with a region such as en-GB.",
    )
    archive_url: WebAddress | None = Field(
        default=None,
        description=(
            "Address at which readers see the client's folder of the newsletters bucket, such as "
            "https://news.example.org/lai_weekly; for the links of the RSS feed. The bucket is private: its folder "
            "needs a web server of yours."
        ),
    )
    frequency: Frequency = Field(
        description="Frequency of the schedule: daily, weekly or monthly, at the times in environments.yaml."
    )


class Pipeline(Section):
    """Period of news, and prompt for the model."""

    default_period_days: Annotated[int, Field(ge=1, le=365)] = Field(
        description="Days of news in a run, counted back from its day; 1 to 365. The run's event may override it."
    )
    analysis_prompt: Identifier = Field(
        description="Prompt for the analysis of each item: name of a file in canonical/prompts/, without .yaml."
    )
    reuse_analyses: bool = Field(
        default=True,
        description="false: call the model for every item, even if its reply to the same request is stored.",
    )


class WatchDomain(Section):
    """A field of interest: an item is in the newsletter only when it matches one."""

    id: Identifier = Field(description="Name of the domain in reports and items; unique in this file.")
    technology_scope: Identifier = Field(
        description="Scope in canonical/scopes/technologies.yaml with the terms that identify the subject."
    )
    company_scope: Identifier | None = Field(
        default=None,
        description="Scope in companies.yaml whose names are companies of the domain; none when omitted.",
    )
    core_company_scope: Identifier | None = Field(
        default=None,
        description="Scope in companies.yaml whose deals, approvals and trials always count; none when omitted.",
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
        description="Scope in trademarks.yaml with brands that are decisive by themselves; none when omitted.",
    )
    indication_scope: Identifier | None = Field(
        default=None, description="Scope in indications.yaml whose names count as indications; none when omitted."
    )
    exclusion_scopes: Distinct[Identifier] = Field(
        default=(), description="Scopes in exclusions.yaml: kinds of news that this domain excludes."
    )
    enabled: bool = Field(default=True, description="false: the domain matches nothing.")


class ContentFilters(Section):
    """Entries that are not ingested although their source shows them."""

    exclude_titles: Distinct[Text] = Field(
        default=(),
        description='Entries with exactly such a title (case does not matter) are not ingested, such as "Read more".',
    )


class SourceConfig(Section):
    """Sources of the news."""

    source_bouquets_enabled: Annotated[Distinct[Identifier], Field(min_length=1)] = Field(
        description="Bouquets in canonical/sources/source_catalog.yaml whose sources are read; at least one."
    )
    sources_extra_enabled: Distinct[SourceKey] = Field(
        default=(), description="Single sources that are read in addition to the bouquets, by their source_key."
    )
    content_filters: ContentFilters = Field(
        default=ContentFilters(), description="Entries that are not ingested although their source shows them."
    )


class MatchingConfig(Section):
    """Relevance that items need."""

    min_domain_score: Share = Field(
        default=0.3,
        description="Lowest relevance of a match, 0 to 1; a higher value gives fewer items and less noise.",
    )
    sure_domain_score: Share = Field(
        default=0.5,
        description="Relevance, 0 to 1, below which a selected item counts as doubtful in the noise estimate.",
    )


class ScoringConfig(Section):
    """Differences of this client from canonical/scoring/scoring.yaml."""

    event_type_weight_overrides: dict[EventType, Annotated[float, Field(ge=0, le=20)]] = Field(
        default_factory=dict,
        description="Points that an event type starts with, 0 to 20; they replace those of base_by_event.",
    )
    client_specific_bonuses: dict[Identifier, ScopeBonus] = Field(
        default_factory=dict,
        description="Points for a name of a scope in the item; a bonus replaces the one of that name in scoring.yaml.",
    )


class Deduplication(Section):
    """Conditions under which two items are one story."""

    similarity_threshold: Share = Field(
        default=0.75, description="Lowest share of common title words, 0 to 1, of two items of one story."
    )
    max_days_apart: Annotated[int, Field(ge=0, le=365)] = Field(
        default=10, description="Highest number of days between two items of one story; 0 to 365."
    )


class NewsletterSelection(Section):
    """Selection among the matched items."""

    max_items_total: Annotated[int, Field(ge=1, le=200)] = Field(
        description="Maximum number of items in a newsletter, over all sections; 1 to 200."
    )
    min_score: Annotated[float, Field(ge=0, le=50)] = Field(
        default=0.0,
        description="Lowest score of a selected item; 0 leaves the choice to the watch domains.",
    )
    critical_event_types: Distinct[EventType] = Field(
        default=(), description="Event types that take precedence over all others when there are too many items."
    )
    deduplication: Deduplication = Field(
        default=Deduplication(), description="Conditions under which two items are one story, of which one is shown."
    )


class LayoutSection(Section):
    """A section of the newsletter; an item is in one section only."""

    id: Identifier = Field(description="Name of the section in manifests and metrics; unique in this file.")
    title: Text = Field(description="Heading of the section.")
    max_items: Annotated[int, Field(ge=1, le=200)] = Field(
        description=(
            "Maximum number of items in this section; 1 to 200. Further items go to the next section that accepts them."
        )
    )
    filter_event_types: Annotated[Distinct[EventFilter], Field(min_length=1)] = Field(
        description='Event types that the section accepts; "*" accepts all.'
    )
    sort_by: Literal["score_desc", "date_desc"] = Field(
        description="score_desc: highest score first; date_desc: newest first. The section has the first max_items."
    )
    priority: Annotated[int, Field(ge=1, le=999)] = Field(
        description="Position of the section, 1 to 999: lower ones are filled and shown first; unique in this file."
    )


class NewsletterLayout(Section):
    """Sections of the newsletter, in any order."""

    sections: Annotated[tuple[LayoutSection, ...], Field(min_length=1)] = Field(
        description="Sections of the newsletter; at least one. Empty ones are not shown."
    )

    @model_validator(mode="after")
    def _ids_and_priorities_are_unique(self) -> NewsletterLayout:
        for name in ("id", "priority"):
            require_unique(("sections",), [getattr(section, name) for section in self.sections], name)
        return self


class ChangelogEntry(Section):
    """Changes of one version."""

    version: SemanticVersion = Field(description="Version with the changes.")
    date: IsoDate = Field(description="Day of the changes, YYYY-MM-DD.")
    changes: Annotated[str, Field(min_length=1)] = Field(description="The changes and their reasons, for people.")


class Metadata(Section):
    """Version and changelog of this file."""

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
                        f"is {self.changelog[index].version}, after {self.changelog[index - 1].version}: put the "
                        "entries newest first, each version once",
                    )
                )
        return self


class ClientConfig(Section):
    """clients/{client_id}.yaml: one newsletter; the same file in dev, stage and prod."""

    client_profile: ClientProfile = Field(description="Identity of the client, and schedule of its newsletter.")
    pipeline: Pipeline = Field(description="Period of news, and prompt for the model.")
    watch_domains: Annotated[tuple[WatchDomain, ...], Field(min_length=1)] = Field(
        description="Fields of interest; at least one."
    )
    source_config: SourceConfig = Field(description="Sources of the news.")
    matching_config: MatchingConfig = Field(default=MatchingConfig(), description="Relevance that items need.")
    scoring_config: ScoringConfig = Field(
        default=ScoringConfig(), description="Differences of this client from canonical/scoring/scoring.yaml."
    )
    newsletter_selection: NewsletterSelection = Field(description="Selection among the matched items.")
    newsletter_layout: NewsletterLayout = Field(description="Sections of the newsletter.")
    delivery: Delivery | None = Field(
        default=None, description="Sender and readers of the newsletter by e-mail; it is not sent when omitted."
    )
    metadata: Metadata = Field(description="Version and changelog of this file.")

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
