"""Signals for a watch domain in an item's words, and their strength."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial

from vectora_core.items import Entities
from vectora_core.text.names import NameFinder, NameRule, NameSearch, Surroundings, distinct_names
from vectora_core.text.patterns import AnyOf
from vectora_core.text.words import ItemText, sentences
from vectora_shared.config.canonical import Evidence
from vectora_shared.config.client import WatchDomain
from vectora_shared.config.conditions import Conditions, Contexts
from vectora_shared.config.configuration import Scopes
from vectora_shared.config.scopes import NameScopes
from vectora_shared.config.values import EventType

# News of these types counts for a core company without any other signal.
COMPANY_NEWS: frozenset[EventType] = frozenset(
    {
        "partnership",
        "regulatory",
        "clinical_update",
        "safety_signal",
        "manufacturing_supply",
        "corporate_move",
        "scientific_publication",
    }
)
PRODUCT_NEWS: frozenset[EventType] = frozenset({"partnership", "regulatory", "clinical_update", "safety_signal"})


@dataclass(frozen=True, slots=True)
class Timing:
    """Intervals in one part of an item's text; those that begin with `injected` share a sentence with an injection."""

    interval: bool = False  # a long one
    weekly: bool = False
    injected_at_interval: bool = False
    injected_weekly: bool = False
    injected_daily: bool = False


@dataclass(frozen=True, slots=True)
class TextSignals:
    """Signals in one part of an item's text."""

    has_false_friends: bool
    technologies: tuple[str, ...]
    core_trademarks: tuple[str, ...]
    trademarks: tuple[str, ...]
    companies: tuple[str, ...]
    core_companies: tuple[str, ...]
    molecules: tuple[str, ...]
    injected_molecules: tuple[str, ...]  # beside an injection, and not short-acting as a rule
    indications: tuple[str, ...]
    supporting: bool
    product: bool
    administration: bool
    timing: Timing
    contrary: bool
    contrary_first: bool  # before any term of administration
    modality: bool

    @property
    def decisive(self) -> bool:
        return bool(self.technologies or self.core_trademarks)

    @property
    def injected_at_intervals(self) -> bool:
        return self.timing.injected_at_interval or self.timing.injected_weekly

    @property
    def named(self) -> bool:
        return bool(self.companies or self.molecules or self.trademarks)


@dataclass(frozen=True, slots=True)
class Signals:
    """Signals for a domain in the parts of an item's text."""

    title: TextSignals
    lead: TextSignals
    body: TextSignals
    own_news: bool  # the source is a core company's

    @property
    def core_subject(self) -> bool:
        return self.own_news or bool(self.title.core_companies)

    @property
    def product_of_the_company(self) -> bool:
        """True if the title of a core company's news names a product, or another company of the domain."""
        title = self.title
        with_another = bool(set(title.companies) - set(title.core_companies))
        return with_another or bool(
            title.molecules or title.indications or title.supporting or title.administration or title.product
        )

    @property
    def product_in_title(self) -> bool:
        return self.title.decisive or bool(
            self.title.molecules and (self.core_subject or self.title.administration or self.title.supporting)
        )

    @property
    def injected_daily(self) -> bool:
        """True if the item is about a daily injection, by its title or else its first sentences."""
        title, lead = self.title, self.lead
        if title.timing.interval or title.timing.weekly or title.supporting:
            return False
        if title.timing.injected_daily:
            return True
        return lead.timing.injected_daily and not (lead.decisive or lead.injected_at_intervals or self.core_subject)

    @property
    def other_route(self) -> bool:
        """True if the item is about another route or a daily injection, by its title or else its first sentences."""
        if self.title.decisive:
            return False
        if self.title.contrary:
            return self.title.contrary_first or not self.title.injected_at_intervals
        if self.injected_daily:
            return True
        lead_is_injectable = self.lead.decisive or self.lead.injected_at_intervals or self.lead.administration
        return self.lead.contrary and not lead_is_injectable and not self.title.injected_at_intervals


