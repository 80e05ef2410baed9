"""Canonical content: the domain knowledge (sources, scopes, events, scoring, prompts) that all clients share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from vectora_shared.config.values import Distinct, EventType, Pattern, Positive, Share, require_every_event_type
from vectora_shared.config.yaml_file import MisfitError, Section


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
        require_every_event_type("events", self.events)
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
