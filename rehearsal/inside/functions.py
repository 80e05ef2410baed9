"""Checks of Lambda functions: role, code, and tags that the caller may not list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import error_response_json  # type: ignore[import-not-found]
from ministack.services import lambda_svc  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import wrap

TYPE, LAYER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion"
SERVICE = "lambda.amazonaws.com"
TAGS = "lambda:ListTags"
Settings = Mapping[str, Any]
# Action of a dead-letter queue, and its name in AWS's message.
DEAD_LETTERS = {"sns": ("sns:Publish", "Publish on SNS"), "sqs": ("sqs:SendMessage", "SendMessage on SQS")}


def problem(settings: Settings) -> str | None:
    """Return AWS's reason to refuse a function's settings, which have the same names in API and template."""
    role = str(settings.get("Role") or "")
    if not role or not permissions.enforced():
        return None
    if not permissions.role_trusts(role, SERVICE):
        return "The role defined for the function cannot be assumed by Lambda."
    if missing := _missing_permission(role, settings):
        return f"The provided execution role does not have permissions to call {missing}"
    return None


def _missing_permission(role: str, settings: Settings) -> str | None:
    """Return the name of a permission that Lambda itself needs and the role lacks (serverless issue 6931)."""
    tracing = (settings.get("TracingConfig") or {}).get("Mode")
    if tracing == "Active" and not permissions.role_allows(role, "xray:PutTraceSegments", "*"):
        return "PutTraceSegments on XRAY"
    target = str((settings.get("DeadLetterConfig") or {}).get("TargetArn") or "")
    action, name = DEAD_LETTERS.get(target.split(":")[2] if target else "", ("", ""))
    if action and not permissions.role_allows(role, action, target):
        return name
    return None


def _missing_code(code: Settings) -> str | None:
    """Return Lambda's message for code that is missing in its bucket."""
    bucket, key = code.get("S3Bucket"), code.get("S3Key")
    if not bucket or not key or lambda_svc._fetch_code_from_s3(bucket, key, version_id=code.get("S3ObjectVersion")):
        return None
    return (
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
    )


def _create(original: Any, given: dict[str, Any]) -> Any:
    if reason := problem(given):
        return error_response_json("InvalidParameterValueException", reason, 400)
    return original(given)


def _configure(original: Any, name: str, given: dict[str, Any]) -> Any:
    function = lambda_svc._functions.get(name)
    if function and (reason := problem({**function["config"], **given})):
        return error_response_json("InvalidParameterValueException", reason, 400)
    return original(name, given)


def _show(original: Any, name: str, *rest: Any, **named: Any) -> Any:
    """Omit tags that the caller may not list, as AWS does (botocore's model of GetFunction: TagsError)."""
    status, headers, body = original(name, *rest, **named)
    arn = lambda_svc._func_arn(name)
    denial = permissions.caller_denial(TAGS, arn) if status == 200 else None
    if not denial:
        return status, headers, body
    document = json.loads(body)
    document.pop("Tags", None)
    message = permissions.denial_message(TAGS, arn, denial)
    document["TagsError"] = {"ErrorCode": "AccessDeniedException", "Message": message}
    return status, headers, json.dumps(document).encode("utf-8")


def _refuse_in_stack(properties: Settings, code: str) -> None:
    reason = problem(properties) or _missing_code(properties.get(code) or {})
    if reason:
        raise ValueError(f'Resource handler returned message: "{reason} (Service: Lambda, Status Code: 400)"')


def _check_in_stacks() -> None:
    handlers = provisioners._RESOURCE_HANDLERS
    create, update, create_layer = handlers[TYPE]["create"], handlers[TYPE]["update"], handlers[LAYER]["create"]

    def checked_create(logical_id: str, properties: Settings, stack: str) -> Any:
        _refuse_in_stack(properties, "Code")
        return create(logical_id, properties, stack)

    def checked_update(physical_id: str, old: Settings, new: Settings, *rest: Any, **named: Any) -> Any:
        _refuse_in_stack(new, "Code")
        return update(physical_id, old, new, *rest, **named)

    def checked_layer(logical_id: str, properties: Settings, stack: str) -> Any:
        _refuse_in_stack(properties, "Content")
        return create_layer(logical_id, properties, stack)

    handlers[TYPE] |= {"create": checked_create, "update": checked_update}
    handlers[LAYER] |= {"create": checked_layer}


def register() -> None:
    """Check functions that are created by API and by CloudFormation."""
    wrap(lambda_svc, "_create_function", _create)
    wrap(lambda_svc, "_update_config", _configure)
    wrap(lambda_svc, "_get_function", _show)
    _check_in_stacks()
