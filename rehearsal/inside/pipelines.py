"""The resource type AWS::CodePipeline::Pipeline, and verification of callers for the stand-in."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ministack import app  # type: ignore[import-not-found]
from ministack.core import router  # type: ignore[import-not-found]
from ministack.core.iam_evaluator import caller_arn, enforce  # type: ignore[import-not-found]
from ministack.core.responses import get_account_id, get_region  # type: ignore[import-not-found]
from ministack.core.sigv4 import calculate_signature  # type: ignore[import-not-found]
from ministack.services import eventbridge  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners, stacks  # type: ignore[import-not-found]

TYPE = "AWS::CodePipeline::Pipeline"
TARGET = "CodePipeline_20150709"
SOURCE = "aws.codepipeline"
PIPELINES = "REHEARSAL_PIPELINES"
# The emulator's default secret of the root user.
SECRET = "test"  # noqa: S105
RESOURCE_HEADER = "x-rehearsal-resource"
# Properties of the resource that are not part of the pipeline's declaration.
NOT_DECLARED = ("Name", "Tags", "RestartExecutionOnUpdate", "DisableInboundStageTransitions", "ArtifactStores")
DECLARED = ("ArtifactStore", "ExecutionMode", "PipelineType", "RoleArn", "Stages", "Triggers", "Variables")

Properties = dict[str, Any]


def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
    """Create the pipeline; return its name and attributes."""
    name = str(properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=100))
    answer = _call("CreatePipeline", pipeline=_declaration(name, properties), tags=_tags(properties))
    _set_transitions(name, {}, properties)
    return name, _attributes(answer)


def update(name: str, old: Properties, new: Properties, stack: str) -> tuple[str, dict[str, str]]:
    """Update the pipeline; return its name and attributes."""
    _set_tags(name, old, new)
    _set_transitions(name, old, new)
    declaration = _declaration(name, new)
    if declaration == _declaration(name, old):
        return name, _attributes(_call("GetPipeline", name=name))
    answer = _call("UpdatePipeline", pipeline=declaration)
    if _is_true(new.get("RestartExecutionOnUpdate")):
        _call("StartPipelineExecution", name=name)
    return name, _attributes(answer)


def delete(name: str, properties: Properties) -> None:
    """Delete the pipeline."""
    _call("DeletePipeline", name=name)


def _attributes(answer: Mapping[str, Any]) -> dict[str, str]:
    return {"Version": str(answer["pipeline"]["version"])}


def _declaration(name: str, properties: Properties) -> dict[str, Any]:
    if unknown := sorted(set(properties) - {*NOT_DECLARED, *DECLARED}):
        raise ValueError(f"Encountered unsupported property {unknown[0]}")
    declaration = {"name": name} | {_camel(key): _in_camel(properties[key]) for key in DECLARED if key in properties}
    if "ArtifactStores" in properties:
        stores = properties["ArtifactStores"]
        declaration["artifactStores"] = {each["Region"]: _in_camel(each["ArtifactStore"]) for each in stores}
    return declaration


def _in_camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_camel(each) for each in value]
    if isinstance(value, dict):
        return {
            _camel(key): _texts(each) if key == "Configuration" else _number(key, _in_camel(each))
            for key, each in value.items()
        }
    return value


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]


def _number(key: str, value: Any) -> Any:
    return int(value) if key in ("RunOrder", "TimeoutInMinutes") else value


def _texts(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Return a configuration with text values, which CodePipeline requires; CloudFormation accepts any JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in configuration.items()}


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def _tags(properties: Properties) -> list[dict[str, str]]:
    return [{"key": str(tag["Key"]), "value": str(tag["Value"])} for tag in properties.get("Tags") or []]


def _set_tags(name: str, old: Properties, new: Properties) -> None:
    arn = f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{name}"
    if gone := sorted({tag["key"] for tag in _tags(old)} - {tag["key"] for tag in _tags(new)}):
        _call("UntagResource", resourceArn=arn, tagKeys=gone)
    if _tags(new) != _tags(old):
        _call("TagResource", resourceArn=arn, tags=_tags(new))


def _set_transitions(name: str, old: Properties, new: Properties) -> None:
    closed_before = {each["StageName"]: each["Reason"] for each in old.get("DisableInboundStageTransitions") or []}
    closed = {each["StageName"]: each["Reason"] for each in new.get("DisableInboundStageTransitions") or []}
    for stage in sorted(set(closed_before) - set(closed)):
        _call("EnableStageTransition", pipelineName=name, stageName=stage, transitionType="Inbound")
    for stage, reason in closed.items():
        if closed_before.get(stage) != reason:
            _call("DisableStageTransition", pipelineName=name, stageName=stage, transitionType="Inbound", reason=reason)


def _call(operation: str, **arguments: Any) -> dict[str, Any]:
    """Call the stand-in as the account's root user."""
    host = f"codepipeline.{get_region()}.amazonaws.com"
    proxy = urlsplit(os.environ["HTTPS_PROXY"])
    body = json.dumps({key: value for key, value in arguments.items() if value != []}).encode("utf-8")
    context = ssl.create_default_context()
    connection = http.client.HTTPSConnection(str(proxy.hostname), proxy.port, timeout=60, context=context)
    connection.set_tunnel(host, 443)
    try:
        connection.request("POST", "/", body, _signed(host, f"{TARGET}.{operation}", body))
        answer = connection.getresponse()
        document: dict[str, Any] = json.loads(answer.read() or b"{}")
    finally:
        connection.close()
    if answer.status != 200:
        raise ValueError(document.get("message", f"{operation} answered {answer.status}"))
    return document