class DomainReader:
    """Reader of the signals for one watch domain."""

    def __init__(self, domain: WatchDomain, scopes: Scopes) -> None:
        technology = scopes.technologies.scopes[domain.technology_scope]
        self.domain = domain
        exact = technology.case_sensitive
        decisive = (*technology.core_phrases, *technology.brands, *technology.programmes)
        rules = rules_of(technology.contexts, technology.conditions)
        self.technologies = NameFinder(decisive, case_sensitive=exact, rules=rules, plural=True)
        words = partial(NameFinder, case_sensitive=exact, plural=True, surnames=False)
        self._supporting = words(technology.supporting_terms)
        self._product = words(technology.product_terms)
        self._administration = words(technology.administration_terms)
        self._contrary = words(technology.contrary_terms)
        self._modalities = words(technology.other_modalities)
        self._intervals = AnyOf(rf"\b{pattern}\b" for pattern in technology.interval_patterns)
        self._weekly = AnyOf(rf"\b{pattern}\b" for pattern in technology.weekly_patterns)
        self._daily = AnyOf(rf"\b{pattern}\b" for pattern in technology.daily_patterns)
        self._short_acting = frozenset(scopes.molecules.short_acting)
        self._false_friends = [re.compile(rf"\b(?:{p})", re.IGNORECASE) for p in technology.false_friends]
        self._any_false_friend = AnyOf(technology.false_friends, at=r"\b")
        self.companies = names_of(scopes.companies, domain.company_scope)
        self.molecules = names_of(scopes.molecules, domain.molecule_scope)
        self.trademarks = names_of(scopes.trademarks, domain.trademark_scope)
        self.indications = names_of(scopes.indications, domain.indication_scope)
        self._core_companies = names_of(scopes.companies, domain.core_company_scope)
        self._core_trademarks = names_of(scopes.trademarks, domain.core_trademark_scope)
        self._search = NameSearch(
            [
                self.technologies,
                self._supporting,
                self._product,
                self._administration,
                self._contrary,
                self._modalities,
                self.companies,
                self.molecules,
                self.trademarks,
                self.indications,
                self._core_companies,
                self._core_trademarks,
            ]
        )

    def read(self, text: ItemText, source_company: str | None) -> Signals:
        """Return the signals in an item's text; `source_company` is the company whose own news it is."""
        title, lead, body = map(self._without_false_friends, (text.title, text.lead, text.body))
        around = Surroundings(title, lead)
        own = source_company is not None and self._core_companies.canonical(source_company) is not None
        return Signals(
            title=self._signals_in(title, around, has_false_friends=title != text.title),
            lead=self._signals_in(lead, around, has_false_friends=lead != text.lead),
            # How often something is given counts in the title and the first sentences only.
            body=self._signals_in(body, around, has_false_friends=body != text.body, timed=False),
            own_news=own,
        )

    def entities_in(self, text: ItemText, signals: Signals) -> Entities:
        """Return the names in the text, each once; false friends of a technology name no technology."""
        parts = (signals.title, signals.lead, signals.body)
        technologies = dict.fromkeys(name for part in parts for name in part.technologies)
        if any(part.has_false_friends for part in parts):
            found = self._search.find(text.full_text, Surroundings(text.title, text.lead))
            return Entities(
                companies=distinct_names(found[self.companies]),
                molecules=distinct_names(found[self.molecules]),
                technologies=tuple(technologies),
                trademarks=distinct_names(found[self.trademarks]),
                indications=distinct_names(found[self.indications]),
            )
        return Entities(
            companies=tuple(dict.fromkeys(name for part in parts for name in part.companies)),
            molecules=tuple(dict.fromkeys(name for part in parts for name in part.molecules)),
            technologies=tuple(technologies),
            trademarks=tuple(dict.fromkeys(name for part in parts for name in part.trademarks)),
            indications=tuple(dict.fromkeys(name for part in parts for name in part.indications)),
        )

    def _without_false_friends(self, text: str) -> str:
        if not self._any_false_friend.matches(text):
            return text
        for pattern in self._false_friends:
            text = pattern.sub(" ~ ", text)
        return text

    def _signals_in(
        self, clean: str, around: Surroundings, *, has_false_friends: bool, timed: bool = True
    ) -> TextSignals:
        found = self._search.find(clean, around)
        administration = found[self._administration]
        contrary = found[self._contrary]
        timing = self._timing(clean, injected=bool(administration)) if timed else Timing()
        molecules = distinct_names(found[self.molecules])
        depots = tuple(name for name in molecules if name not in self._short_acting)
        return TextSignals(
            has_false_friends=has_false_friends,
            technologies=distinct_names(found[self.technologies]),
            core_trademarks=distinct_names(found[self._core_trademarks]),
            trademarks=distinct_names(found[self.trademarks]),
            companies=distinct_names(found[self.companies]),
            core_companies=distinct_names(found[self._core_companies]),
            molecules=molecules,
            injected_molecules=depots if administration else (),
            indications=distinct_names(found[self.indications]),
            supporting=bool(found[self._supporting]),
            product=bool(found[self._product]),
            administration=bool(administration),
            timing=timing,
            contrary=bool(contrary),
            contrary_first=bool(contrary) and not (administration and administration[0].start < contrary[0].start),
            modality=bool(found[self._modalities]),
        )

    def _timing(self, text: str, *, injected: bool) -> Timing:
        interval, weekly = self._intervals.matches(text), self._weekly.matches(text)
        daily = injected and self._daily.matches(text)
        if not injected or not (interval or weekly or daily):
            return Timing(interval=interval, weekly=weekly)
        injections = self._sentences_with_an_injection(text)
        return Timing(
            interval=interval,
            weekly=weekly,
            injected_at_interval=interval and any(map(self._intervals.matches, injections)),
            injected_weekly=weekly and any(map(self._weekly.matches, injections)),
            injected_daily=daily and any(map(self._daily.matches, injections)),
        )

    def _sentences_with_an_injection(self, text: str) -> list[str]:
        return [sentence for sentence in sentences(text) if self._administration.find(sentence)]


