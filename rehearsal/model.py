"""The model: answers Bedrock's Converse with the lexicon's analysis, to callers that AWS would let through."""

from __future__ import annotations

import functools
import html
import http.client
import http.server
import json
import math
import random
import re
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import unquote, urlsplit

from botocore.config import Config
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rehearsal import aws_names
from rehearsal.certificates import Authority
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.model_access import described
from rehearsal.proxy import Proxy, to_port
from rehearsal.secure_server import SecureServer
from vectora_core.analysis.bedrock import ModelReply
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import IngestedItem
from vectora_shared.config.canonical import Prompt
from vectora_shared.config.configuration import Configuration

CONTROL_PATH = "/control"
CHARACTERS_PER_TOKEN = 4
ACTION = "bedrock:InvokeModel"


class Answer(Protocol):
    """Fills in the forced tool's input for one Converse request."""

    def __call__(self, request: Mapping[str, Any], /) -> dict[str, Any]: ...


class LexiconAnswer:
    """The lexicon's analysis of the item that the prompt holds, in the form the model would give it."""

    def __init__(self, configurations: Sequence[Configuration]) -> None:
        self._readers = [
            (_inverse(configuration.prompts[configuration.client.pipeline.analysis_prompt]), Lexicon(configuration))
            for configuration in configurations
        ]

    def __call__(self, request: Mapping[str, Any], /) -> dict[str, Any]:
        """Raises ValueError when the message was not made from a client's prompt."""
        message = "".join(block.get("text", "") for block in request["messages"][-1]["content"])
        for prompt, lexicon in self._readers:
            if found := prompt.fullmatch(message):
                values = {name: html.unescape(text) for name, text in found.groupdict().items()}
                return _as_reply(lexicon, values["source"], values["title"], values["content"])
        raise ValueError("the message does not fit the user_template of any client's prompt")


def _inverse(prompt: Prompt) -> re.Pattern[str]:
    """Reads back what `vectora_core.analysis.bedrock.user_message` put into the prompt's template."""
    parts = re.split(r"\{([a-z]+)\}", prompt.user_template)
    pattern = "".join(f"(?P<{part}>.*?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(pattern, re.DOTALL)


def _as_reply(lexicon: Lexicon, source: str, title: str, content: str) -> dict[str, Any]:
    item = IngestedItem(
        item_id="rehearsal",
        source_key=source,
        source_type="",
        title=title,
        content=content,
        url="",
        published_at=None,
        ingested_at=datetime.now(UTC),
    )
    analysis = lexicon.analyze(item)
    reply = ModelReply(
        summary=analysis.summary or title,
        companies=list(analysis.entities.companies),
        molecules=list(analysis.entities.molecules),
        technologies=list(analysis.entities.technologies),
        trademarks=list(analysis.entities.trademarks),
        indications=list(analysis.entities.indications),
        event_type=analysis.event_classification.primary_type,
        event_confidence=analysis.event_classification.confidence,
        lai_relevance_score=analysis.lai_relevance_score,
        anti_lai_detected=analysis.anti_lai_detected,
        pure_player_context=analysis.pure_player_context,
    )
    return reply.model_dump(mode="json")


@dataclass(frozen=True)
class InferenceProfile:
    """A cross-region profile: callable from the regions it routes to."""

    profile_id: str
    foundation_model_id: str
    regions: tuple[str, ...]

    @property
    def foundation_models(self) -> tuple[str, ...]:
        """ARNs of the model in each region."""
        return tuple(f"arn:aws:bedrock:{each}::foundation-model/{self.foundation_model_id}" for each in self.regions)

    def resources(self, region: str, account: str) -> list[str]:
        """Everything that AWS wants the caller to be allowed to invoke."""
        if self.profile_id == self.foundation_model_id:
            return list(self.foundation_models)
        return [f"arn:aws:bedrock:{region}:{account}:inference-profile/{self.profile_id}", *self.foundation_models]

    @classmethod
    def of_model(cls, model_id: str, region: str) -> InferenceProfile:
        """A foundation model called by its own name: there is nothing to route."""
        return cls(model_id, model_id, (region,))


class _Judge:
    """Asks the emulator's IAM what a role may invoke."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._iam = emulator.session().client("iam", config=Config(max_pool_connections=50))

    def missing(self, role: str, account: str, resources: Sequence[str]) -> str | None:
        """The first of `resources` that the role may not invoke."""
        source = f"arn:aws:iam::{account}:role/{role}"
        return next((resource for resource in resources if not self._may_invoke(source, resource)), None)

    def _may_invoke(self, source: str, resource: str) -> bool:
        # One resource a question: the emulator looks at the first only.
        answer = self._iam.simulate_principal_policy(
            PolicySourceArn=source, ActionNames=[ACTION], ResourceArns=[resource]
        )
        return all(result["EvalDecision"] == "allowed" for result in answer["EvaluationResults"])


class Behaviour(BaseModel):
    """How the model misbehaves; counts are of calls that pass the permission check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    throttle_every: int = Field(default=0, ge=0)  # every nth call is throttled; 0: none
    throttle_share: float = Field(default=0.0, ge=0, le=1)  # this share of calls, drawn with `seed`
    seed: int = 0
    malformed_every: int = Field(default=0, ge=0)
    unavailable_every: int = Field(default=0, ge=0)
    latency_seconds: float = Field(default=0.0, ge=0, le=120)


@dataclass(frozen=True)
class Statistics:
    """What was asked of the model so far."""

    calls: int = 0
    answered: int = 0
    denied: int = 0
    rejected: int = 0  # not a request that the service accepts
    throttled: int = 0
    malformed: int = 0
    unavailable: int = 0
    highest_concurrency: int = 0


@dataclass(frozen=True)
class _Reply:
    """An HTTP answer."""

    status: int
    body: bytes
    error: str | None = None
    counted_as: str = "answered"


@dataclass
class _State:
    """What the server's threads share."""

    answer: Answer
    profiles: Mapping[str, InferenceProfile]
    judge: _Judge | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)
    statistics: Statistics = field(default_factory=Statistics)
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)
    passed: int = 0
    running: int = 0
    draw: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311


