"""Operations of recorded requests, identified with botocore's service models."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel

from rehearsal.permissions.recorded import RecordedCall
from vectora_shared.errors import VectoraError

# botocore's names by the service name in signatures (`signingName`, otherwise `endpointPrefix`, of service-2.json).
SERVICES: Mapping[str, tuple[str, ...]] = {
    "account": ("account",),
    "bedrock": ("bedrock", "bedrock-runtime"),
    "cloudformation": ("cloudformation",),
    "codebuild": ("codebuild",),
    "codeconnections": ("codeconnections",),
    "codepipeline": ("codepipeline",),
    "codestar-connections": ("codestar-connections",),
    "ecr": ("ecr",),
    "events": ("events",),
    "iam": ("iam",),
    "kms": ("kms",),
    "lambda": ("lambda",),
    "logs": ("logs",),
    "monitoring": ("cloudwatch",),
    "s3": ("s3", "s3control"),
    "scheduler": ("scheduler",),
    "ses": ("sesv2",),
    "servicequotas": ("service-quotas",),
    "sns": ("sns",),
    "sqs": ("sqs",),
    "ssm": ("ssm",),
    "states": ("stepfunctions",),
    "sts": ("sts",),
    "tagging": ("resourcegroupstaggingapi",),
    "xray": ("xray",),
}
# Smithy's JavaScript clients name the operation in this query parameter; services ignore it.
OPERATION_HINT = "x-id"
# Signed for s3express and sent to s3express-control (endpoint rules of S3's model); this project has no such buckets.
ELSEWHERE = frozenset({("s3", "ListDirectoryBuckets")})
_S3_HOST = re.compile(r"(?:(?P<bucket>.+)\.)?s3[.-](?!control)(?:dualstack\.)?[a-z0-9.-]+$")
_RPC_PATH = re.compile(r"^/service/[^/]+/operation/(?P<operation>[^/]+)$")


class UnknownOperationError(VectoraError):
    """No operation of botocore's models matches the request."""


@dataclass(frozen=True)
class Operation:
    """Operation of a request; `parameters` are the recorded ones, by botocore's names."""

    service: str
    name: str
    parameters: Mapping[str, Any]
    request: RecordedCall

    def __str__(self) -> str:
        return f"{self.service}.{self.name}"


