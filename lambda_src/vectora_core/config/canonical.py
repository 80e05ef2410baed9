"""Canonical content: the domain knowledge (sources, scopes, events, scoring, prompts) that all clients share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, Field, model_validator

from vectora_core.config.yaml_file import MisfitError, Path, Section, did_you_mean

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
EntryT = TypeVar("EntryT")


def _valid_pattern(pattern: str) -> str:
    if re.match(r"r['\"]", pattern):
        raise ValueError("starts with Python's r-prefix, which YAML keeps as text: remove the prefix and its quotes")
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression ({error})") from error
    if compiled.search(""):
        raise ValueError("matches everything, the empty text too: say what it looks for")
    return pattern


def _one_term(term: str) -> str:
    if not term.strip() or term != term.strip() or "  " in term or "\n" in term:
        raise ValueError("a term is a non-empty text without leading, trailing or double blanks")
    return term


def _one_line(text: str) -> str:
    if not text.strip() or len(text.splitlines()) > 1:
        raise ValueError("a text of one line is expected, and not an empty one")
    return text


def _distinct(entries: tuple[EntryT, ...]) -> tuple[EntryT, ...]:
    for index, entry in enumerate(entries):
        if entry in entries[:index]:
            raise MisfitError(((index,), f"is '{entry}' once more: remove one of them"))
    return entries


def require_unique(path: Path, values: Sequence[Any], key: str) -> None:
    """Raises MisfitError for the second entry of the list at `path` with the same `key`."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise MisfitError(((*path, index, key), f"is {value!r} as in an entry before: each has its own {key}"))


Pattern = Annotated[str, AfterValidator(_valid_pattern), Field(json_schema_extra={"format": "regex"})]
Term = Annotated[str, AfterValidator(_one_term), Field(min_length=1)]
Text = Annotated[str, AfterValidator(_one_line), Field(min_length=1)]
# A list in which no entry stands twice.
Distinct = Annotated[tuple[EntryT, ...], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
# Published with the configuration: sample news with a known outcome.
SAMPLES = "config:"
SourceUrl = Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/\S*)?|config:canonical/samples/\S+)$")]
Positive = Annotated[float, Field(ge=0, le=1000)]
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

    item: Text = Field(description="CSS selector of one news entry.")
    title: Text | None = Field(default=None, description="Of its title, within the entry; recognised when omitted.")
    link: Text | None = Field(default=None, description="Of its link, within the entry; recognised when omitted.")
    date: Text | None = Field(default=None, description="Of its date, within the entry; recognised when omitted.")
    summary: Text | None = Field(default=None, description="Of its text, within the entry; recognised when omitted.")


class Source(Section):
    """One place that publishes news: an RSS or Atom feed, or an HTML news page."""

    source_key: Annotated[str, Field(pattern=r"^[a-z0-9]+(_+[a-z0-9]+)*$")] = Field(
        description="Stable name, part of every item's id: never reuse one for another place."
    )
    source_type: Literal["press_corporate", "press_sector"] = Field(
        description="press_corporate: a company's own news; press_sector: a trade paper."
    )
    ingestion_mode: Literal["rss", "html"] = Field(
        description="rss: an RSS or Atom feed; html: a page that lists news."
    )
    url: SourceUrl = Field(
        description="Address of the feed or of the news page, or config:canonical/samples/... for a sample of ours."
    )
    enabled: bool = Field(default=True, description="false: left out of runs, which every report says.")
    company: Text | None = Field(
        default=None, description="Whose own news a corporate source carries: counts as mentioned in every item."
    )
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = Field(
        default="en", description="Language of its news, such as en; noted in every item."
    )
    max_items: Annotated[int, Field(ge=1, le=500)] = Field(
        default=50, description="Items of one run that are kept at the most, newest first; 1 to 500."
    )
    date_format: DateFormat | None = Field(
        default=None,
        description="How the page writes dates, as for strptime: settles 03/04/2026.",
    )
    selectors: HtmlSelectors | None = Field(
        default=None, description="CSS selectors of the page; without them its structure is recognised."
    )
    notes: str | None = Field(default=None, description="What ./vectora client show says about the source.")

    @property
    def sample_key(self) -> str | None:
        """Key of the sample in the configuration content; None for a source on the internet."""
        return self.url.removeprefix(SAMPLES) if self.url.startswith(SAMPLES) else None


