"""Permissions of CloudFormation's operations: of the stack's service role, or of the caller when it has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from ministack.core.responses import get_account_id, get_region  # type: ignore[import-not-found]
from ministack.services import cloudformation, iam  # type: ignore[import-not-found]
from ministack.services.cloudformation import handlers, provisioners, stacks  # type: ignore[import-not-found]

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import Request, refuse_first, wrap
from rehearsal.provisioned import Need, Operation, Resource, name_of
from rehearsal.provisioning import needs

# Roles by account, region and name of the stack. CloudFormation keeps using the role of an earlier operation when a
# request names none (API reference, CreateChangeSet, RoleARN).
_roles: dict[tuple[str, str, str], str] = {}
PASSING = ("CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack", "ContinueUpdateRollback", "RollbackStack")


def _first(form: Mapping[str, Any], name: str) -> str:
    value = form.get(name) or ""
    return str(value[0] if isinstance(value, list) else value)


def _remember_role(request: Request) -> None:
    form = {**parse_qs(request.body.decode("utf-8", "replace")), **request.query}
    action, role, stack = (_first(form, name) for name in ("Action", "RoleARN", "StackName"))
    if action not in PASSING or not stack:
        return
    name = stack.split("/")[1] if stack.startswith("arn:") else stack
    key = get_account_id(), get_region(), name
    known = cloudformation._stacks.get(name)
    if known is None or known.get("StackStatus") == "DELETE_COMPLETE":
        # A new stack does not have the role of a deleted one of the same name.
        _roles.pop(key, None)
    if role:
        _roles[key] = role


def _role_of(stack: str) -> str:
    found: str = _roles.get((get_account_id(), get_region(), stack), "")
    return found


def _describe(original: Any, stack: Mapping[str, Any]) -> str:
    """Return a part of a stack's description, with its role (API reference, Stack), which ministack's lacks."""
    role = _role_of(str(stack["StackName"]))
    return f"<RoleARN>{role}</RoleARN>{original(stack)}" if role else str(original(stack))


def _check(stack: str, resource: Resource, operation: Operation) -> None:
    """Raise ValueError, which fails the resource, when the operation is not permitted."""
    if not permissions.enforced():
        return
    role = _role_of(stack)
    for need in needs(_with_paths(resource), operation):
        if role and not permissions.role_allows(role, need.action, need.resource, need.values):
            raise ValueError(_message(role, need))
        if not role and (denial := permissions.caller_denial(need.action, need.resource, need.values)):
            raise ValueError(permissions.denial_message(need.action, need.resource, denial))


def _message(role: str, need: Need) -> str:
    account, _, name = role.partition(":iam::")[2].partition(":role/")
    caller = f"arn:aws:sts::{account}:assumed-role/{name.rpartition('/')[2]}/AWSCloudFormation"
    return f"User: {caller} is not authorized to perform: {need.action} on resource: {need.resource}"


def _with_paths(resource: Resource) -> Resource:
    """Return a policy's resource with its roles by path and name: the template refers to them by name."""
    if resource.resource_type != "AWS::IAM::Policy":
        return resource
    roles = [_path_and_name(str(name)) for name in resource.properties.get("Roles") or []]
    properties = {**resource.properties, "Roles": roles}
    return Resource(resource.resource_type, resource.name, properties, resource.account, resource.region)


def _path_and_name(name: str) -> str:
    role = iam._roles.get(name)
    return str(role["Arn"]).partition(":role/")[2] if role else name


def _resource(
    resource_type: str, name: str, properties: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> Resource:
    return Resource(resource_type, name, properties, get_account_id(), get_region(), before or {})


def _create(original: Any, resource_type: str, logical_id: str, properties: dict[str, Any], stack: str) -> Any:
    name = name_of(resource_type, properties) or f"{stack}-{logical_id}-new"
    _check(stack, _resource(resource_type, name, properties), "create")
    return original(resource_type, logical_id, properties, stack)


def _update(
    original: Any,
    resource_type: str,
    physical_id: str,
    before: dict[str, Any],
    properties: dict[str, Any],
    stack: str,
    logical_id: str | None = None,
    *rest: Any,
) -> Any:
    if before != properties:
        replaces = provisioners._replacing_change(resource_type, before, properties)
        name = name_of(resource_type, properties) or (f"{stack}-{logical_id}-new" if replaces else physical_id)
        resource = _resource(resource_type, name, properties, {} if replaces else before)
        _check(stack, resource, "create" if replaces else "update")
    return original(resource_type, physical_id, before, properties, stack, logical_id, *rest)


def _delete(
    original: Any,
    resource_type: str,
    physical_id: str,
    properties: dict[str, Any],
    stack: str | None = None,
    logical_id: str | None = None,
) -> Any:
    if stack:
        name = name_of(resource_type, properties) or physical_id
        _check(stack, _resource(resource_type, name, properties), "delete")
    return original(resource_type, physical_id, properties, stack, logical_id)


def _keep_boundaries() -> None:
    """Give roles of stacks their permissions boundary, which ministack's CloudFormation drops."""
    of_roles = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
    create, update = of_roles["create"], of_roles["update"]

    def bounded_create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        found = create(logical_id, properties, stack)
        _bind(found[0], properties)
        return found

    def bounded_update(physical_id: str, before: Any, properties: dict[str, Any], *rest: Any) -> Any:
        found = update(physical_id, before, properties, *rest)
        _bind(found[0], properties)
        return found

    of_roles |= {"create": bounded_create, "update": bounded_update}


def _bind(role: str, properties: Mapping[str, Any]) -> None:
    record = iam._roles.get(role)
    if record is None:
        return
    if boundary := properties.get("PermissionsBoundary"):
        record["PermissionsBoundary"] = boundary
    else:
        record.pop("PermissionsBoundary", None)


def register() -> None:
    """Check the operations of stacks on their resources, and keep the boundaries of their roles."""
    wrap(stacks, "_provision_resource", _create)
    wrap(stacks, "_update_resource", _update)
    wrap(stacks, "_delete_resource", _delete)
    wrap(handlers, "_stack_drift_information_xml", _describe)
    _keep_boundaries()
    refuse_first("cloudformation", _remember_role)
