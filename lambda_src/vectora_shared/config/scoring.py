"""Models of the scoring rules."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from vectora_shared.config.values import EventType, Identifier, Positive, require_every_event_type
from vectora_shared.config.yaml_file import MisfitError, Section


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
        require_every_event_type("base_by_event", self.base_by_event)
        if self.floor > self.cap:
            raise MisfitError((("floor",), f"is {self.floor:g}, above cap, which is {self.cap:g}: exchange them"))
        return self