class Model:
    """Context manager: the model behind Bedrock's host names in `proxy`; `connect` it to the emulator that decides."""

    def __init__(
        self, proxy: Proxy, authority: Authority, profiles: Sequence[InferenceProfile], answer: Answer
    ) -> None:
        self._proxy = proxy
        self._authority = authority
        self._state = _State(answer=answer, profiles={profile.profile_id: profile for profile in profiles})

    def __enter__(self) -> Self:
        handler = functools.partial(_Handler, self._state)
        names = (*aws_names.service_names("bedrock-runtime"), *aws_names.service_names("bedrock"))
        self._server = SecureServer(self._authority.server_context("127.0.0.1", "localhost", *names), handler)
        self._proxy.lead(names, to_port(self._server.server_port))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="model")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._state.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def control(self) -> str:
        """The address that shows and sets its behaviour."""
        return f"https://127.0.0.1:{self._server.server_port}{CONTROL_PATH}"

    def connect(self, emulator: Emulator) -> None:
        """From now on `emulator` decides who may call."""
        self._state.judge = _Judge(emulator)

    def behave(self, behaviour: Behaviour) -> None:
        """From now on behave so; counting and drawing start anew. The same as PUT {control}."""
        _set_behaviour(self._state, behaviour)

    @property
    def statistics(self) -> Statistics:
        """The same as GET {control}."""
        return self._state.statistics