def names_of(scopes: NameScopes, scope_id: str | None) -> NameFinder:
    """Return a finder of the scope's names; without a scope, it finds none."""
    rules = rules_of(scopes.contexts, scopes.conditions)
    return NameFinder(scopes.names_of(scope_id) if scope_id else (), scopes.aliases, scopes.case_sensitive, rules)


def rules_of(contexts: Contexts, conditions: Conditions) -> dict[str, NameRule]:
    """Return the rules for ambiguous spellings, with the words of the contexts that they need."""
    return {
        spelling: NameRule(
            is_not=condition.is_not,
            unless=condition.unless,
            needs=tuple(word for context in condition.needs for word in contexts[context]),
        )
        for spelling, condition in conditions.items()
    }


@dataclass(frozen=True)
class Assessment:
    """Strength of the signals for a domain, from 0 to 1, and the reason for it."""

    strength: float
    reason: str


@dataclass(frozen=True)
class Weigher:
    """Weigher of signals by the numbers of canonical/scoring/evidence.yaml; the strongest one counts."""

    numbers: Evidence
    signals: Signals
    event: EventType

    @cached_property
    def assessment(self) -> Assessment:
        strongest = max(self._assessments(), key=lambda each: each.strength, default=Assessment(0.0, "no sign"))
        if self.signals.other_route and strongest.strength > self.numbers.other_route_at_most:
            return Assessment(
                self.numbers.other_route_at_most, f"another route or a daily injection, despite {strongest.reason}"
            )
        return strongest

    def _assessments(self) -> list[Assessment]:
        return [
            assessment
            for assessment in (self._words(), self._dosing(), self._core_company(), self._brand(), self._combination())
            if assessment is not None
        ]

    def _words(self) -> Assessment | None:
        title, lead, body = self.signals.title, self.signals.lead, self.signals.body
        if title.decisive:
            return Assessment(self.numbers.decisive_in_title, f"title names {_listed(title)}")
        if lead.decisive:
            return Assessment(self.numbers.decisive_in_lead, f"first sentences name {_listed(lead)}")
        if not body.decisive:
            return None
        if (title.molecules or title.trademarks) and not title.modality:
            return Assessment(self.numbers.decisive_in_body, f"text names {_listed(body)}")
        return Assessment(self.numbers.decisive_in_passing, f"text names {_listed(body)} in passing")

    def _dosing(self) -> Assessment | None:
        title, lead, numbers = self.signals.title, self.signals.lead, self.numbers
        if title.timing.injected_at_interval:
            strength, reason = numbers.dosing_in_title, "title names an injection given at long intervals"
        elif lead.timing.injected_at_interval:
            strength, reason = numbers.dosing_in_lead, "first sentences name an injection given at long intervals"
        elif title.timing.injected_weekly:
            strength, reason = numbers.weekly_in_title, "title names a weekly injection"
        elif lead.timing.injected_weekly and title.timing.weekly and title.named:
            strength, reason = numbers.extended_brand_injected, "title names a weekly product, which is injected"
        elif lead.timing.injected_weekly:
            strength, reason = numbers.weekly_in_lead, "first sentences name a weekly injection"
        else:
            return None
        other_product = title.modality or lead.modality
        return Assessment(min(strength, numbers.other_modality) if other_product else strength, reason)

    def _core_company(self) -> Assessment | None:
        signals = self.signals
        if signals.core_subject:
            name = signals.title.core_companies[0] if signals.title.core_companies else "the source's company"
            if self.event in COMPANY_NEWS:
                return Assessment(self.numbers.core_company_news, f"{self.event} news of {name}")
            if signals.product_of_the_company:
                return Assessment(self.numbers.core_company_product, f"{name} on a product")
            return Assessment(self.numbers.core_company_alone, f"{name} without product news")
        if signals.lead.core_companies and self.event in PRODUCT_NEWS:
            return Assessment(
                self.numbers.core_company_in_lead, f"{self.event} news with {signals.lead.core_companies[0]}"
            )
        return None

    def _brand(self) -> Assessment | None:
        signals = self.signals
        if not signals.title.trademarks or self.event not in PRODUCT_NEWS or signals.title.contrary:
            return None
        name = signals.title.trademarks[0]
        strength = self.numbers.other_route_at_most if signals.lead.contrary else self.numbers.extended_brand_alone
        return Assessment(strength, f"{self.event} news of the brand {name}")

    def _combination(self) -> Assessment | None:
        title, lead = self.signals.title, self.signals.lead
        if title.modality:
            return None
        if title.supporting and title.named:
            return Assessment(
                self.numbers.supporting_in_title, "title names a delivery technology with a company or substance"
            )
        if title.molecules and title.timing.interval:
            return Assessment(self.numbers.injected_molecule, f"title names {title.molecules[0]} at long intervals")
        if title.injected_molecules:
            return Assessment(
                self.numbers.injected_molecule, f"title names {title.injected_molecules[0]} as an injection"
            )
        if lead.supporting and (title.named or lead.molecules) and self.event in PRODUCT_NEWS:
            return Assessment(self.numbers.supporting_in_lead, "first sentences name a delivery technology")
        return None


def _listed(found: TextSignals) -> str:
    return ", ".join(dict.fromkeys((*found.core_trademarks, *found.technologies)))
