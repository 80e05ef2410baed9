"""The server of the stand-in for Bedrock: Converse, the control plane, and the address of its behaviour."""

from __future__ import annotations

import functools
import http.server
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from rehearsal import aws_names
from rehearsal.certificates import Authority
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.model.answers import Answer
from rehearsal.model.control_plane import control_plane_answer
from rehearsal.model.converse import converse
from rehearsal.model.permissions import PermissionCheck, Request
from rehearsal.model.profiles import InferenceProfile
from rehearsal.model.replies import Reply, error_reply, json_reply, not_connected, rejected
from rehearsal.model.state import Behaviour, State, Statistics
from rehearsal.proxy import Proxy, to_port
from rehearsal.secure_server import SecureServer

CONTROL_PATH = "/control"


class Model:
    """The model behind Bedrock's host names in `proxy`, as a context manager.

    `connect` it to the emulator whose IAM decides who may call.
    """

    def __init__(
        self, proxy: Proxy, authority: Authority, profiles: Sequence[InferenceProfile], answer: Answer
    ) -> None:
        self._proxy = proxy
        self._authority = authority
        self._state = State(answer=answer, profiles={profile.profile_id: profile for profile in profiles})

    def __enter__(self) -> Self:
        handler = functools.partial(_Handler, self._state)
        names = (*aws_names.service_names("bedrock-runtime"), *aws_names.service_names("bedrock"))
        self._server = SecureServer(self._authority.server_context("127.0.0.1", "localhost", *names), handler)
        self._proxy.route(names, to_port(self._server.server_port))
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
        """Address that shows and sets the behaviour."""
        return f"https://127.0.0.1:{self._server.server_port}{CONTROL_PATH}"

    def connect(self, emulator: Emulator) -> None:
        """Check the permissions of callers with the IAM of `emulator` from now on."""
        self._state.permissions = PermissionCheck(emulator)

    def behave(self, behaviour: Behaviour) -> None:
        """Set the behaviour, and restart counts and draws, as PUT {control} does."""
        self._state.behave(behaviour)

    @property
    def statistics(self) -> Statistics:
        """Counts since the behaviour was set, as GET {control} shows them."""
        return self._state.statistics


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    disable_nagle_algorithm = True

    def __init__(self, state: State, *args: Any) -> None:
        self._state = state
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log; the statistics count the calls."""

    def do_POST(self) -> None:
        arrived = time.monotonic()
        request = self._request(self._body())
        match = re.fullmatch(r"/model/([^/]+)/converse", urlsplit(self.path).path)
        if not match:
            self._send(rejected("The stand-in supports only POST /model/{modelId}/converse."))
            return
        with self._state.running_call():
            reply = converse(self._state, unquote(match[1]), request)
            self._state.count(reply.counted_as)
            left = self._state.behaviour.latency_seconds - (time.monotonic() - arrived)
            self._state.closing.wait(max(left, 0))
            reply.on_sending()
            self._send(reply)

    def do_GET(self) -> None:
        if self.path != CONTROL_PATH:
            self._send(self._control_plane())
            return
        state = self._state
        self._send(json_reply({"behaviour": state.behaviour.model_dump(), "statistics": asdict(state.statistics)}))

    def do_PUT(self) -> None:
        try:
            behaviour = Behaviour.model_validate_json(self._body())
        except ValidationError as error:
            self._send(rejected(f"PUT {CONTROL_PATH}: {error.errors()[0]['msg']}"))
            return
        self._state.behave(behaviour)
        self._send(json_reply(behaviour.model_dump()))

    def _control_plane(self) -> Reply:
        """Return what Bedrock's control plane answers to callers whom the emulator's IAM allows."""
        if self._state.permissions is None:
            return not_connected()
        request = self._request(b"")
        if refusal := self._state.permissions.control_plane_refusal(request):
            return refusal
        answer = control_plane_answer(urlsplit(self.path).path, self._state.profiles, request.region, ACCOUNT)
        if answer is None:
            return error_reply(404, "ResourceNotFoundException", f"There is nothing at {self.path}.", "rejected")
        return json_reply(answer)

    def _request(self, body: bytes) -> Request:
        return Request(self.command, self.path, dict(self.headers.items()), body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.error:
            self.send_header("x-amzn-ErrorType", reply.error)
        self.end_headers()
        self.wfile.write(reply.body)
