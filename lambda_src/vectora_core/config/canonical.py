"""Canonical content: the domain knowledge (sources, scopes, events, scoring, prompts) that all clients share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from vectora_core.config.yaml_file import Section

EventType = Literal[
    "partnership",
    "regulatory",
    "clinical_update",
    "safety_signal",
    "corporate_move",
    "scientific_publication",
    "manufacturing_supply",
    "financial_results",
    "other",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)


def _valid_pattern(pattern: str) -> str:
    if re.match(r"r['\"]", pattern):
        raise ValueError("starts with Python's r-prefix, which YAML keeps as text: remove the prefix and its quotes")
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is not a regular expression ({error})") from error
    return pattern


def _one_term(term: str) -> str:
    if not term.strip() or term != term.strip() or "  " in term or "\n" in term:
        raise ValueError("a term is a non-empty text without leading, trailing or double blanks")
    return term


Pattern = Annotated[str, AfterValidator(_valid_pattern)]
Term = Annotated[str, AfterValidator(_one_term)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+(/\S*)?$")]
# Published with the configuration: sample news with a known outcome.
SAMPLES = "config:"
SourceUrl = Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/\S*)?|config:canonical/samples/\S+)$")]
Positive = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


def _valid_date_format(date_format: str) -> str:
    day = datetime(2001, 12, 31, tzinfo=UTC)
    try:
        reads_back = datetime.strptime(day.strftime(date_format), date_format).date() == day.date()  # noqa: DTZ007
    except ValueError:
        reads_back = False
    if not reads_back:
        raise ValueError('is not a strptime format with day, month and year, such as "%d/%m/%Y"')
    return date_format


DateFormat = Annotated[str, AfterValidator(_valid_date_format)]


class HtmlSelectors(Section):
    """CSS selectors of one news page; an omitted one falls back to the generic extractor's."""

    item: str = Field(description="CSS selector of one news entry")
    title: str | None = None
    link: str | None = None
    date: str | None = None
    summary: str | None = None


class Source(Section):
    """One place that publishes news: an RSS or Atom feed, or an HTML news page."""

    source_key: Annotated[str, Field(pattern=r"^[a-z0-9]+(_+[a-z0-9]+)*$")]
    source_type: Literal["press_corporate", "press_sector"]
    ingestion_mode: Literal["rss", "html"]
    url: SourceUrl = Field(
        description="address of the feed or of the news page, or config:canonical/samples/... for a sample of ours"
    )
    enabled: bool = True
    company: str | None = None  # whose own news a corporate source carries; counts as mentioned in every item
    language: str = "en"
    max_items: Annotated[int, Field(ge=1, le=500)] = 50
    date_format: DateFormat | None = None  # strptime format, tried before the general ones; settles 03/04/2026
    selectors: HtmlSelectors | None = None
    notes: str | None = None

    @property
    def sample_key(self) -> str | None:
        """Key of the sample in the configuration content; None for a source on the internet."""
        return self.url.removeprefix(SAMPLES) if self.url.startswith(SAMPLES) else None


class Bouquet(Section):
    """A named set of sources that a client subscribes to as one."""

    bouquet_id: Identifier
    description: str
    source_keys: Annotated[tuple[str, ...], Field(min_length=1)]


