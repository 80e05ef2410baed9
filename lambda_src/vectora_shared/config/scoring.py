"""Models of the scoring rules."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from vectora_shared.config.section import MisfitError, Section
from vectora_shared.config.values import EventType, Identifier, Positive, require_every_event_type


class DomainFactor(Section):
    """Factor of the base score that grows with the item's relevance for the domain."""

    unmatched: Positive = Field(description="Factor of items that match no domain.")
    score_weight: Positive = Field(description="Weight in the factor of the relevance, which is from 0 to 1.")
    confidence_weight: Positive = Field(
        description="Weight in the factor of the confidence in the relevance, which is from 0 to 1."
    )
    trademark_boost: Positive = Field(description="Added to the factor when the item names a brand.")
    maximum: Positive = Field(description="Highest factor.")


class RecencyStep(Section):
    """Factor of news up to an age."""

    max_age_days: Annotated[int, Field(ge=0, le=3650)] = Field(description="Highest age of the news, in days.")
    factor: Positive = Field(description="Factor of the base score.")


class Recency(Section):
    """Factors that lower the score of older news."""

    steps: Annotated[tuple[RecencyStep, ...], Field(min_length=1)] = Field(description="Factors, ordered by age.")
    older: Positive = Field(description="Factor of items older than the last step, and of undated ones.")

    @model_validator(mode="after")
    def _ages_rise(self) -> Recency:
        for index in range(1, len(self.steps)):
            if self.steps[index].max_age_days <= self.steps[index - 1].max_age_days:
                raise MisfitError((("steps", index, "max_age_days"), "must be higher than in the step before"))
        return self


class ScopeBonus(Section):
    """Points for an item that has a name of a scope; several names count once."""

    scope: Identifier = Field(description="Scope of companies, molecules or trademarks.")
    bonus: Annotated[float, Field(ge=0, le=20)] = Field(description="Points, 0 to 20.")


class RelevanceBonus(Section):
    """Points for high relevance."""

    from_relevance: Annotated[float, Field(ge=0, le=10)] = Field(description="Lowest relevance, 0 to 10.")
    bonus: Positive = Field(description="Points.")


class RelevancePenalty(Section):
    """Points subtracted for low relevance."""

    to_relevance: Annotated[float, Field(ge=0, le=10)] = Field(description="Highest relevance, 0 to 10.")
    penalty: Positive = Field(description="Points that are subtracted.")


class Bonuses(Section):
    """Points that are added."""

    scopes: dict[Identifier, ScopeBonus] = Field(description="Points for a name of a scope; clients may replace them.")
    events: dict[EventType, Positive] = Field(description="Points for the event type of the item.")
    high_relevance: RelevanceBonus = Field(description="Points for high relevance according to the analysis.")


class Penalties(Section):
    """Points that are subtracted."""

    anti_lai_route: Positive = Field(description="Points for news about another route of administration.")
    low_relevance: RelevancePenalty = Field(description="Points for low relevance according to the analysis.")
    no_entities: Positive = Field(description="Points for items without any name of the scopes.")
    exclusion_term: Positive = Field(description="Points for items of an excluded kind.")


class ScoringModes(Section):
    """Factors of the whole score, by the scoring mode of the run's event."""

    balanced: Positive = Field(description="Factor of the default mode.")
    strict: Positive = Field(description="Factor of the mode with fewer items.")
    broad: Positive = Field(description="Factor of the mode with more items.")


class ScoringRules(Section):
    """canonical/scoring/scoring.yaml: all numbers of the score."""

    base_by_event: dict[EventType, Positive] = Field(description="Points that an event type starts with.")
    domain_factor: DomainFactor = Field(description="Factor of the base score by relevance for the domain.")
    recency: Recency = Field(description="Factors that lower the score of older news.")
    bonuses: Bonuses = Field(description="Points that are added.")
    penalties: Penalties = Field(description="Points that are subtracted.")
    floor: Annotated[float, Field(ge=-1000, le=1000)] = Field(description="Lowest score.")
    cap: Annotated[float, Field(ge=-1000, le=1000)] = Field(description="Highest score.")
    modes: ScoringModes = Field(description="Factors of the scoring modes.")

    @model_validator(mode="after")
    def _complete(self) -> ScoringRules:
        require_every_event_type("base_by_event", self.base_by_event)
        if self.floor > self.cap:
            raise MisfitError((("floor",), f"is {self.floor:g}, above cap, which is {self.cap:g}: exchange them"))
        return self
