"""Permission checks of calls to the model, made with the emulator's IAM but by AWS's rules."""

from __future__ import annotations

import functools
import http.client
import re
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config

from rehearsal.emulator import Emulator
from rehearsal.model.profiles import InferenceProfile
from rehearsal.model.replies import Reply, error_reply

ACTION = "bedrock:InvokeModel"
CALLER = re.compile(r"User: arn:aws:sts::(\d{12}):assumed-role/([^/ ]+)/[^ ]+")


@dataclass(frozen=True)
class Request:
    """An HTTP request to the model's server, with everything that its signature covers."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def region(self) -> str:
        """Region of the signature, empty without one."""
        scope = re.search(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/", self.headers.get("Authorization", ""))
        return scope[1] if scope else ""


class PermissionCheck:
    """Checks of callers with the emulator's IAM."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._iam: dict[str, Any] = {}
        self._lock = threading.Lock()

    def refusal(self, request: Request, model_id: str, profiles: Mapping[str, InferenceProfile]) -> Reply | None:
        """Return the reply with which IAM refuses a call of Converse, or None when it is allowed.

        The emulator verifies signature and session. It then checks an action `bedrock:Converse`, which AWS does not
        have, on a foundation model even when a profile is called; it denies that to every correct role. So its denial
        only proves the caller's name, and the resources that AWS would check are checked one by one.
        """
        status, error, answer = self._forward(request)
        caller = CALLER.search(answer) if status == 403 else None
        if caller:
            profile = profiles.get(model_id) or InferenceProfile.of_model(model_id, request.region)
            missing = self._missing(caller[2], caller[1], profile.resources(request.region, caller[1]))
            return _denied(caller[0], missing) if missing else None
        if status == 200 and "Credential=ASIA" in request.headers.get("Authorization", ""):
            return _denied("The role's grant is wider than bedrock:InvokeModel: this caller", model_id)
        return None if status == 200 else Reply(status, answer.encode("utf-8"), error, "denied")

    def control_plane_refusal(self, request: Request) -> Reply | None:
        """Return the reply with which IAM refuses a call of the control plane, or None when it is allowed."""
        status, error, answer = self._forward(request)
        return Reply(status, answer.encode("utf-8"), error, "denied") if status == 403 else None

    def _missing(self, role: str, account: str, resources: Sequence[str]) -> str | None:
        """Return the first of `resources` that the role may not invoke."""
        source = f"arn:aws:iam::{account}:role/{role}"
        iam = self._iam_of(account)
        return next((resource for resource in resources if not _may_invoke(iam, source, resource)), None)

    def _iam_of(self, account: str) -> Any:
        """Return the client of the account's IAM, because each account knows its own roles only."""
        with self._lock:
            if account not in self._iam:
                session = self._emulator.session(account)
                self._iam[account] = session.client("iam", config=Config(max_pool_connections=50))
            return self._iam[account]

    def _forward(self, request: Request) -> tuple[int, str | None, str]:
        """Send the request to the emulator under the same Host, so that the caller's signature remains valid."""
        address = urlsplit(self._emulator.endpoint)
        context = _client_context(str(self._emulator.ca_bundle))
        connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=30, context=context)
        try:
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.endheaders(request.body)
            answer = connection.getresponse()
            return answer.status, answer.getheader("x-amzn-errortype"), answer.read().decode("utf-8", "replace")
        finally:
            connection.close()


def _may_invoke(iam: Any, source: str, resource: str) -> bool:
    # One resource per call, because the emulator simulates the first one only.
    answer = iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=[ACTION], ResourceArns=[resource])
    return all(result["EvalDecision"] == "allowed" for result in answer["EvaluationResults"])


def _denied(caller: str, resource: str) -> Reply:
    message = f"{caller} is not authorized to perform: {ACTION} on resource: {resource}"
    return error_reply(403, "AccessDeniedException", message, "denied")


@functools.cache
def _client_context(ca_bundle: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_bundle)