class Bouquet(Section):
    """A named set of sources that a client subscribes to as one."""

    bouquet_id: Identifier = Field(description="Name by which clients subscribe to it; unique.")
    description: Text = Field(description="What ./vectora client show says about the bouquet.")
    source_keys: Annotated[Distinct[str], Field(min_length=1)] = Field(description="source_key of its sources.")


class SourceCatalog(Section):
    """canonical/sources/source_catalog.yaml: where news can come from."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1)] = Field(description="Every place that publishes news.")
    bouquets: tuple[Bouquet, ...] = Field(description="Sets of sources that clients subscribe to.")

    @model_validator(mode="after")
    def _references_resolve(self) -> SourceCatalog:
        keys = [source.source_key for source in self.sources]
        require_unique(("sources",), keys, "source_key")
        require_unique(("bouquets",), [bouquet.bouquet_id for bouquet in self.bouquets], "bouquet_id")
        known = set(keys)
        unknown = [
            (("bouquets", index, "source_keys", position), _not_defined(key, keys, "a source of this file"))
            for index, bouquet in enumerate(self.bouquets)
            for position, key in enumerate(bouquet.source_keys)
            if key not in known
        ]
        if unknown:
            raise MisfitError(*unknown)
        return self


def _not_defined(name: str, known: Sequence[str], what: str) -> str:
    return f"names '{name}', which is not {what}: {did_you_mean(name, known)}otherwise add it"


class NameScope(Section):
    """A named list of names; `includes` adds the names of other scopes of the same file."""

    description: Text = Field(description="What ./vectora client show says about the scope.")
    includes: Distinct[Identifier] = Field(default=(), description="Scopes of this file whose names belong to it too.")
    names: tuple[Term, ...] = Field(default=(), description="Names as the newsletter spells them.")


class NameScopes(Section):
    """canonical/scopes/{companies,molecules,trademarks,indications}.yaml: names as the newsletter spells them."""

    scopes: Annotated[dict[Identifier, NameScope], Field(min_length=1)] = Field(
        description="Lists of names by the name that clients use."
    )
    aliases: dict[Term, Distinct[Term]] = Field(
        default_factory=dict, description="Other spellings of a name, which the newsletter shows as the name."
    )
    case_sensitive: Distinct[Term] = Field(
        default=(), description="Names and aliases that are also ordinary words: found only as written here."
    )

    @model_validator(mode="after")
    def _references_resolve(self) -> NameScopes:
        self._includes_resolve()
        names = [name for scope in self.scopes.values() for name in scope.names]
        spellings = [*names, *(alias for aliases in self.aliases.values() for alias in aliases)]
        wrong: list[tuple[Path, str]] = [
            (("aliases", name), _not_defined(name, names, "in a scope")) for name in self.aliases if name not in names
        ]
        wrong += [
            (("case_sensitive", index), _not_defined(name, spellings, "in a scope"))
            for index, name in enumerate(self.case_sensitive)
            if name not in spellings
        ]
        if wrong:
            raise MisfitError(*wrong)
        return self

    def _includes_resolve(self) -> None:
        for scope_id, scope in self.scopes.items():
            for index, included in enumerate(scope.includes):
                path: Path = ("scopes", scope_id, "includes", index)
                if included not in self.scopes:
                    raise MisfitError((path, _not_defined(included, list(self.scopes), "a scope of this file")))
                if scope_id in self._reached_from(included):
                    raise MisfitError((path, f"names '{included}', by which the scope includes itself: remove it"))
            require_distinct_names(("scopes", scope_id, "names"), scope.names)

    def _reached_from(self, scope_id: str) -> set[str]:
        reached: set[str] = set()
        pending = [scope_id]
        while pending:
            name = pending.pop()
            if name not in reached and name in self.scopes:
                reached.add(name)
                pending += self.scopes[name].includes
        return reached

    def names_of(self, scope_id: str) -> tuple[str, ...]:
        """All names of the scope and of those it includes, each once, in the order of the file."""
        scope = self.scopes[scope_id]
        parts = [*(self.names_of(included) for included in scope.includes), scope.names]
        return tuple(dict.fromkeys(name for part in parts for name in part))


def spelling_key(name: str) -> str:
    """Equal for spellings that matching does not tell apart: case, hyphens, blanks and trade mark signs."""
    return re.sub(r"[\s\-®™©]+", "", name).casefold()


def require_distinct_names(path: Path, names: Sequence[str]) -> None:
    """Raises MisfitError for the second of two names that matching does not tell apart."""
    first: dict[str, str] = {}
    for index, name in enumerate(names):
        known = first.setdefault(spelling_key(name), name)
        if index != names.index(known):
            raise MisfitError(
                ((*path, index), f"is '{name}' and the same name as '{known}' (matching ignores case, hyphens and ®)")
            )


class TechnologyScope(Section):
    """What the words of a technology look like in the news, from decisive to contrary."""

    description: Text = Field(description="What ./vectora client show says about the scope.")
    core_phrases: Annotated[tuple[Term, ...], Field(min_length=1)] = Field(description="Decisive by themselves.")
    brands: tuple[Term, ...] = Field(default=(), description="Names of delivery technologies: decisive.")
    programmes: tuple[Term, ...] = Field(default=(), description="Codes of products in development: decisive.")
    supporting_terms: tuple[Term, ...] = Field(
        default=(), description="Decisive only beside a company or molecule of the domain."
    )
    product_terms: tuple[Term, ...] = Field(
        default=(), description="In the title of a core company's news: it is about a product."
    )
    administration_terms: tuple[Term, ...] = Field(
        default=(), description="Words of injection: decisive only beside an interval."
    )
    interval_patterns: Distinct[Pattern] = Field(
        default=(), description="Regular expressions of long intervals, such as once-monthly."
    )
    weekly_patterns: Distinct[Pattern] = Field(default=(), description="Regular expressions of weekly intervals.")
    contrary_terms: tuple[Term, ...] = Field(default=(), description="Another route: the item is about something else.")
    other_modalities: tuple[Term, ...] = Field(default=(), description="Another kind of product, such as a vaccine.")
    false_friends: Distinct[Pattern] = Field(
        default=(), description="Regular expressions that contain a term and mean something else: they are passed over."
    )
    case_sensitive: Distinct[Term] = Field(default=(), description="Terms that are found only as written here.")

    @model_validator(mode="after")
    def _terms_are_distinct(self) -> TechnologyScope:
        groups = (
            "core_phrases",
            "brands",
            "programmes",
            "supporting_terms",
            "product_terms",
            "administration_terms",
            "contrary_terms",
            "other_modalities",
        )
        for group in groups:
            require_distinct_names((group,), getattr(self, group))
        terms = [term for group in groups for term in getattr(self, group)]
        wrong = [
            (("case_sensitive", index), _not_defined(term, terms, "a term of the scope"))
            for index, term in enumerate(self.case_sensitive)
            if term not in terms
        ]
        if wrong:
            raise MisfitError(*wrong)
        return self

    @property
    def is_empty(self) -> bool:
        return not (self.core_phrases or self.brands or self.programmes)


class TechnologyScopes(Section):
    """canonical/scopes/technologies.yaml: the words by which a subject is recognised."""

    scopes: Annotated[dict[Identifier, TechnologyScope], Field(min_length=1)] = Field(
        description="Technologies by the name that clients use."
    )


class ExclusionScope(Section):
    """A kind of news that nobody wants, known by patterns of its title or, where the title says little, its text."""

    description: Text = Field(description="What ./vectora client show says about the scope.")
    reason: Text = Field(description="What the report gives as the reason, in a few words.")
    title_patterns: Distinct[Pattern] = Field(default=(), description="Regular expressions looked for in the title.")
    text_patterns: Distinct[Pattern] = Field(
        default=(),
        description="Looked for in the first sentences, only when the title names neither a product nor an event.",
    )
    product_news_prevails: bool = Field(
        default=True, description="true: a title with a product and a regulatory, clinical or deal event stays in."
    )
    core_names_prevail: bool = Field(
        default=False, description="true: a title with a core company or a core brand stays in."
    )


class ExclusionScopes(Section):
    """canonical/scopes/exclusions.yaml: kinds of news that newsletters leave out."""

    scopes: Annotated[dict[Identifier, ExclusionScope], Field(min_length=1)] = Field(
        description="Kinds of news by the name that clients use."
    )


class EventDefinition(Section):
    """What counts as an event type: the description is for the model, the patterns are for the lexicon."""

    description: Annotated[str, Field(min_length=1)] = Field(description="What the model is told about the type.")
    leading: bool = Field(
        default=False, description="true: goes before the types that are not, wherever it stands in the title."
    )
    patterns: Distinct[Pattern] = Field(default=(), description="Regular expressions by which the lexicon knows it.")


class EventDefinitions(Section):
    """canonical/events/event_types.yaml; where several types fit, what the title says first wins."""

    events: dict[EventType, EventDefinition] = Field(description="Every event type with its definition.")

    @model_validator(mode="after")
    def _every_type_is_defined(self) -> EventDefinitions:
        _require_every_event_type("events", self.events)
        return self


def _require_every_event_type(key: str, defined: dict[EventType, Any]) -> None:
    if missing := [name for name in EVENT_TYPES if name not in defined]:
        raise MisfitError(((key,), f"lacks {', '.join(missing)}: every event type is needed"))


class DomainFactor(Section):
    """Share of the base score that an item gets by its relevance for the domain."""

    unmatched: Positive = Field(description="Factor of items that match no domain.")
    score_weight: Positive = Field(description="Weight of the relevance, from 0 to 1, in the factor.")
    confidence_weight: Positive = Field(description="Weight of the confidence in it, from 0 to 1, in the factor.")
    trademark_boost: Positive = Field(description="Added when the item names a brand.")
    maximum: Positive = Field(description="The factor is never higher.")


class RecencyStep(Section):
    """The factor of news up to an age."""

    max_age_days: Annotated[int, Field(ge=0, le=3650)] = Field(description="Up to this age of the news, in days.")
    factor: Positive = Field(description="Factor of the base score.")


class Recency(Section):
    """How the score sinks with age."""

    steps: Annotated[tuple[RecencyStep, ...], Field(min_length=1)] = Field(description="By rising age.")
    older: Positive = Field(description="Factor of items older than the last step, and of undated ones.")

    @model_validator(mode="after")
    def _ages_rise(self) -> Recency:
        for index in range(1, len(self.steps)):
            if self.steps[index].max_age_days <= self.steps[index - 1].max_age_days:
                raise MisfitError((("steps", index, "max_age_days"), "must be higher than in the step before"))
        return self


class ScopeBonus(Section):
    """Points for a name of a scope in the item, once."""

    scope: Identifier = Field(description="Scope of companies, molecules or trademarks.")
    bonus: Annotated[float, Field(ge=0, le=20)] = Field(description="Points from 0 to 20.")


class RelevanceBonus(Section):
    """Points for high relevance."""

    from_relevance: Annotated[float, Field(ge=0, le=10)] = Field(description="From this relevance on, 0 to 10.")
    bonus: Positive = Field(description="Points.")


class RelevancePenalty(Section):
    """Points taken off for low relevance."""

    to_relevance: Annotated[float, Field(ge=0, le=10)] = Field(description="Up to this relevance, 0 to 10.")
    penalty: Positive = Field(description="Points taken off.")


class Bonuses(Section):
    """Points that are added."""

    scopes: dict[Identifier, ScopeBonus] = Field(description="For a name of a scope; clients may change them.")
    events: dict[EventType, Positive] = Field(description="For the event type of the item.")
    high_relevance: RelevanceBonus = Field(description="For high relevance by the analysis.")


class Penalties(Section):
    """Points that are taken off."""

    anti_lai_route: Positive = Field(description="For news about another route of administration.")
    low_relevance: RelevancePenalty = Field(description="For low relevance by the analysis.")
    no_entities: Positive = Field(description="For items that name nothing of the scopes.")
    exclusion_term: Positive = Field(description="For items of an excluded kind.")


class ScoringModes(Section):
    """What the whole score is multiplied by in each mode that a run may ask for."""

    balanced: Positive = Field(description="The ordinary mode.")
    strict: Positive = Field(description="Fewer items.")
    broad: Positive = Field(description="More items.")


class ScoringRules(Section):
    """canonical/scoring/scoring.yaml: every number that a score is made of."""

    base_by_event: dict[EventType, Positive] = Field(description="Points that an event type starts with.")
    domain_factor: DomainFactor = Field(description="Share of the base score by relevance for the domain.")
    recency: Recency = Field(description="How the score sinks with age.")
    bonuses: Bonuses = Field(description="Points that are added.")
    penalties: Penalties = Field(description="Points that are taken off.")
    floor: Annotated[float, Field(ge=-1000, le=1000)] = Field(description="No score is lower.")
    cap: Annotated[float, Field(ge=-1000, le=1000)] = Field(description="No score is higher.")
    modes: ScoringModes = Field(description="Factors of the modes of a run.")

    @model_validator(mode="after")
    def _complete(self) -> ScoringRules:
        _require_every_event_type("base_by_event", self.base_by_event)
        if self.floor > self.cap:
            raise MisfitError((("floor",), f"is {self.floor:g}, above cap, which is {self.cap:g}: exchange them"))
        return self


class Evidence(Section):
    """canonical/scoring/evidence.yaml: how strongly a sign speaks for a watch domain, from 0 to 1."""

    decisive_in_title: Share = Field(description="A decisive word in the title.")
    decisive_in_lead: Share = Field(description="A decisive word in the first sentences.")
    decisive_in_body: Share = Field(description="A decisive word later, the title names a substance or brand.")
    decisive_in_passing: Share = Field(description="A decisive word later, the title is about something else.")
    dosing_in_title: Share = Field(description="An injection with a long interval in the title.")
    dosing_in_lead: Share = Field(description="An injection with a long interval in the first sentences.")
    weekly_in_title: Share = Field(description="A weekly injection in the title.")
    weekly_in_lead: Share = Field(description="A weekly injection in the first sentences.")
    core_company_news: Share = Field(description="A core company's deal, approval, trial or supply.")
    core_company_product: Share = Field(description="A core company on a product, without such an event.")
    core_company_in_lead: Share = Field(description="A core company in the first sentences of such an event.")
    core_company_alone: Share = Field(description="A core company without product news.")
    extended_brand_injected: Share = Field(description="A brand of the domain that is injected.")
    extended_brand_alone: Share = Field(description="A brand of the domain by itself.")
    supporting_in_title: Share = Field(description="A supporting term beside a name in the title.")
    supporting_in_lead: Share = Field(description="A supporting term beside a name in the first sentences.")
    injected_molecule: Share = Field(description="A substance of the domain as an injection or at long intervals.")
    other_modality: Share = Field(description="At most, for an injection that is another kind of product.")
    other_route_at_most: Share = Field(description="At most, for another route of administration.")
    analysis_admits_from: Share = Field(description="So sure must the analysis be where the words say little.")
    analysis_refuses_to: Share = Field(description="Up to here the analysis keeps an item out.")
    agreement_confidence: Share = Field(description="Confidence where words and analysis agree.")
    least_confidence: Share = Field(description="Confidence is never lower.")


class Prompt(Section):
    """canonical/prompts/{name}.yaml: how the model is asked to analyze one item."""

    system: Annotated[str, Field(min_length=1)] = Field(description="What the model is and how it judges.")
    user_template: Annotated[str, Field(min_length=1)] = Field(
        description="Text with {title}, {source}, {published} and {content}, filled in for each item."
    )
    tool_name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")] = Field(
        description="Name of the tool by which the model must answer."
    )
    tool_description: Annotated[str, Field(min_length=1)] = Field(description="What the model is told about the tool.")
    max_output_tokens: Annotated[int, Field(ge=200, le=8192)] = Field(description="Longest answer, 200 to 8192 tokens.")
    max_content_characters: Annotated[int, Field(ge=200, le=100_000)] = Field(
        description="So much of an item's text is sent, 200 to 100000 characters."
    )
    temperature: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="From 0, always the same answer, to 1; the model's own when omitted."
    )

    @model_validator(mode="after")
    def _placeholders_fit(self) -> Prompt:
        expected = {"{title}", "{source}", "{published}", "{content}"}
        found = set(re.findall(r"\{[a-z_]+\}", self.user_template))
        if found != expected:
            raise MisfitError((("user_template",), f"must have exactly the placeholders {', '.join(sorted(expected))}"))
        return self


class ModelPrice(Section):
    """List price of one model."""

    input_usd_per_million_tokens: Positive = Field(description="US dollars per million tokens sent.")
    output_usd_per_million_tokens: Positive = Field(description="US dollars per million tokens answered.")


class Pricing(Section):
    """canonical/models/pricing.yaml: what a model's tokens cost."""

    models: Annotated[dict[str, ModelPrice], Field(min_length=1)] = Field(description="Prices by model id.")