class SourceCatalog(Section):
    """canonical/sources/source_catalog.yaml."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    bouquets: tuple[Bouquet, ...]

    @model_validator(mode="after")
    def _references_resolve(self) -> SourceCatalog:
        keys = [source.source_key for source in self.sources]
        if doubles := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"source_key {', '.join(doubles)} stands twice: keys are unique")
        for bouquet in self.bouquets:
            if unknown := [key for key in bouquet.source_keys if key not in keys]:
                raise ValueError(f"bouquet {bouquet.bouquet_id} names unknown sources: {', '.join(unknown)}")
        return self


class NameScope(Section):
    """A named list of names; `includes` adds the names of other scopes of the same file."""

    description: str
    includes: tuple[Identifier, ...] = ()
    names: tuple[Term, ...] = ()


class NameScopes(Section):
    """canonical/scopes/{companies,molecules,trademarks,indications}.yaml: names as the newsletter spells them."""

    scopes: Annotated[dict[Identifier, NameScope], Field(min_length=1)]
    aliases: dict[Term, tuple[Term, ...]] = Field(default_factory=dict)  # other spellings of a name
    case_sensitive: tuple[Term, ...] = ()  # names and aliases that are also ordinary words

    @model_validator(mode="after")
    def _references_resolve(self) -> NameScopes:
        for scope_id, scope in self.scopes.items():
            if unknown := [name for name in scope.includes if name not in self.scopes]:
                raise ValueError(f"scope {scope_id} includes unknown scopes: {', '.join(unknown)}")
            _no_doubles(f"scope {scope_id}", scope.names)
        self._includes_end()
        names = {name for scope in self.scopes.values() for name in scope.names}
        if unknown := [name for name in self.aliases if name not in names]:
            raise ValueError(f"aliases are given for names that no scope has: {', '.join(unknown)}")
        spellings = names | {alias for aliases in self.aliases.values() for alias in aliases}
        if unknown := [name for name in self.case_sensitive if name not in spellings]:
            raise ValueError(f"case_sensitive has names that no scope has: {', '.join(unknown)}")
        return self

    def _includes_end(self) -> None:
        for scope_id in self.scopes:
            reached: set[str] = set()
            pending = list(self.scopes[scope_id].includes)
            while pending:
                name = pending.pop()
                if name == scope_id:
                    raise ValueError(f"scope {scope_id} includes itself")
                if name not in reached:
                    reached.add(name)
                    pending += self.scopes[name].includes

    def names_of(self, scope_id: str) -> tuple[str, ...]:
        """All names of the scope and of those it includes, each once, in the order of the file."""
        scope = self.scopes[scope_id]
        parts = [*(self.names_of(included) for included in scope.includes), scope.names]
        return tuple(dict.fromkeys(name for part in parts for name in part))


def spelling_key(name: str) -> str:
    """Equal for spellings that matching does not tell apart: case, hyphens, blanks and trade mark signs."""
    return re.sub(r"[\s\-®™©]+", "", name).casefold()


def _no_doubles(where: str, names: tuple[str, ...]) -> None:
    keys = [spelling_key(name) for name in names]
    if doubles := [name for name, key in zip(names, keys, strict=True) if keys.count(key) > 1]:
        raise ValueError(
            f"{where} has the same name twice (matching ignores case, hyphens and ®): {', '.join(doubles)}"
        )


class TechnologyScope(Section):
    """What the words of a technology look like in the news, from decisive to contrary."""

    description: str
    core_phrases: Annotated[tuple[Term, ...], Field(min_length=1)]  # decisive by themselves
    brands: tuple[Term, ...] = ()  # names of delivery technologies: decisive
    programmes: tuple[Term, ...] = ()  # codes of products in development: decisive
    supporting_terms: tuple[Term, ...] = ()  # decisive only beside a company or molecule of the domain
    product_terms: tuple[Term, ...] = ()  # in a core company's title: it is about a product
    administration_terms: tuple[Term, ...] = ()  # decisive only beside an interval
    interval_patterns: tuple[Pattern, ...] = ()
    weekly_patterns: tuple[Pattern, ...] = ()
    contrary_terms: tuple[Term, ...] = ()  # another route: the item is about something else
    other_modalities: tuple[Term, ...] = ()  # another kind of product
    false_friends: tuple[Pattern, ...] = ()  # expressions that contain a term and mean something else
    case_sensitive: tuple[Term, ...] = ()

    @model_validator(mode="after")
    def _terms_are_distinct(self) -> TechnologyScope:
        for group in (
            "core_phrases",
            "brands",
            "programmes",
            "supporting_terms",
            "product_terms",
            "administration_terms",
            "contrary_terms",
            "other_modalities",
        ):
            _no_doubles(group, getattr(self, group))
        return self

    @property
    def is_empty(self) -> bool:
        return not (self.core_phrases or self.brands or self.programmes)


class TechnologyScopes(Section):
    """canonical/scopes/technologies.yaml."""

    scopes: Annotated[dict[Identifier, TechnologyScope], Field(min_length=1)]


class ExclusionScope(Section):
    """A kind of news that nobody wants, known by patterns of its title or, where the title says little, its text."""

    description: str
    reason: str = Field(description="what the report gives as the reason, in a few words")
    title_patterns: tuple[Pattern, ...] = ()
    text_patterns: tuple[Pattern, ...] = ()
    product_news_prevails: bool = Field(
        default=True, description="true when a title with a product and a regulatory, clinical or deal event stays in"
    )
    core_names_prevail: bool = Field(
        default=False, description="true when a title with a core company or a core brand stays in"
    )


class ExclusionScopes(Section):
    """canonical/scopes/exclusions.yaml."""

    scopes: Annotated[dict[Identifier, ExclusionScope], Field(min_length=1)]


class EventDefinition(Section):
    """What counts as an event type: the description is for the model, the patterns are for the lexicon."""

    description: str
    leading: bool = False  # goes before the types that are not, wherever it stands in the title
    patterns: tuple[Pattern, ...] = ()


class EventDefinitions(Section):
    """canonical/events/event_types.yaml; where several types fit, what the title says first wins."""

    events: dict[EventType, EventDefinition]

    @model_validator(mode="after")
    def _every_type_is_defined(self) -> EventDefinitions:
        if missing := [name for name in EVENT_TYPES if name not in self.events]:
            raise ValueError(f"event types without a definition: {', '.join(missing)}")
        return self


class DomainFactor(Section):
    """Share of the base score that an item gets by its relevance for the domain."""

    unmatched: Positive
    score_weight: Positive
    confidence_weight: Positive
    trademark_boost: Positive
    maximum: Positive


class RecencyStep(Section):
    max_age_days: Annotated[int, Field(ge=0)]
    factor: Positive


class Recency(Section):
    steps: Annotated[tuple[RecencyStep, ...], Field(min_length=1)]
    older: Positive = Field(description="factor of items older than the last step, and of undated ones")

    @model_validator(mode="after")
    def _ages_rise(self) -> Recency:
        ages = [step.max_age_days for step in self.steps]
        if ages != sorted(set(ages)):
            raise ValueError("the steps' max_age_days must rise from one to the next")
        return self


class ScopeBonus(Section):
    scope: Identifier
    bonus: Annotated[float, Field(ge=0, le=20)]


class RelevanceBonus(Section):
    from_relevance: Annotated[float, Field(ge=0, le=10)]
    bonus: Positive


class RelevancePenalty(Section):
    to_relevance: Annotated[float, Field(ge=0, le=10)]
    penalty: Positive


class Bonuses(Section):
    scopes: dict[Identifier, ScopeBonus]  # for a name of the scope in the item
    events: dict[EventType, Positive]
    high_relevance: RelevanceBonus


class Penalties(Section):
    anti_lai_route: Positive
    low_relevance: RelevancePenalty
    no_entities: Positive
    exclusion_term: Positive


class ScoringModes(Section):
    balanced: Positive
    strict: Positive
    broad: Positive


class ScoringRules(Section):
    """canonical/scoring/scoring.yaml: every number that a score is made of."""

    base_by_event: dict[EventType, Positive]
    domain_factor: DomainFactor
    recency: Recency
    bonuses: Bonuses
    penalties: Penalties
    floor: float
    cap: float
    modes: ScoringModes

    @model_validator(mode="after")
    def _complete(self) -> ScoringRules:
        if missing := [name for name in EVENT_TYPES if name not in self.base_by_event]:
            raise ValueError(f"base_by_event has no number for: {', '.join(missing)}")
        if self.floor > self.cap:
            raise ValueError("floor must not be above cap")
        return self


class Evidence(Section):
    """canonical/scoring/evidence.yaml: how strongly a sign speaks for a watch domain, from 0 to 1."""

    decisive_in_title: Share
    decisive_in_lead: Share
    decisive_in_body: Share
    decisive_in_passing: Share
    dosing_in_title: Share
    dosing_in_lead: Share
    weekly_in_title: Share
    weekly_in_lead: Share
    core_company_news: Share
    core_company_product: Share
    core_company_in_lead: Share
    core_company_alone: Share
    extended_brand_injected: Share
    extended_brand_alone: Share
    supporting_in_title: Share
    supporting_in_lead: Share
    injected_molecule: Share
    other_modality: Share
    other_route_at_most: Share
    analysis_admits_from: Share
    analysis_refuses_to: Share
    agreement_confidence: Share
    least_confidence: Share


class Prompt(Section):
    """canonical/prompts/{name}.yaml: how the model is asked to analyze one item."""

    system: str
    user_template: str = Field(description="text with {title}, {source}, {published} and {content}")
    tool_name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    tool_description: str
    max_output_tokens: Annotated[int, Field(ge=200, le=8192)]
    max_content_characters: Annotated[int, Field(ge=200, le=100_000)]
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _placeholders_fit(self) -> Prompt:
        expected = {"{title}", "{source}", "{published}", "{content}"}
        found = set(re.findall(r"\{[a-z_]+\}", self.user_template))
        if found != expected:
            raise ValueError(f"user_template must have exactly the placeholders {', '.join(sorted(expected))}")
        return self


class ModelPrice(Section):
    input_usd_per_million_tokens: Positive
    output_usd_per_million_tokens: Positive


class Pricing(Section):
    """canonical/models/pricing.yaml: what a model's tokens cost, by model id."""

    models: Annotated[dict[str, ModelPrice], Field(min_length=1)]
