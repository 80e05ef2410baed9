"""Permission checks of destinations of asynchronous invocations."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import error_response_json  # type: ignore[import-not-found]
from ministack.services import lambda_svc  # type: ignore[import-not-found]

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import wrap

# Permissions of the execution role (Lambda Developer Guide, "Retaining records of asynchronous invocations").
ACTIONS = {
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
    "s3": "s3:PutObject",
}


def may_use(role_arn: str, destination: str) -> bool:
    """Check whether a function's role may send to a destination."""
    service = destination.split(":")[2] if destination.count(":") >= 5 else ""
    resource = f"{destination}/*" if service == "s3" else destination
    return permissions.role_allows(role_arn, ACTIONS.get(service, f"{service}:Unknown"), resource)


def _put(original: Any, name: str, qualifier: str | None, given: dict[str, Any]) -> Any:
    """Refuse a destination with AWS's message (serverless issue 10799, amplify-js issue 9869)."""
    function = lambda_svc._functions.get(name)
    role = str(function["config"].get("Role", "")) if function else ""
    for kind in ("OnFailure", "OnSuccess"):
        destination = ((given.get("DestinationConfig") or {}).get(kind) or {}).get("Destination")
        if role and destination and not may_use(role, destination):
            message = f"The destination ARN {destination} is invalid."
            return error_response_json("InvalidParameterValueException", message, 400)
    return original(name, qualifier, given)


def _route(original: Any, target: str, name: str, event: Any, result: Any) -> None:
    """Drop a record that the role may not send; AWS counts it in DestinationDeliveryFailures."""
    role = lambda_svc._functions.get(name, {}).get("config", {}).get("Role", "")
    if may_use(role, target):
        original(target, name, event, result)
    else:
        lambda_svc.logger.warning("Lambda %s may not send to its destination %s", name, target)


def register() -> None:
    """Check destinations when they are configured, by API or CloudFormation, and when they are used."""
    wrap(lambda_svc, "_put_event_invoke_config", _put)
    wrap(lambda_svc, "_route_async_failure", _route)
