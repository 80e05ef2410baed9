"""Replies of the model: the form that it must fill in, and the reading of a Converse response."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from vectora_core.analysis.usage import Usage
from vectora_core.text.words import one_line, shortened
from vectora_shared.config.values import EventType

HEADLINE_CHARACTERS = 90
WHY_CHARACTERS = 160

EntityNames = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=60)]


def _headline(value: Any) -> str:
    """Return a headline as one line; none if it is too long, because the title is better than a part of it."""
    line = one_line(value) if isinstance(value, str) else ""
    return line if len(line) <= HEADLINE_CHARACTERS else ""


def _reason(value: Any) -> str:
    """Return a reason as one line of limited length: no value makes a reply unusable."""
    return shortened(one_line(value), WHY_CHARACTERS) if isinstance(value, str) else ""


class ModelReply(BaseModel):
    """Answer of the model; its JSON schema is that of the tool."""

    # The schema is sent to the model: another description could change its answers.
    model_config = ConfigDict(
        extra="ignore",
        defer_build=True,
        json_schema_extra={"description": "What the model fills in; its JSON schema is the tool's."},
    )

    summary: Annotated[str, Field(min_length=1, max_length=2000, description="one or two sentences, facts only")]
    # Tokens of the answer are the most expensive ones: the model may omit what is empty or false.
    companies: EntityNames = Field(default_factory=list)
    molecules: EntityNames = Field(default_factory=list)
    technologies: EntityNames = Field(default_factory=list)
    trademarks: EntityNames = Field(default_factory=list)
    indications: EntityNames = Field(default_factory=list)
    event_type: EventType
    event_confidence: Annotated[float, Field(ge=0, le=1)]
    lai_relevance_score: Annotated[float, Field(ge=0, le=10)]
    anti_lai_detected: bool = False
    pure_player_context: bool = False
    headline: Annotated[str, BeforeValidator(_headline)] = Field(
        default="", description=f"at most {HEADLINE_CHARACTERS} characters"
    )
    why_it_matters: Annotated[str, BeforeValidator(_reason)] = Field(
        default="", description=f"one line, at most {WHY_CHARACTERS} characters"
    )


class UnusableReplyError(Exception):
    """An answer of the model that is not an analysis."""

    def __init__(self, reason: str, usage: Usage) -> None:
        super().__init__(reason)
        self.reason = reason
        self.usage = usage


def reply_in(response: Any, tool_name: str, usage: Usage) -> ModelReply:
    """Return the reply in a Converse response; raise UnusableReplyError when it has none that is valid."""
    content = response.get("output", {}).get("message", {}).get("content", [])
    calls = [block["toolUse"] for block in content if "toolUse" in block]
    call = next((call for call in calls if call.get("name") == tool_name), None)
    if call is None:
        raise UnusableReplyError(
            f"reply without a call of {tool_name} ({response.get('stopReason', 'no reason')})", usage
        )
    try:
        return ModelReply.model_validate(call.get("input"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise UnusableReplyError(f"malformed reply: {where}: {first['msg']}", usage) from error
