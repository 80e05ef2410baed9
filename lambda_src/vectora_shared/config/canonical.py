"""Models of event types, evidence, prompts and prices, which all clients share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from vectora_shared.config.section import MisfitError, Section
from vectora_shared.config.values import (
    Distinct,
    EventType,
    Pattern,
    Positive,
    Share,
    require_every_event_type,
)


class EventDefinition(Section):
    """Definition of an event type: a description for the model, patterns for the lexicon."""

    description: Annotated[str, Field(min_length=1)] = Field(description="Description of the type, for the model.")
    leading: bool = Field(
        default=False,
        description="true: takes precedence over types without it, wherever they are in the title.",
    )
    patterns: Distinct[Pattern] = Field(
        default=(), description="Regular expressions that identify the type, for the lexicon."
    )


class EventDefinitions(Section):
    """canonical/events/event_types.yaml: event types; if several fit, the first in the title wins."""

    events: dict[EventType, EventDefinition] = Field(description="All event types with their definitions.")

    @model_validator(mode="after")
    def _every_type_is_defined(self) -> EventDefinitions:
        require_every_event_type("events", self.events)
        return self


class Evidence(Section):
    """canonical/scoring/evidence.yaml: strength of each sign for a watch domain, from 0 to 1."""

    decisive_in_title: Share = Field(description="A decisive word in the title.")
    decisive_in_lead: Share = Field(description="A decisive word in the first sentences.")
    decisive_in_body: Share = Field(description="A decisive word after them; the title names a substance or brand.")
    decisive_in_passing: Share = Field(description="A decisive word after them; the title is about something else.")
    dosing_in_title: Share = Field(description="An injection with a long interval in the title.")
    dosing_in_lead: Share = Field(description="An injection with a long interval in the first sentences.")
    weekly_in_title: Share = Field(description="A weekly injection in the title.")
    weekly_in_lead: Share = Field(description="A weekly injection in the first sentences.")
    core_company_news: Share = Field(description="A core company's deal, approval, trial or supply.")
    core_company_product: Share = Field(description="A core company on a product, without such an event.")
    core_company_in_lead: Share = Field(description="A core company in the first sentences of such an event.")
    core_company_alone: Share = Field(description="A core company without product news.")
    extended_brand_injected: Share = Field(description="A weekly brand or substance in the title, which is injected.")
    extended_brand_alone: Share = Field(description="A brand of the domain by itself.")
    supporting_in_title: Share = Field(description="A supporting term beside a name in the title.")
    supporting_in_lead: Share = Field(description="A supporting term beside a name in the first sentences.")
    injected_molecule: Share = Field(description="A substance of the domain as an injection or at long intervals.")
    other_modality: Share = Field(description="Maximum for an injection of another kind of product.")
    other_route_at_most: Share = Field(description="Maximum for another route of administration.")
    analysis_admits_from: Share = Field(
        description="Relevance from which the analysis can admit an item whose words say little."
    )
    analysis_refuses_to: Share = Field(
        description="Relevance up to which the analysis excludes an item, unless its words are decisive."
    )
    agreement_confidence: Share = Field(description="Confidence when words and analysis agree.")
    least_confidence: Share = Field(description="Lowest confidence.")


class Prompt(Section):
    """canonical/prompts/{name}.yaml: prompt for the analysis of one item by the model."""

    system: Annotated[str, Field(min_length=1)] = Field(description="System prompt: the model's role and its criteria.")
    user_template: Annotated[str, Field(min_length=1)] = Field(
        description="Message with {title}, {source}, {published} and {content}, filled in for each item."
    )
    tool_name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")] = Field(
        description="Name of the tool that the model must call with its analysis."
    )
    tool_description: Annotated[str, Field(min_length=1)] = Field(description="Description of the tool, for the model.")
    max_output_tokens: Annotated[int, Field(ge=200, le=8192)] = Field(
        description="Maximum length of the model's answer, 200 to 8192 tokens."
    )
    max_content_characters: Annotated[int, Field(ge=200, le=100_000)] = Field(
        description="Maximum length of an item's text in the message, 200 to 100000 characters."
    )
    temperature: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Temperature, from 0 (most repeatable) to 1; the model's default when omitted."
    )

    @model_validator(mode="after")
    def _placeholders_fit(self) -> Prompt:
        expected = {"{title}", "{source}", "{published}", "{content}"}
        found = set(re.findall(r"\{[a-z_]+\}", self.user_template))
        if found != expected:
            raise MisfitError((("user_template",), f"must have exactly the placeholders {', '.join(sorted(expected))}"))
        return self


class PromptCache(Section):
    """Prompt cache of one model: a fixed prefix of requests that is charged in full only once."""

    minimum_tokens: Annotated[int, Field(ge=1)] = Field(
        description="Shortest prefix that the model caches, in tokens; a shorter one is charged as input."
    )
    write_usd_per_million_tokens: Positive = Field(description="US dollars per million tokens written to the cache.")
    read_usd_per_million_tokens: Positive = Field(description="US dollars per million tokens read from the cache.")


class ModelPrice(Section):
    """List price of one model."""

    input_usd_per_million_tokens: Positive = Field(description="US dollars per million input tokens.")
    output_usd_per_million_tokens: Positive = Field(description="US dollars per million output tokens.")
    prompt_cache: PromptCache | None = Field(
        default=None,
        description="Only for models that have one: Bedrock refuses marked prefixes for all others.",
    )


class Pricing(Section):
    """canonical/models/pricing.yaml: prices of the models' tokens."""

    models: Annotated[dict[str, ModelPrice], Field(min_length=1)] = Field(description="Prices by model id.")