def _signed(host: str, target: str, body: bytes) -> dict[str, str]:
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"content-type": "application/x-amz-json-1.1", "host": host, "x-amz-date": moment, "x-amz-target": target}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = "\n".join(["POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{moment[:8]}/{get_region()}/codepipeline/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode("utf-8")).hexdigest()])
    signature = calculate_signature(SECRET, moment[:8], get_region(), "codepipeline", to_sign)
    credential = f"AWS4-HMAC-SHA256 Credential={get_account_id()}/{scope}"
    headers["Authorization"] = f"{credential}, SignedHeaders={names}, Signature={signature}"
    return headers


async def _verify_caller(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> tuple[int, dict[str, str], bytes]:
    """Return the caller of a request to the stand-in, and whether IAM allows it; the signature is already verified."""
    action = "codepipeline:" + headers["x-amz-target"].rpartition(".")[2]
    resource = headers.get(RESOURCE_HEADER, "*")
    key = router.extract_access_key_id(headers, query)
    denied = enforce(key, action, "codepipeline", get_region(), resource_arn=resource) if app.AUTH else None
    answer = {"caller": caller_arn(), "account": get_account_id(), "region": get_region(), "allowed": denied is None}
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode("utf-8")


def _allow_events_of_the_stand_in() -> None:
    """Allow the account's root user to put events of CodePipeline, which AWS forbids to all customers."""
    original = eventbridge._put_events

    def put_events(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        is_pipeline = all(entry.get("Source") == SOURCE for entry in data.get("Entries", []))
        return original(data, allow_aws_source or (is_pipeline and caller_arn().endswith(":root")))

    eventbridge._put_events = put_events


def _run_on_worker_threads() -> None:
    """Create pipelines outside of the event loop: the stand-in calls the emulator while the emulator waits."""
    original = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda resource_type: resource_type == TYPE or original(resource_type)


def register() -> None:
    """Add the resource type to CloudFormation, and the service to the router."""
    provisioners._RESOURCE_HANDLERS[TYPE] = {"create": create, "update": update, "delete": delete}
    provisioners._REPLACING_PROPERTIES[TYPE] = ("Name",)
    provisioners._STACK_TAG_PROPERTY[TYPE] = ("Tags", "list")
    router.SERVICE_PATTERNS["codepipeline"] = {"target_prefixes": [TARGET], "credential_scope": "codepipeline"}
    app.SERVICE_HANDLERS["codepipeline"] = _verify_caller
    _allow_events_of_the_stand_in()
    _run_on_worker_threads()
