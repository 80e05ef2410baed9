"""Models of the canonical scopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from vectora_shared.config.conditions import NameCondition, condition_problems
from vectora_shared.config.section import MisfitError, Section
from vectora_shared.config.values import Distinct, Identifier, Pattern, Term, Text, not_defined, spelling_key
from vectora_shared.config.wording import Path


class NameScope(Section):
    """A named list of names; `includes` adds the names of other scopes of the same file."""

    description: Text = Field(description="Description that ./vectora client show prints.")
    includes: Distinct[Identifier] = Field(
        default=(), description="Other scopes of this file whose names belong to this scope too."
    )
    names: tuple[Term, ...] = Field(default=(), description="Names as the newsletter spells them.")


class NameScopes(Section):
    """canonical/scopes/{companies,molecules,trademarks,indications}.yaml: names as the newsletter spells them."""

    scopes: Annotated[dict[Identifier, NameScope], Field(min_length=1)] = Field(
        description="Lists of names; client files refer to them by their key."
    )
    aliases: dict[Term, Distinct[Term]] = Field(
        default_factory=dict, description="Other spellings of a name, which the newsletter shows as the name."
    )
    short_acting: Distinct[Term] = Field(
        default=(),
        description="Names of substances that are mostly given daily or in single doses: as an injection, without an "
        "interval or a delivery technology, they are no sign.",
    )
    case_sensitive: Distinct[Term] = Field(
        default=(),
        description="Names and aliases that are also ordinary words; matched only in this spelling and case.",
    )
    contexts: dict[Identifier, Distinct[Term]] = Field(
        default_factory=dict, description="Words that show what an item is about, for the conditions below."
    )
    conditions: dict[Term, NameCondition] = Field(
        default_factory=dict,
        description="Spellings with several meanings: phrases that they are not, and what they need beside them.",
    )

    @model_validator(mode="after")
    def _references_resolve(self) -> NameScopes:
        self._includes_resolve()
        names = [name for scope in self.scopes.values() for name in scope.names]
        spellings = [*names, *(alias for aliases in self.aliases.values() for alias in aliases)]
        wrong: list[tuple[Path, str]] = [
            (("aliases", name), not_defined(name, names, "in a scope")) for name in self.aliases if name not in names
        ]
        wrong += [
            (("case_sensitive", index), not_defined(name, spellings, "in a scope"))
            for index, name in enumerate(self.case_sensitive)
            if name not in spellings
        ]
        wrong += [
            (("short_acting", index), not_defined(name, names, "in a scope"))
            for index, name in enumerate(self.short_acting)
            if name not in names
        ]
        wrong += condition_problems(spellings, self.contexts, self.conditions)
        if wrong:
            raise MisfitError(*wrong)
        return self

    def _includes_resolve(self) -> None:
        for scope_id, scope in self.scopes.items():
            for index, included in enumerate(scope.includes):
                path: Path = ("scopes", scope_id, "includes", index)
                if included not in self.scopes:
                    raise MisfitError((path, not_defined(included, list(self.scopes), "a scope of this file")))
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
        """Return all names of the scope and of those it includes, each once, in the order of the file."""
        scope = self.scopes[scope_id]
        parts = [*(self.names_of(included) for included in scope.includes), scope.names]
        return tuple(dict.fromkeys(name for part in parts for name in part))


def require_distinct_names(path: Path, names: Sequence[str]) -> None:
    """Raise MisfitError when two names are the same for matching; it names the second one."""
    first: dict[str, str] = {}
    for index, name in enumerate(names):
        known = first.setdefault(spelling_key(name), name)
        if index != names.index(known):
            raise MisfitError(
                ((*path, index), f"is '{name}' and the same name as '{known}' (matching ignores case, hyphens and ®)")
            )


class TechnologyScope(Section):
    """Terms of a technology in the news: some prove that an item is about it, some that it is not."""

    description: Text = Field(description="Description that ./vectora client show prints.")
    core_phrases: Annotated[tuple[Term, ...], Field(min_length=1)] = Field(
        description="Phrases that are decisive by themselves."
    )
    brands: tuple[Term, ...] = Field(default=(), description="Names of delivery technologies; decisive.")
    programmes: tuple[Term, ...] = Field(default=(), description="Codes of products in development; decisive.")
    supporting_terms: tuple[Term, ...] = Field(
        default=(), description="Terms that are decisive only together with a company or molecule of the domain."
    )
    product_terms: tuple[Term, ...] = Field(
        default=(), description="Terms that show, in a title of a core company's news, that it is about a product."
    )
    administration_terms: tuple[Term, ...] = Field(
        default=(), description="Words for an injection; decisive only together with an interval."
    )
    interval_patterns: Distinct[Pattern] = Field(
        default=(), description="Regular expressions of long intervals, such as once-monthly."
    )
    weekly_patterns: Distinct[Pattern] = Field(default=(), description="Regular expressions of weekly intervals.")
    daily_patterns: Distinct[Pattern] = Field(
        default=(), description="Regular expressions of daily intervals; a daily injection is not long-acting."
    )
    contrary_terms: tuple[Term, ...] = Field(
        default=(), description="Words for another route of administration: the item is about something else."
    )
    other_modalities: tuple[Term, ...] = Field(
        default=(), description="Words for another kind of product, such as a vaccine."
    )
    false_friends: Distinct[Pattern] = Field(
        default=(), description="Regular expressions of phrases that contain a term and mean something else; ignored."
    )
    case_sensitive: Distinct[Term] = Field(
        default=(), description="Terms that are matched only in this spelling and case."
    )
    contexts: dict[Identifier, Distinct[Term]] = Field(
        default_factory=dict, description="Words that show what an item is about, for the conditions below."
    )
    conditions: dict[Term, NameCondition] = Field(
        default_factory=dict,
        description="Spellings with several meanings: phrases that they are not, and what they need beside them.",
    )

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
        wrong: list[tuple[Path, str]] = [
            (("case_sensitive", index), not_defined(term, terms, "a term of the scope"))
            for index, term in enumerate(self.case_sensitive)
            if term not in terms
        ]
        wrong += condition_problems(terms, self.contexts, self.conditions)
        if wrong:
            raise MisfitError(*wrong)
        return self

    @property
    def is_empty(self) -> bool:
        return not (self.core_phrases or self.brands or self.programmes)


class TechnologyScopes(Section):
    """canonical/scopes/technologies.yaml: the terms that identify a technology."""

    scopes: Annotated[dict[Identifier, TechnologyScope], Field(min_length=1)] = Field(
        description="Technologies; client files refer to them by their key."
    )


class ExclusionScope(Section):
    """A kind of unwanted news, identified by patterns of its title or, if the title says little, its text."""

    description: Text = Field(description="Description that ./vectora client show prints.")
    reason: Text = Field(description="Reason for the exclusion in reports, in a few words.")
    title_patterns: Distinct[Pattern] = Field(
        default=(),
        description="Regular expressions searched for in the title. A product or core company with a regulatory, "
        "clinical, safety or deal event in the title prevents the exclusion.",
    )
    sure_title_patterns: Distinct[Pattern] = Field(
        default=(),
        description="Regular expressions of titles that are excluded regardless of what else they name.",
    )
    text_patterns: Distinct[Pattern] = Field(
        default=(),
        description=(
            "Regular expressions searched for in the first sentences, if the title has neither a product nor an event."
        ),
    )
    core_names_prevail: bool = Field(
        default=False, description="true: a title with a core company or a core brand prevents the exclusion."
    )


class ExclusionScopes(Section):
    """canonical/scopes/exclusions.yaml: kinds of news that newsletters exclude."""

    scopes: Annotated[dict[Identifier, ExclusionScope], Field(min_length=1)] = Field(
        description="Kinds of news; client files refer to them by their key."
    )
