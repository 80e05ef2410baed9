"""Analysis by a model on Amazon Bedrock: one Converse call per item, with a forced tool for the answer."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import Entities, EventClassification, IngestedItem, NormalizationMetadata, NormalizedContent
from vectora_core.text.words import fold, item_text, occurs, one_line, visible_text
from vectora_shared.aws import with_complete_responses
from vectora_shared.aws_errors import error_code, error_message, http_status, is_transient_model_error
from vectora_shared.config.canonical import Prompt
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.values import EventType
from vectora_shared.errors import AnalyzerError

if TYPE_CHECKING:
    from vectora_core.text.words import NameFinder

Fallback = Literal["lexicon", "none"]
RetryMode = Literal["adaptive", "standard"]
CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60

EntityNames = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=60)]


class ConverseClient(Protocol):
    """The only operation of the Bedrock runtime that the engine uses."""

    @property
    def converse(self) -> Callable[..., Any]: ...


class ModelReply(BaseModel):
    """Answer of the model; its JSON schema is that of the tool."""

    # The schema is sent to the model: another description could change its answers.
    model_config = ConfigDict(
        extra="ignore",
        defer_build=True,
        json_schema_extra={"description": "What the model fills in; its JSON schema is the tool's."},
    )

    summary: Annotated[str, Field(min_length=1, max_length=2000, description="one or two sentences, facts only")]
    companies: EntityNames
    molecules: EntityNames
    technologies: EntityNames
    trademarks: EntityNames
    indications: EntityNames
    event_type: EventType
    event_confidence: Annotated[float, Field(ge=0, le=1)]
    lai_relevance_score: Annotated[float, Field(ge=0, le=10)]
    anti_lai_detected: bool
    pure_player_context: bool


@dataclass(frozen=True)
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0


class UnusableReplyError(Exception):
    """An answer of the model that is not an analysis."""

    def __init__(self, reason: str, usage: Usage) -> None:
        super().__init__(reason)
        self.reason = reason
        self.usage = usage


def bedrock_client(
    region: str, *, concurrency: int, max_attempts: int, retry_mode: RetryMode = "adaptive"
) -> ConverseClient:
    """Return a client that retries by itself when the service throttles it.

    Mode adaptive also limits its rate of requests to what the service allows; standard only waits between attempts.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": retry_mode, "total_max_attempts": max_attempts},
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        max_pool_connections=concurrency,
    )
    client: ConverseClient = boto3.client("bedrock-runtime", region_name=region, config=config)
    return with_complete_responses(client)


