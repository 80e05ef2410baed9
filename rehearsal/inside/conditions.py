"""Condition keys that ministack does not resolve, or resolves to another value than AWS."""

from __future__ import annotations

import json
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-not-found]
from ministack.services import iam, s3  # type: ignore[import-not-found]

from rehearsal.inside.wrapping import wrap

PRINCIPAL_ARN = "aws:principalarn"
ROLE_TAG = "iam:resourcetag/"
BOUNDARY = "iam:permissionsboundary"
# Operations whose request sets the boundary; for others it is that of the role (service authorization reference).
SETTING_A_BOUNDARY = ("iam:createrole", "iam:putrolepermissionsboundary")
RESOURCE_ACCOUNT = ("aws:resourceaccount", "s3:resourceaccount")
BUCKET_ARN = "arn:aws:s3:::"
REMAINING_DAYS = "s3:object-lock-remaining-retention-days"
RETAIN_UNTIL = "x-amz-object-lock-retain-until-date"
SECONDS_OF_A_DAY = 86_400
_requested_boundary: ContextVar[str | None] = ContextVar("boundary in the request", default=None)


def resolve(original: Any, key: str, context: Any) -> Any:
    """Return the value of a condition key."""
    name = key.lower()
    if name == PRINCIPAL_ARN:
        return _principal(str(original(key, context) or "")) or None
    if name.startswith(ROLE_TAG):
        return _role_tag(name, context.resource_arn)
    if name == BOUNDARY:
        return _boundary(context)
    if name in RESOURCE_ACCOUNT and context.resource_arn.startswith(BUCKET_ARN):
        bucket = context.resource_arn.removeprefix(BUCKET_ARN).partition("/")[0]
        return s3._bucket_owner_account(bucket) or context.principal_account
    return original(key, context)


def _principal(arn: str) -> str:
    """Return the ARN of a session's role; ministack returns that of the session (IAM user guide, global keys)."""
    if ":assumed-role/" not in arn:
        return arn
    account, _, session = arn.split(":", 4)[4].partition(":assumed-role/")
    name = session.partition("/")[0]
    role = iam._roles.get_scoped(account, None, name) or {}
    return str(role.get("Arn") or f"arn:aws:iam::{account}:role/{name}")


def _role_tag(key: str, arn: str) -> str | None:
    """Return the value of a role's tag; CDK allows builds to assume the bootstrap's roles by their tag."""
    account, _, name = arn.split(":", 4)[4].partition(":role/")
    role = iam._roles.get_scoped(account, None, name.rpartition("/")[2]) or {}
    tags = {tag["Key"].lower(): str(tag["Value"]) for tag in role.get("Tags") or []}
    return tags.get(key.removeprefix(ROLE_TAG))


def _boundary(context: Any) -> str | None:
    """Return the boundary that a request sets, or that its role has."""
    if BOUNDARY in context.service_context:
        return str(context.service_context[BOUNDARY])
    if context.action.lower() in SETTING_A_BOUNDARY:
        return _requested_boundary.get()
    account, _, name = context.resource_arn.split(":", 4)[4].partition(":role/")
    role = iam._roles.get_scoped(account, None, name.rpartition("/")[2]) or {}
    return role.get("PermissionsBoundary")


def _remember_boundary(
    original: Any, service: str, method: str, path: str, headers: Any, body: bytes, query: Any
) -> Any:
    """Keep the boundary in a request to IAM: the evaluator does not get the body."""
    form = parse_qs((body or b"").decode("utf-8", "replace")) if service == "iam" else {}
    _requested_boundary.set(next(iter(form.get("PermissionsBoundary", [])), None))
    return original(service, method, path, headers, body, query)


def of_request(action: str, query: dict[str, Any], headers: dict[str, str]) -> dict[str, str]:
    """Return the S3 condition keys of a write: its conditional headers and its remaining retention.

    Amazon S3 User Guide, "Enforce conditional writes" and "Managing Object Lock": a part of a multipart upload
    creates no object and has no conditional header.
    """
    keys = {}
    if action == "s3:PutObject":
        part = "partNumber" in query or "uploads" in query
        keys["s3:ObjectCreationOperation"] = "false" if part else "true"
        for header in ("if-none-match", "if-match"):
            if header in headers:
                keys[f"s3:{header}"] = headers[header]
        if RETAIN_UNTIL in headers:
            keys[REMAINING_DAYS] = _days_until(headers[RETAIN_UNTIL])
    if action == "s3:PutObjectRetention" and (until := _retention_in_body()):
        keys[REMAINING_DAYS] = _days_until(until)
    return keys


def of_parameter(action: str, body: bytes) -> dict[str, str]:
    """Return the condition key of PutParameter; without `Overwrite` in the request it has the default, false.

    Systems Manager User Guide, "Preventing changes to existing parameters using ssm:Overwrite".
    """
    if action != "ssm:PutParameter":
        return {}
    try:
        overwrites = bool(json.loads(body or b"{}").get("Overwrite"))
    except ValueError:
        return {}
    return {"ssm:Overwrite": str(overwrites).lower()}


def _days_until(moment: str) -> str:
    remaining = datetime.fromisoformat(moment.replace("Z", "+00:00")) - datetime.now(UTC)
    return str(remaining.total_seconds() / SECONDS_OF_A_DAY)


def _retention_in_body() -> str | None:
    """Return the retention date in the body of the request that is being checked."""
    request = iam_evaluator._signed_request.get()
    if request is None or not request.body:
        return None
    found = (each.text for each in ElementTree.fromstring(request.body).iter() if each.tag.endswith("RetainUntilDate"))  # noqa: S314
    return next(found, None)


def register() -> None:
    """Resolve the keys in all of ministack's policy evaluations."""
    wrap(iam_actions, "extract_iam_action", _remember_boundary)
    original, of_s3 = iam_evaluator._resolve_condition_key, iam_actions.s3_service_context

    def of_service(action: str, query: Any, path: str = "", headers: Any = None) -> dict[str, Any]:
        return {**of_s3(action, query, path, headers), **of_request(action, query or {}, headers or {})}

    of_tags = iam_actions.request_tag_context

    def of_any(service: str, action: str, body: bytes, query: Any) -> dict[str, Any]:
        return {**of_tags(service, action, body, query), **of_parameter(action, body)}

    iam_actions.request_tag_context = of_any
    iam_evaluator._resolve_condition_key = lambda key, context: resolve(original, key, context)
    iam_actions.s3_service_context = of_service
