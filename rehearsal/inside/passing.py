"""Checks of iam:PassRole for roles that a caller passes to a service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import Answer, Request, refuse_first

PASS = "iam:PassRole"  # noqa: S105
Document = Mapping[str, Any]
# Where each operation names roles (Service Authorization Reference: operations that depend on iam:PassRole).
JSON_OPERATIONS: Mapping[str, Mapping[str, Callable[[Document], Iterator[Any]]]] = {
    "states": {
        name: lambda given: iter([given.get("roleArn")]) for name in ("CreateStateMachine", "UpdateStateMachine")
    },
    "events": {
        "PutRule": lambda given: iter([given.get("RoleArn")]),
        "PutTargets": lambda given: (target.get("RoleArn") for target in given.get("Targets") or []),
    },
    "codebuild": {name: lambda given: iter([given.get("serviceRole")]) for name in ("CreateProject", "UpdateProject")},
}
STACK_OPERATIONS = (
    *("CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack", "ContinueUpdateRollback", "RollbackStack"),
)


def passed_roles(service: str, request: Request) -> list[str]:
    """Return the ARNs of the roles that a request passes."""
    if service == "cloudformation":
        form = {**parse_qs(request.body.decode("utf-8", "replace")), **request.query}
        roles: list[Any] = [_first(form, "RoleARN")] if _first(form, "Action") in STACK_OPERATIONS else []
    elif service == "lambda":
        roles = [_document(request).get("Role")] if _creates_or_configures(request) else []
    elif service == "scheduler":
        target = _document(request).get("Target") if request.method in ("POST", "PUT") else None
        roles = [target.get("RoleArn")] if isinstance(target, dict) else []
    else:
        find = JSON_OPERATIONS[service].get(request.operation)
        roles = list(find(_document(request))) if find else []
    return [str(arn) for arn in roles if arn]


def _creates_or_configures(request: Request) -> bool:
    return request.method in ("POST", "PUT") and request.path.rstrip("/").endswith(("/functions", "/configuration"))


def _document(request: Request) -> Document:
    try:
        document = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _first(form: Mapping[str, Any], name: str) -> str:
    value = form.get(name) or ""
    return str(value[0] if isinstance(value, list) else value)


def _refusal(service: str) -> Callable[[Request], Answer | None]:
    principal = {"cloudformation": "cloudformation", "lambda": "lambda"}.get(service, service) + ".amazonaws.com"

    def refuse(request: Request) -> Answer | None:
        for arn in passed_roles(service, request):
            if denial := permissions.caller_denial(PASS, arn, {"iam:PassedToService": principal}):
                return permissions.denied_answer(service, PASS, arn, denial, request.headers)
        return None

    return refuse


def register() -> None:
    """Check passed roles before the services get the requests."""
    for service in ("cloudformation", "lambda", "scheduler", *JSON_OPERATIONS):
        refuse_first(service, _refusal(service))
