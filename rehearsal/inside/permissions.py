"""Permissions of callers, roles and services, evaluated by ministack's own evaluator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ministack import app  # type: ignore[import-not-found]
from ministack.core import iam_actions  # type: ignore[import-not-found]
from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import get_account_id, get_region, new_uuid  # type: ignore[import-not-found]
from ministack.core.router import extract_access_key_id  # type: ignore[import-not-found]
from ministack.services import iam  # type: ignore[import-not-found]

Answer = tuple[int, dict[str, str], bytes]
_access_key: ContextVar[str] = ContextVar("access key of the caller", default="")


def enforced() -> bool:
    """Return whether this emulator checks permissions."""
    return bool(app.AUTH)


def remember_callers() -> None:
    """Keep the access key of each signed request, because handlers do not get it."""
    original = app.pin_signed_request

    def pin(method: str, path: str, query: dict[str, Any], headers: list[tuple[bytes, bytes]], *rest: Any) -> None:
        named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
        _access_key.set(extract_access_key_id(named, query) or "")
        original(method, path, query, headers, *rest)

    app.pin_signed_request = pin


def name_resources() -> None:
    """Name the resource in each denial (IAM User Guide, "Troubleshoot access denied error messages")."""
    original = iam_actions.access_denied_response

    def respond(service: str, action: str, principal: str, request: str, **named: Any) -> Answer:
        by_identity = not (named.get("message") or named.get("error_code") or named.get("resource_policy_arn"))
        if by_identity:
            resource, explicit = named.get("resource_arn", "*"), bool(named.get("explicit_deny"))
            named["message"] = iam_actions.identity_denial_message(action, principal, resource, explicit)
        answer: Answer = original(service, action, principal, request, **named)
        return answer

    iam_actions.access_denied_response = respond


def caller_arn(account: str) -> str:
    """Return the ARN of the caller, who belongs to `account`; also where ministack does not keep it, as in S3."""
    principal = evaluator.resolve_principal(_access_key.get(), account)
    return str(getattr(principal, "arn", "") or f"arn:aws:iam::{account}:root")


def caller_denial(action: str, resource: str, context: Mapping[str, Any] | None = None) -> Any:
    """Return ministack's denial when the caller may not do `action`, otherwise None."""
    if not enforced():
        return None
    service = action.partition(":")[0]
    return evaluator.enforce(_access_key.get(), action, service, get_region(), resource, dict(context or {}))


def denial_message(action: str, resource: str, denial: Any) -> str:
    """Return AWS's message for the denial of `action`."""
    explicit = getattr(denial, "decision", "") == "Deny"
    return str(iam_actions.identity_denial_message(action, denial.principal_arn, resource, explicit))


def denied_answer(service: str, action: str, resource: str, denial: Any, headers: Mapping[str, str]) -> Answer:
    """Return the refusal in the protocol of `service`."""
    answer: Answer = iam_actions.access_denied_response(
        service,
        action,
        denial.principal_arn,
        new_uuid(),
        headers=dict(headers),
        resource_arn=resource,
        explicit_deny=denial.decision == "Deny",
    )
    return answer


def role_of(arn: str) -> dict[str, Any] | None:
    """Return the record of the role with this ARN in the request's account."""
    account, separator, path = arn.partition(":iam::")[2].partition(":role/")
    found = iam._roles.get_scoped(account, None, path.rpartition("/")[2]) if separator else None
    return dict(found) if found is not None else None


def role_allows(role_arn: str, action: str, resource: str, values: Mapping[str, str] | None = None) -> bool:
    """Check whether the role's policies and boundary allow `action`; `values` are condition keys of the request."""
    if not enforced():
        return True
    account = role_arn.split(":")[4] if role_arn.count(":") >= 5 else get_account_id()
    name = role_arn.rpartition("/")[2]
    context = evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/service",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        # Services call over TLS.
        secure_transport=True,
        service_context={key.lower(): value for key, value in (values or {}).items()},
    )
    policies = evaluator._gather_role_policies(name, account)
    limits = evaluator._permissions_boundary(iam._roles, name, account)
    return bool(evaluator.evaluate(context, policies, *limits).decision == "Allow")


def role_trusts(role_arn: str, service: str, source_arn: str = "") -> bool:
    """Check whether the role's trust policy allows `service` to assume it for `source_arn`."""
    if not enforced():
        return True
    role = role_of(role_arn)
    return role is not None and _service_allowed(
        role["AssumeRolePolicyDocument"], "sts:AssumeRole", "*", service, source_arn
    )


def resource_allows(policy: Any, action: str, resource: str, service: str, source_arn: str) -> bool:
    """Check whether a resource's own policy allows `service` the action for `source_arn`."""
    return not enforced() or _service_allowed(policy, action, resource, service, source_arn)


def _service_allowed(policy: Any, action: str, resource: str, service: str, source_arn: str) -> bool:
    account = get_account_id()
    context = evaluator.EvalContext(
        # The service itself calls, so grants to accounts and their principals do not apply.
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={
            "aws:sourceaccount": account,
            "aws:sourceowner": account,
            **({"aws:sourcearn": source_arn} if source_arn else {}),
        },
    )
    document = json.loads(policy or "{}") if isinstance(policy, str) else policy or {}
    decision = evaluator.evaluate_resource_policy(_with_resource(document), context, service=service).decision
    return bool(decision == "Allow")


def _with_resource(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy with a Resource in each statement; a trust policy has none, because it applies to its role."""
    statements = policy.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    complete = [each if "NotResource" in each else {"Resource": "*", **each} for each in listed]
    return {**policy, "Statement": complete}