class BedrockAnalyzer:
    """Analyzer that calls a model; if the model fails, the lexicon analyzes the item, with the reason recorded."""

    def __init__(
        self, client: ConverseClient, model_id: str, configuration: Configuration, lexicon: Lexicon, fallback: Fallback
    ) -> None:
        self._client = client
        self._model_id = model_id
        self._lexicon = lexicon
        self._fallback = fallback
        self._prompt = configuration.prompts[configuration.client.pipeline.analysis_prompt]
        events = configuration.events.events.items()
        types = "\n".join(f"- {name}: {definition.description}" for name, definition in events)
        self._system = f"{self._prompt.system.strip()}\n\nEvent types:\n{types}"
        self._tool_schema = ModelReply.model_json_schema()

    def analyze(self, item: IngestedItem) -> NormalizedContent:
        """Return the analysis; raise AnalyzerError when every item would fail, or this one fails without a fallback."""
        try:
            reply, usage = self._call_model(item)
        except UnusableReplyError as error:
            return self.fall_back(item, error.reason, error.usage)
        except ClientError as error:
            return self.fall_back(item, self._transient_reason(error), Usage())
        except HTTPClientError as error:
            return self.fall_back(item, f"model not reached: {type(error).__name__}", Usage())
        except BotoCoreError as error:
            raise AnalyzerError(f"Model {self._model_id} cannot be called: {error}") from error
        return self._analysis(item, reply, usage)

    def fall_back(self, item: IngestedItem, reason: str, usage: Usage | None = None) -> NormalizedContent:
        """Return the lexicon's analysis, with the reason why it is not the model's."""
        if self._fallback == "none":
            raise AnalyzerError(
                f"Item {item.item_id} was not analyzed ({reason}) and ANALYZER_FALLBACK is 'none': "
                "run again later or set it to 'lexicon'."
            )
        analysis = self._lexicon.analyze(item, fallback_reason=reason)
        spent = usage or Usage()
        metadata = analysis.normalization_metadata.model_copy(
            update={"input_tokens": spent.input_tokens, "output_tokens": spent.output_tokens}
        )
        return analysis.model_copy(update={"normalization_metadata": metadata})

    def _call_model(self, item: IngestedItem) -> tuple[ModelReply, Usage]:
        tool = {
            "name": self._prompt.tool_name,
            "description": self._prompt.tool_description,
            "inputSchema": {"json": self._tool_schema},
        }
        settings: dict[str, Any] = {"maxTokens": self._prompt.max_output_tokens}
        if self._prompt.temperature is not None:
            settings["temperature"] = self._prompt.temperature
        response = self._client.converse(
            modelId=self._model_id,
            system=[{"text": self._system}],
            messages=[{"role": "user", "content": [{"text": user_message(self._prompt, item)}]}],
            toolConfig={"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": self._prompt.tool_name}}},
            inferenceConfig=settings,
        )
        usage = _usage(response)
        return _reply(response, self._prompt.tool_name, usage), usage

    def _transient_reason(self, error: ClientError) -> str:
        code = error_code(error)
        if is_transient_model_error(error):
            return f"model unavailable: {code or http_status(error)}"
        raise AnalyzerError(
            f"Model {self._model_id} refused the call ({code}: {error_message(error)}): "
            "check BEDROCK_MODEL_ID, BEDROCK_REGION, the function's permission and the account's access to the model."
        ) from error

    def _analysis(self, item: IngestedItem, reply: ModelReply, usage: Usage) -> NormalizedContent:
        return NormalizedContent(
            summary=one_line(reply.summary),
            entities=self._entities(item, reply),
            event_classification=EventClassification(primary_type=reply.event_type, confidence=reply.event_confidence),
            lai_relevance_score=reply.lai_relevance_score,
            anti_lai_detected=reply.anti_lai_detected,
            pure_player_context=reply.pure_player_context,
            normalization_metadata=NormalizationMetadata(
                analyzer="bedrock",
                model_id=self._model_id,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
            ),
        )

    def _entities(self, item: IngestedItem, reply: ModelReply) -> Entities:
        """Return the names that occur in the text, in the scopes' spelling, and the company whose own news it is."""
        text = item_text(item.title, item.content).full_text
        domains = self._lexicon.domains
        own = self._lexicon.own_company(item.source_key)
        found = _names_in_text(reply.companies, text, [domain.companies for domain in domains])
        return Entities(
            companies=tuple(dict.fromkeys((*found, *own))),
            molecules=_names_in_text(reply.molecules, text, [domain.molecules for domain in domains]),
            technologies=_names_in_text(reply.technologies, text, [domain.technologies for domain in domains]),
            trademarks=_names_in_text(reply.trademarks, text, [domain.trademarks for domain in domains]),
            indications=_names_in_text(reply.indications, text, [domain.indications for domain in domains]),
        )


def user_message(prompt: Prompt, item: IngestedItem) -> str:
    """Return the prompt's message with the item; its angle brackets are escaped, so it cannot close the prompt's tags.

    Characters that a reader does not see, but a model does, are removed.
    """
    content = item.content[: prompt.max_content_characters]
    values = {
        "title": item.title,
        "source": item.source_key,
        "published": item.published_at.isoformat() if item.published_at else "unknown",
        "content": content,
    }
    escaped = {name: html.escape(visible_text(value), quote=False) for name, value in values.items()}
    return re.sub(r"\{([a-z]+)\}", lambda match: escaped[match[1]], prompt.user_template)


def _usage(response: Any) -> Usage:
    usage = response.get("usage", {})
    return Usage(input_tokens=int(usage.get("inputTokens", 0)), output_tokens=int(usage.get("outputTokens", 0)))


def _reply(response: Any, tool_name: str, usage: Usage) -> ModelReply:
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


def _names_in_text(names: Iterable[str], folded: str, scopes: list[NameFinder]) -> tuple[str, ...]:
    found = [name for name in names if occurs(fold(name), folded)]
    return tuple(dict.fromkeys(_canonical_spelling(name, scopes) for name in found))


def _canonical_spelling(name: str, scopes: list[NameFinder]) -> str:
    return next((known for scope in scopes if (known := scope.canonical(name))), one_line(name))