@dataclass(frozen=True)
class _Route:
    """Method, path and parameters of an operation of a REST protocol (Smithy's http trait)."""

    operation: OperationModel
    path: re.Pattern[str]
    literal: int
    fixed: Mapping[str, str]
    required_query: frozenset[str]
    query: frozenset[str]
    required_headers: frozenset[str]
    members: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def fits(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        return (
            self.path.fullmatch(path) is not None
            and all(query.get(name) == value for name, value in self.fixed.items())
            and self.required_query <= set(query)
            and self.required_headers <= set(headers)
            and set(query) <= self.query | set(self.fixed) | {OPERATION_HINT}
        )

    @property
    def rank(self) -> tuple[int, int, bool]:
        """Rank among matching routes: the most specific is highest; a deprecated name ranks lower."""
        markers = len(self.fixed) + len(self.required_query) + len(self.required_headers)
        return markers, self.literal, not self.operation.deprecated


def operation_of(call: RecordedCall) -> Operation:
    """Return the operation of a request; raise UnknownOperationError naming the request."""
    if call.service not in SERVICES:
        raise UnknownOperationError(
            f"{call.sample}: {call.service!r} is not a known service name of signatures; add it to SERVICES in "
            "rehearsal/permissions/operations.py."
        )
    found = [each for service in _services(call) for each in _operations(service, call)]
    if len(found) == 1:
        return found[0]
    reason = f"several operations match: {', '.join(map(str, found))}" if found else "no operation matches"
    raise UnknownOperationError(f"{call.sample}: {reason} (signed for {call.service}).")


def _services(call: RecordedCall) -> tuple[str, ...]:
    names = SERVICES[call.service]
    if len(names) == 1:
        return names
    labels = set(call.host.partition(":")[0].split("."))
    by_host = tuple(name for name in names if str(service_model(name).metadata["endpointPrefix"]) in labels)
    return by_host or names


@functools.cache
def service_model(name: str) -> ServiceModel:
    """Return botocore's model of a service."""
    return botocore.session.Session().get_service_model(name)


def _operations(service: str, call: RecordedCall) -> Iterator[Operation]:
    model = service_model(service)
    if target := call.headers.get("x-amz-target"):
        prefix, _, name = target.rpartition(".")
        if name in model.operation_names and prefix == model.metadata.get("targetPrefix"):
            yield Operation(service, name, _json(call.body), call)
    elif rpc := _RPC_PATH.match(call.path):
        if rpc["operation"] in model.operation_names:
            yield Operation(service, rpc["operation"], {}, call)
    elif model.metadata["protocol"].startswith("rest-"):
        yield from _rest_operations(service, call)
    else:
        parameters = _unflattened(call)
        if parameters.get("Action") in model.operation_names:
            yield Operation(service, str(parameters["Action"]), parameters, call)


def _rest_operations(service: str, call: RecordedCall) -> Iterator[Operation]:
    path = _path_style(call) if service == "s3" else call.path.rstrip("/") or "/"
    query = call.parameters
    fitting = [each for each in _routes(service) if each.fits(f"{call.method} {path}", query, call.headers)]
    best = max((route.rank for route in fitting), default=None)
    for route in fitting:
        if route.rank == best:
            yield Operation(service, route.operation.name, _rest_parameters(route, path, call), call)


def bucket_of_host(host: str) -> str | None:
    """Return the bucket of a virtual-hosted address, or None for a path-style one."""
    found = _S3_HOST.match(host.partition(":")[0])
    return found["bucket"] if found else None


def _path_style(call: RecordedCall) -> str:
    """Return the path as in the model, beginning with the bucket, also for a virtual-hosted address."""
    bucket = bucket_of_host(call.host)
    path = f"/{bucket}{call.path}" if bucket else call.path
    return path.rstrip("/") or "/" if path.count("/") <= 2 else path


def _rest_parameters(route: _Route, path: str, call: RecordedCall) -> dict[str, Any]:
    found = route.path.fullmatch(f"{call.method} {path}")
    parameters = _json(call.body) if route.operation.service_model.metadata["protocol"] == "rest-json" else {}
    labels = found.groupdict() if found else {}
    for name, member in route.members["uri"].items():
        if labels.get(_group(name)) is not None:
            parameters[member] = unquote(labels[_group(name)])
    for name, member in route.members["querystring"].items():
        if name in call.parameters:
            parameters[member] = call.parameters[name]
    for name, member in route.members["header"].items():
        if name in call.headers:
            parameters[member] = call.headers[name]
    return parameters


@functools.cache
def _routes(service: str) -> tuple[_Route, ...]:
    model = service_model(service)
    names = [name for name in model.operation_names if (service, name) not in ELSEWHERE]
    return tuple(_route(model.operation_model(name)) for name in names)


def _route(operation: OperationModel) -> _Route:
    path, _, fixed = str(operation.http["requestUri"]).partition("?")
    members: dict[str, dict[str, str]] = {"uri": {}, "querystring": {}, "header": {}}
    required: dict[str, set[str]] = {"uri": set(), "querystring": set(), "header": set()}
    shape = operation.input_shape
    for member, of_member in shape.members.items() if shape else ():
        location = of_member.serialization.get("location")
        name = str(of_member.serialization.get("name", member))
        if location in members:
            name = name.lower() if location == "header" else name
            members[location][name] = member
            if shape and member in shape.required_members:
                required[location].add(name)
    if operation.service_model.service_name != "s3":
        path = path.rstrip("/") or "/"
    return _Route(
        operation=operation,
        path=_pattern(str(operation.http["method"]), path),
        literal=len(re.sub(r"\{[^}]+\}", "", path)),
        fixed=dict(parse_qsl(fixed, keep_blank_values=True)),
        required_query=frozenset(required["querystring"]),
        query=frozenset(members["querystring"]),
        required_headers=frozenset(name for name in required["header"] if name.startswith("x-amz-")),
        members=members,
    )


def _pattern(method: str, path: str) -> re.Pattern[str]:
    parts = re.split(r"\{([^}]+)\}", path)
    text = "".join(
        (f"(?P<{_group(part)}>{'.+' if part.endswith('+') else '[^/]+'})" if index % 2 else re.escape(part))
        for index, part in enumerate(parts)
    )
    return re.compile(f"{method} {text}", re.DOTALL)


def _group(label: str) -> str:
    return "label_" + re.sub(r"\W", "_", label.rstrip("+"))


def _unflattened(call: RecordedCall) -> dict[str, Any]:
    """Return the parameters of a query protocol as a document with lists.

    `Tags.member.1.Key` becomes the Key of the first element of the list Tags.
    """
    pairs = parse_qsl(f"{call.query}&{call.body}", keep_blank_values=True)
    document: dict[str, Any] = {}
    for name, value in pairs:
        level = document
        *outer, last = name.split(".")
        for part in outer:
            inner = level.setdefault(part, {})
            level = inner if isinstance(inner, dict) else {}
        level[last] = value
    return {name: _with_lists(value) for name, value in document.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"} and isinstance(value["member"], dict):
        return [_with_lists(each) for each in value["member"].values()]
    return {name: _with_lists(each) for name, each in value.items()}


def _json(body: str) -> dict[str, Any]:
    """Return the members of a JSON object; of a truncated one, the complete members."""
    try:
        document: Any = json.loads(body) if body.strip() else {}
    except ValueError:
        return dict(_complete_members(body))
    return document if isinstance(document, dict) else {}


def _complete_members(body: str) -> Iterator[tuple[str, Any]]:
    decoder = json.JSONDecoder()
    position = body.find("{") + 1
    try:
        while position:
            name, position = decoder.raw_decode(body, _after_space(body, position))
            value, position = decoder.raw_decode(body, _after_space(body, body.index(":", position) + 1))
            yield name, value
            position = body.index(",", position) + 1
    except ValueError:
        return


def _after_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position