def _set_behaviour(state: _State, behaviour: Behaviour) -> None:
    with state.lock:
        state.behaviour = behaviour
        state.statistics = Statistics()
        state.passed = 0
        state.draw = random.Random(behaviour.seed)  # noqa: S311


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    disable_nagle_algorithm = True

    def __init__(self, state: _State, *args: Any) -> None:
        self._state = state
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:
        """The statistics say what matters."""

    def do_POST(self) -> None:
        arrived = time.monotonic()
        body = self._body()
        match = re.fullmatch(r"/model/([^/]+)/converse", urlsplit(self.path).path)
        if not match:
            self._send(_rejected("The stand-in knows only POST /model/{modelId}/converse."))
            return
        with _Running(self._state):
            reply = _converse(self._state, unquote(match[1]), self.path, dict(self.headers.items()), body)
            _count(self._state, reply.counted_as)
            left = self._state.behaviour.latency_seconds - (time.monotonic() - arrived)
            self._state.closing.wait(max(left, 0))
            self._send(reply)

    def do_GET(self) -> None:
        if self.path != CONTROL_PATH:
            self._send(_access(self._state, self.path, dict(self.headers.items())))
            return
        shown = {"behaviour": self._state.behaviour.model_dump(), "statistics": asdict(self._state.statistics)}
        self._send(_Reply(200, json.dumps(shown).encode("utf-8")))

    def do_PUT(self) -> None:
        try:
            behaviour = Behaviour.model_validate_json(self._body())
        except ValidationError as error:
            self._send(_rejected(f"PUT {CONTROL_PATH}: {error.errors()[0]['msg']}"))
            return
        _set_behaviour(self._state, behaviour)
        self._send(_Reply(200, behaviour.model_dump_json().encode("utf-8")))

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, reply: _Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.error:
            self.send_header("x-amzn-ErrorType", reply.error)
        self.end_headers()
        self.wfile.write(reply.body)


class _Running:
    """Counts how many calls run at once."""

    def __init__(self, state: _State) -> None:
        self._state = state

    def __enter__(self) -> None:
        with self._state.lock:
            self._state.running += 1
            seen = self._state.statistics
            highest = max(seen.highest_concurrency, self._state.running)
            self._state.statistics = replace(seen, calls=seen.calls + 1, highest_concurrency=highest)

    def __exit__(self, *_: object) -> None:
        with self._state.lock:
            self._state.running -= 1


def _count(state: _State, what: str) -> None:
    with state.lock:
        state.statistics = replace(state.statistics, **{what: getattr(state.statistics, what) + 1})


def _error(status: int, error: str, message: str, counted_as: str) -> _Reply:
    return _Reply(status, json.dumps({"message": message}).encode("utf-8"), error, counted_as)


def _rejected(message: str) -> _Reply:
    return _error(400, "ValidationException", message, "rejected")


def _access(state: _State, path: str, headers: Mapping[str, str]) -> _Reply:
    """Answer the control plane's questions to whom the emulator lets through."""
    if state.judge is None:
        return _error(503, "ServiceUnavailableException", "The stand-in is not connected yet.", "unavailable")
    status, error, said = _ask_emulator(state.judge.emulator, "GET", path, headers, b"")
    if status == 403:
        return _Reply(status, said.encode("utf-8"), error, "denied")
    found = described(urlsplit(path).path, state.profiles, _region_of(headers), ACCOUNT)
    if found is None:
        return _error(404, "ResourceNotFoundException", f"There is nothing at {path}.", "rejected")
    return _Reply(200, json.dumps(found).encode("utf-8"))


def _converse(state: _State, model_id: str, path: str, headers: Mapping[str, str], body: bytes) -> _Reply:
    if refusal := _refusal(state, model_id, path, headers, body):
        return refusal
    profile = state.profiles.get(model_id)
    if profile is None or _region_of(headers) not in profile.regions:
        return _rejected("The provided model identifier is invalid.")
    request = json.loads(body)
    tool = request.get("toolConfig", {}).get("toolChoice", {}).get("tool", {}).get("name")
    if not tool:
        return _rejected("The stand-in answers only requests that force one tool.")
    return _misbehaviour(state, tool) or _answered(state, request, tool)


