"""Analysis by a model on Amazon Bedrock: one Converse call per item, with a forced tool for the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from vectora_core.analysis.grounding import ItemWords
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.analysis.model_request import Request, RequestBuilder, digest_of, with_cache_point
from vectora_core.analysis.reply import ModelReply, UnusableReplyError, reply_in
from vectora_core.analysis.reply_store import ReplyStore
from vectora_core.analysis.usage import NO_TOKENS, Usage, usage_of
from vectora_core.items import Entities, EventClassification, IngestedItem, NormalizationMetadata, NormalizedContent
from vectora_core.text.names import occurs
from vectora_core.text.words import fold, item_text, one_line
from vectora_shared.aws import with_complete_responses
from vectora_shared.aws_errors import error_code, error_message, http_status, is_transient_model_error
from vectora_shared.config.configuration import Configuration
from vectora_shared.errors import AnalyzerError

if TYPE_CHECKING:
    from vectora_core.text.names import NameFinder

Fallback = Literal["lexicon", "none"]
RetryMode = Literal["adaptive", "standard"]
CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60


class ConverseClient(Protocol):
    """The only operation of the Bedrock runtime that the engine uses."""

    @property
    def converse(self) -> Callable[..., Any]: ...


@dataclass(frozen=True)
class Answer:
    """A valid reply, and the tokens that it cost this run: none if it was stored."""

    reply: ModelReply
    usage: Usage = NO_TOKENS
    reused: bool = False


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
        self,
        client: ConverseClient,
        model_id: str,
        configuration: Configuration,
        lexicon: Lexicon,
        fallback: Fallback,
        store: ReplyStore | None = None,
    ) -> None:
        self._client = client
        self._model_id = model_id
        self._lexicon = lexicon
        self._fallback = fallback
        self._store = store
        self._requests = RequestBuilder(model_id, configuration)
        price = configuration.pricing.models.get(model_id)
        self._caches_prefix = price is not None and price.prompt_cache is not None
        self._first_call = threading.Lock()
        self._prefix_is_cached = threading.Event()

    def analyze(self, item: IngestedItem) -> NormalizedContent:
        """Return the analysis; raise AnalyzerError when every item would fail, or this one fails without a fallback."""
        try:
            answer = self._answer(item)
        except UnusableReplyError as error:
            return self.fall_back(item, error.reason, error.usage)
        except ClientError as error:
            return self.fall_back(item, self._transient_reason(error))
        except HTTPClientError as error:
            return self.fall_back(item, f"model not reached: {type(error).__name__}")
        except BotoCoreError as error:
            raise AnalyzerError(f"Model {self._model_id} cannot be called: {error}") from error
        return self._analysis(item, answer)

    def fall_back(self, item: IngestedItem, reason: str, usage: Usage = NO_TOKENS) -> NormalizedContent:
        """Return the lexicon's analysis, with the reason why it is not the model's."""
        if self._fallback == "none":
            raise AnalyzerError(
                f"Item {item.item_id} was not analyzed ({reason}) and ANALYZER_FALLBACK is 'none': "
                "run again later or set it to 'lexicon'."
            )
        analysis = self._lexicon.analyze(item, fallback_reason=reason)
        metadata = analysis.normalization_metadata.model_copy(update=vars(usage))
        return analysis.model_copy(update={"normalization_metadata": metadata})

    def _answer(self, item: IngestedItem) -> Answer:
        request = self._requests.request(item)
        digest = digest_of(request) if self._store else ""
        if self._store and (stored := self._store.find(digest)):
            return Answer(stored, reused=True)
        response = self._response(request)
        usage = usage_of(response)
        reply = reply_in(response, self._requests.tool_name, usage)
        if self._store:
            self._store.save(digest, reply, usage)
        return Answer(reply, usage)

    def _response(self, request: Request) -> Any:
        """Call the model; of concurrent calls, the first one ends before the others begin.

        A cached prefix can be read once the first response has begun; calls before that would each pay for writing it
        (Anthropic, "Prompt caching", concurrent requests).
        """
        if not self._caches_prefix:
            return self._client.converse(**request)
        request = with_cache_point(request)
        if not self._prefix_is_cached.is_set():
            with self._first_call:
                if not self._prefix_is_cached.is_set():
                    try:
                        return self._client.converse(**request)
                    finally:
                        # Also after a failure: one call at a time would only make a bad day slower.
                        self._prefix_is_cached.set()
        return self._client.converse(**request)

    def _transient_reason(self, error: ClientError) -> str:
        code = error_code(error)
        if is_transient_model_error(error):
            return f"model unavailable: {code or http_status(error)}"
        raise AnalyzerError(
            f"Model {self._model_id} refused the call ({code}: {error_message(error)}): "
            "check BEDROCK_MODEL_ID, BEDROCK_REGION, the function's permission, the account's access to the model, and "
            "whether canonical/models/pricing.yaml gives it a prompt_cache that it does not have."
        ) from error

    def _analysis(self, item: IngestedItem, answer: Answer) -> NormalizedContent:
        reply = answer.reply
        words = ItemWords(f"{item.title}. {item.content}")
        return NormalizedContent(
            summary=one_line(reply.summary),
            # An invented name or number is worse there than none: readers may read nothing else of the item.
            headline=reply.headline if words.support(reply.headline) else "",
            why_it_matters=reply.why_it_matters if words.support(reply.why_it_matters) else "",
            entities=self._entities(item, reply),
            event_classification=EventClassification(primary_type=reply.event_type, confidence=reply.event_confidence),
            lai_relevance_score=reply.lai_relevance_score,
            anti_lai_detected=reply.anti_lai_detected,
            pure_player_context=reply.pure_player_context,
            normalization_metadata=NormalizationMetadata(
                analyzer="bedrock", model_id=self._model_id, reused=answer.reused, **vars(answer.usage)
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


def _names_in_text(names: Iterable[str], folded: str, scopes: list[NameFinder]) -> tuple[str, ...]:
    found = [name for name in names if occurs(fold(name), folded)]
    return tuple(dict.fromkeys(_canonical_spelling(name, folded, scopes) for name in found))


def _canonical_spelling(name: str, folded: str, scopes: list[NameFinder]) -> str:
    return next((known for scope in scopes if (known := scope.canonical_in(name, folded))), one_line(name))
