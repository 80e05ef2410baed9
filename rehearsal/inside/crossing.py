"""Access across accounts and regions: buckets, event buses, roles and templates of one account used by another."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlparse

from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-not-found]
from ministack.core.responses import get_account_id, get_region, request_scope  # type: ignore[import-not-found]
from ministack.services import eventbridge, iam, s3  # type: ignore[import-not-found]
from ministack.services.cloudformation import (  # type: ignore[import-not-found]
    changesets,
    handlers,
    helpers,
    provisioners,
)

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import wrap

LOG = logging.getLogger("strictness")
EVENTS, PUT_EVENTS = "events.amazonaws.com", "events:PutEvents"
BUS_POLICY = "AWS::Events::EventBusPolicy"
Properties = dict[str, Any]


# --- identities


def _principal_arn(original: Any, key: str, context: Any) -> Any:
    """Return the ARN of the role for a session (IAM user guide, global condition keys, aws:PrincipalArn)."""
    arn = str(context.principal_arn)
    if key.lower() != "aws:principalarn" or ":assumed-role/" not in arn:
        return original(key, context)
    account, name = arn.split(":")[4], arn.split("/")[1]
    role = iam._roles.get_scoped(account, None, name)
    return str(role["Arn"]) if role else f"arn:aws:iam::{account}:role/{name}"


# --- buckets


def _foreign_bucket_allows(
    original: Any,
    owner: str,
    bucket: str,
    key: str,
    method: str,
    query: Any,
    caller: str,
    headers: dict[str, str] | None = None,
) -> bool:
    """Judge a caller of another account by its own ARN: a policy may name a role, or deny all but one.

    S3 user guide, "Bucket owner granting cross-account bucket permissions": the caller's own policies must allow the
    request too, which ministack checks elsewhere.
    """
    policy = s3._bucket_policies.get_scoped(owner, None, bucket)
    if not permissions.enforced() or not caller:
        return bool(original(owner, bucket, key, method, query, caller, headers))
    arn = permissions.caller_arn(caller)
    path = f"/{bucket}/{key}" if key else f"/{bucket}"
    action = f"s3:{iam_actions._s3_action(method, path, query)}"
    with request_scope(owner, get_region()):
        keys = iam_actions.s3_service_context(action, query, path, headers or {})
    context = iam_evaluator.EvalContext(
        principal_arn=arn,
        principal_type="AssumedRole" if ":assumed-role/" in arn else "User",
        principal_account=caller,
        action=action,
        resource_arn=f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}",
        region=get_region(),
        secure_transport=True,
        service_context={name.lower(): value for name, value in keys.items()},
    )
    return bool(iam_evaluator.evaluate_resource_policy(policy, context).decision == "Allow")


# --- event buses


def bus_problem(rule_arn: str, target: Properties) -> str | None:
    """Return why EventBridge does not deliver a rule's events to a bus of another account or region.

    EventBridge user guide, "Sending and receiving events between Regions", "... between accounts": the target has a
    role with permission for events:PutEvents. "Permissions for event buses": the policy of a bus in another account
    must allow it, and may name the rule as aws:SourceArn.
    """
    arn, role = str(target["Arn"]), str(target.get("RoleArn") or "")
    region, account = arn.split(":")[3:5]
    if (account, region) == (get_account_id(), get_region()):
        return None
    if not role:
        return "a target in another account or region needs a RoleArn"
    if not permissions.role_trusts(role, EVENTS, rule_arn):
        return f"{role} does not trust {EVENTS}"
    if not permissions.role_allows(role, PUT_EVENTS, arn):
        return f"{role} has no permission for {PUT_EVENTS}"
    if account == get_account_id() or not permissions.enforced():
        return None
    with request_scope(account, region):
        policy = eventbridge._event_bus_policies.get(arn.rpartition("event-bus/")[2])
    sender = role.split(":")[4]
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{sender}:assumed-role/{role.rpartition('/')[2]}/events",
        principal_type="AssumedRole",
        principal_account=sender,
        action=PUT_EVENTS,
        resource_arn=arn,
        region=region,
        secure_transport=True,
        service_context={"aws:sourcearn": rule_arn},
    )
    allowed = iam_evaluator.evaluate_resource_policy(policy, context).decision == "Allow"
    return None if allowed else "its policy does not allow it"


def _dispatch_to_bus(original: Any, spec: Any, event: Any, rule: Properties, *rest: Any) -> None:
    """Deliver the event in the bus's own account and region; `bus_problem` was checked before.

    ministack ends loops by the names of rules, which repeat in other accounts and regions: their ARNs do not.
    """
    with request_scope(spec.account_id, spec.region):
        eventbridge._ensure_default_bus()
        original(spec, event, {**rule, "Name": rule["Arn"]}, *rest)


def _statement(properties: Properties) -> dict[str, Any]:
    given = properties.get("Statement") or {
        "Effect": "Allow",
        "Principal": _account_principal(str(properties.get("Principal", ""))),
        "Action": properties.get("Action", ""),
        "Resource": f"arn:aws:events:{get_region()}:{get_account_id()}:event-bus/{_bus(properties)}",
    }
    return {**given, "Sid": properties["StatementId"]}


def _account_principal(principal: str) -> Any:
    return "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"}


def _bus(properties: Properties) -> str:
    return str(properties.get("EventBusName") or "default").rpartition("event-bus/")[2]


def _put_bus_policy(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
    """Add the statement to the policy of the bus; other stacks may have added others (PutPermission)."""
    _drop_bus_policy(str(properties["StatementId"]), properties)
    bus = _bus(properties)
    policy = eventbridge._event_bus_policies.get(bus) or {"Version": "2012-10-17", "Statement": []}
    eventbridge._event_bus_policies[bus] = {**policy, "Statement": [*policy["Statement"], _statement(properties)]}
    return str(properties["StatementId"]), {}


def _drop_bus_policy(statement_id: str, properties: Properties) -> None:
    bus = _bus(properties)
    policy = eventbridge._event_bus_policies.get(bus)
    left = [each for each in policy["Statement"] if each.get("Sid") != statement_id] if policy else []
    if left:
        eventbridge._event_bus_policies[bus] = {**policy, "Statement": left}
    else:
        eventbridge._event_bus_policies.pop(bus, None)


def _update_bus_policy(name: str, old: Properties, new: Properties, stack: str) -> tuple[str, dict[str, str]]:
    _drop_bus_policy(name, old)
    return _put_bus_policy("", new, stack)


# --- templates


def _resolve_document(original: Any, params: Any, body_key: str, url_key: str, label: str) -> Any:
    """Read a document from another account's bucket with the caller's permissions for it.

    CloudFormation API reference, CreateChangeSet, TemplateURL: the caller needs access to the object.
    """
    url = str(helpers._p(params, url_key) or "")
    bucket, _, key = urlparse(url).path.lstrip("/").partition("/")
    owner = s3._bucket_owner_account(bucket) if key else None
    if helpers._p(params, body_key) or owner in (None, get_account_id()):
        return original(params, body_key, url_key, label)
    denial = permissions.caller_denial("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    if denial or not s3._foreign_bucket_allows(owner, bucket, key, "GET", {}, get_account_id(), {}):
        return None, helpers._error("ValidationError", "S3 error: Access Denied")
    with request_scope(owner, get_region()):
        return original(params, body_key, url_key, label)


def register() -> None:
    """Add what crosses accounts and regions."""
    wrap(iam_evaluator, "_resolve_condition_key", _principal_arn)
    wrap(s3, "_foreign_bucket_allows", _foreign_bucket_allows)
    wrap(eventbridge, "_dispatch_to_event_bus", _dispatch_to_bus)
    provisioners._RESOURCE_HANDLERS[BUS_POLICY] = {
        "create": _put_bus_policy,
        "update": _update_bus_policy,
        "delete": _drop_bus_policy,
    }
    for module in (helpers, handlers, changesets):
        if hasattr(module, "_resolve_document"):
            wrap(module, "_resolve_document", _resolve_document)