def _refusal(state: _State, model_id: str, path: str, headers: Mapping[str, str], body: bytes) -> _Reply | None:
    """What IAM says against the call, or None.

    The emulator verifies signature and session. It then looks for an action `bedrock:Converse`, which AWS does not
    have, on a foundation model even when a profile is called; every correct role is denied that. So its denial counts
    as the caller's verified name only, and what AWS would check is checked one by one.
    """
    judge = state.judge
    if judge is None:
        return _error(503, "ServiceUnavailableException", "The stand-in is not connected yet.", "unavailable")
    status, error, answer = _ask_emulator(judge.emulator, "POST", path, headers, body)
    caller = re.search(r"User: arn:aws:sts::(\d{12}):assumed-role/([^/ ]+)/[^ ]+", answer) if status == 403 else None
    if caller:
        region = _region_of(headers)
        profile = state.profiles.get(model_id) or InferenceProfile.of_model(model_id, region)
        missing = judge.missing(caller[2], caller[1], profile.resources(region, caller[1]))
        return _denied(caller[0], missing) if missing else None
    if status == 200 and "Credential=ASIA" in headers.get("Authorization", ""):
        return _denied("The role's grant is wider than bedrock:InvokeModel: this caller", model_id)
    return None if status == 200 else _Reply(status, answer.encode("utf-8"), error, "denied")


def _denied(caller: str, resource: str) -> _Reply:
    message = f"{caller} is not authorized to perform: {ACTION} on resource: {resource}"
    return _error(403, "AccessDeniedException", message, "denied")


def _ask_emulator(
    emulator: Emulator, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, str | None, str]:
    """The same bytes under the same Host, so that the caller's signature still fits."""
    address = urlsplit(emulator.endpoint)
    context = _client_context(str(emulator.ca_bundle))
    connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=30, context=context)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.getheader("x-amzn-errortype"), answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


@functools.cache
def _client_context(ca_bundle: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_bundle)


def _region_of(headers: Mapping[str, str]) -> str:
    scope = re.search(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/", headers.get("Authorization", ""))
    return scope[1] if scope else ""


def _misbehaviour(state: _State, tool: str) -> _Reply | None:
    with state.lock:
        state.passed += 1
        number, behaviour = state.passed, state.behaviour
        drawn = behaviour.throttle_share > 0 and state.draw.random() < behaviour.throttle_share
    if drawn or _is_turn(number, behaviour.throttle_every):
        return _error(429, "ThrottlingException", "Too many requests, please wait before trying again.", "throttled")
    if _is_turn(number, behaviour.unavailable_every):
        return _error(503, "ServiceUnavailableException", "Bedrock is unable to process your request.", "unavailable")
    if _is_turn(number, behaviour.malformed_every):
        return _malformed(number // behaviour.malformed_every, tool)
    return None


def _is_turn(number: int, every: int) -> bool:
    return every > 0 and number % every == 0


def _malformed(turn: int, tool: str) -> _Reply:
    shapes: list[list[dict[str, Any]]] = [
        [{"text": "I am sorry, I cannot analyze this item."}],
        [{"toolUse": {"toolUseId": "tooluse_none", "name": "another_tool", "input": {}}}],
        [{"toolUse": {"toolUseId": "tooluse_bad", "name": tool, "input": {"event_type": "gossip"}}}],
    ]
    return _message(shapes[turn % len(shapes)], "end_turn", 900, 20, "malformed")


def _answered(state: _State, request: Mapping[str, Any], tool: str) -> _Reply:
    try:
        filled = state.answer(request)
    except ValueError as error:
        return _rejected(f"The stand-in cannot answer: {error}.")
    asked = json.dumps([request.get("system"), request.get("messages"), request.get("toolConfig")])
    block = {"toolUse": {"toolUseId": f"tooluse_{state.passed:06d}", "name": tool, "input": filled}}
    return _message([block], "tool_use", _tokens(asked), _tokens(json.dumps(filled)), "answered")


def _tokens(text: str) -> int:
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def _message(
    content: list[dict[str, Any]], stop_reason: str, input_tokens: int, output_tokens: int, counted_as: str
) -> _Reply:
    document = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason,
        "usage": {
            "inputTokens": input_tokens,
            "outputTokens": output_tokens,
            "totalTokens": input_tokens + output_tokens,
        },
        "metrics": {"latencyMs": 1},
    }
    return _Reply(200, json.dumps(document).encode("utf-8"), counted_as=counted_as)
