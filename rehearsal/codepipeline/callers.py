"""Verification of callers by the emulator, which checks the signature and IAM's permission."""

from __future__ import annotations

import functools
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from rehearsal.codepipeline.aws import Aws
from rehearsal.codepipeline.errors import ApiError

# Read by the service that rehearsal/inside/pipelines.py adds to the emulator.
RESOURCE_HEADER = "x-rehearsal-resource"


@dataclass(frozen=True)
class Request:
    """A request as it arrived, with lower-case names of headers."""

    path: str
    headers: Mapping[str, str]
    body: bytes


def verify(aws: Aws, request: Request, operation: str, resource: str) -> str:
    """Return the caller's ARN; raise ApiError when the signature is invalid or IAM denies the operation."""
    status, document = _forward(aws, request, resource)
    if status != 200:
        kind = str(document.get("__type", "AccessDeniedException")).rpartition("#")[2]
        raise ApiError(kind, str(document.get("message") or document.get("Message") or "The call was refused."), status)
    caller = str(document["caller"])
    if not document["allowed"]:
        raise ApiError(
            "AccessDeniedException",
            f"User: {caller} is not authorized to perform: codepipeline:{operation} on resource: {resource} because no "
            f"identity-based policy allows the codepipeline:{operation} action",
        )
    if (document["account"], document["region"]) != (aws.account, aws.region):
        message = f"The stand-in for CodePipeline serves account {aws.account} in {aws.region} only."
        raise ApiError("AccessDeniedException", message)
    return caller


def _forward(aws: Aws, request: Request, resource: str) -> tuple[int, Mapping[str, object]]:
    """Send the unchanged request to the emulator, so that its signature remains valid."""
    connection = _connection(aws)
    try:
        connection.putrequest("POST", request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.putheader(RESOURCE_HEADER, resource)
        connection.endheaders(request.body)
        answer = connection.getresponse()
        document: Mapping[str, object] = json.loads(answer.read())
        return answer.status, document
    finally:
        connection.close()


def _connection(aws: Aws) -> http.client.HTTPConnection:
    address = urlsplit(aws.emulator.endpoint)
    if address.scheme == "http":
        return http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    context = _client_context(str(aws.emulator.ca_bundle))
    return http.client.HTTPSConnection(str(address.hostname), address.port, timeout=30, context=context)


@functools.cache
def _client_context(ca_bundle: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_bundle)
