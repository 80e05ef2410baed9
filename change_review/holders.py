"""Holders of access in a template: identities with all their policies, and resources with a policy of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from change_review.resources import physical_name
from change_review.schemas import Schemas
from change_review.statements import Part, Rule, rules_of
from change_review.values import MISSING, Template, canonical, properties_of, references, show

ROLE = "AWS::IAM::Role"
IDENTITIES = (ROLE, "AWS::IAM::User", "AWS::IAM::Group")
# Policies that are attached to identities: by the properties that name these.
ATTACHED: Mapping[str, tuple[str, ...]] = {
    "AWS::IAM::GroupPolicy": ("GroupName",),
    "AWS::IAM::ManagedPolicy": ("Roles", "Users", "Groups"),
    "AWS::IAM::Policy": ("Roles", "Users", "Groups"),
    "AWS::IAM::RolePolicy": ("RoleName",),
    "AWS::IAM::UserPolicy": ("UserName",),
}
PERMISSION = "AWS::Lambda::Permission"
# Of a permission set, by their ARNs.
MANAGED = "ManagedPolicies"
# Properties that hold the policy of a resource, for any type of resource.
POLICIES = (
    "AccessPolicies",
    "AccessPolicy",
    "FileSystemPolicy",
    "InlinePolicy",
    "KeyPolicy",
    "Policy",
    "PolicyDocument",
    "RepositoryPolicyText",
    "ResourcePolicy",
    "Statement",
)
# Properties that name what such a policy belongs to.
TARGETS = (
    "Bucket",
    "Topics",
    "Queues",
    "SecretId",
    "EventBusName",
    "FunctionName",
    "LayerVersionArn",
    "ResourceArn",
    "BackupVaultName",
)
# What the condition of a function's permission is made of (AWS::Lambda::Permission).
_CONDITIONS = ("EventSourceToken", "FunctionUrlAuthType", "PrincipalOrgID", "SourceAccount", "SourceArn")


@dataclass(frozen=True, kw_only=True)
class Holder:
    """An identity or a resource policy with its rules; `keys` identify it on both sides, the surest first."""

    kind: str
    name: str
    keys: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    trust: tuple[Rule, ...] = ()
    managed: tuple[str, ...] = ()
    boundary: str = ""
    targets: frozenset[str] = field(default=frozenset())

    @property
    def is_identity(self) -> bool:
        return self.kind in IDENTITIES

    @property
    def words(self) -> str:
        """Name for people, such as `role vectora-inbox-engine-prod`."""
        word = self.kind.rpartition("::")[2]
        return f"{word.lower() if self.is_identity else word} {self.name}"


def holders_of(template: Template, schemas: Schemas) -> tuple[Holder, ...]:
    """Return everything in a template that has access or gives it."""
    resources: Mapping[str, Any] = template.get("Resources") or {}
    names = _identities_by_name(resources)
    attached: dict[str, list[str]] = {}
    for logical_id, resource in resources.items():
        for identity in _identities_of(resource, resources, names):
            attached.setdefault(identity, []).append(logical_id)
    for identity, resource in resources.items():
        arns = properties_of(resource).get("ManagedPolicyArns")
        found = [each for each in references(arns) if resources.get(each, {}).get("Type") == "AWS::IAM::ManagedPolicy"]
        attached.setdefault(identity, []).extend(found)
    used = {policy for policies in attached.values() for policy in policies}
    return tuple(_holders(resources, attached, used, schemas))


def _identities_by_name(resources: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for logical_id, resource in resources.items():
        if resource.get("Type") in IDENTITIES:
            name = properties_of(resource).get(f"{str(resource['Type']).rpartition('::')[2]}Name")
            if name is not None:
                found[_text(name)] = logical_id
    return found


def _identities_of(policy: Mapping[str, Any], resources: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    """Yield the identities of the same template that a policy is attached to."""
    for key in ATTACHED.get(str(policy.get("Type")), ()):
        given = properties_of(policy).get(key)
        for each in given if isinstance(given, list) else [given]:
            text = _text(each)
            logical_id = names.get(text, text.removeprefix("${").removesuffix("}"))
            if resources.get(logical_id, {}).get("Type") in IDENTITIES:
                yield logical_id


def _holders(
    resources: Mapping[str, Any], attached: Mapping[str, list[str]], used: set[str], schemas: Schemas
) -> Iterator[Holder]:
    permissions: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for logical_id, resource in resources.items():
        kind, properties = str(resource.get("Type", "")), properties_of(resource)
        if kind in IDENTITIES:
            yield _identity(logical_id, resource, [resources[each] for each in attached.get(logical_id, ())], schemas)
        elif kind == PERMISSION:
            permissions.setdefault(_text(properties.get("FunctionName")), []).append((logical_id, properties))
        elif logical_id not in used and ((rules := tuple(_own_rules(properties))) or MANAGED in properties):
            yield _resource_policy(logical_id, resource, rules, schemas)
    for function, each in permissions.items():
        yield Holder(
            kind=PERMISSION,
            name=f"of {show(function)}",
            keys=(f"{PERMISSION} {function}",),
            rules=tuple(_permission(properties) for _, properties in each),
            targets=frozenset(references(each[0][1].get("FunctionName"))),
        )


def _identity(
    logical_id: str, resource: Mapping[str, Any], policies: list[Mapping[str, Any]], schemas: Schemas
) -> Holder:
    properties, kind = properties_of(resource), str(resource["Type"])
    name = physical_name(resource, schemas)
    inline = properties.get("Policies")
    documents = (
        [each.get("PolicyDocument") for each in inline if isinstance(each, Mapping)]
        if (isinstance(inline, list))
        else []
    )
    documents += [properties_of(each).get("PolicyDocument") for each in policies]
    managed = properties.get("ManagedPolicyArns") or []
    own = {_text({"Ref": each}) for each in references(managed)}
    return Holder(
        kind=kind,
        name=show(name or logical_id),
        keys=tuple(filter(None, (f"{kind} {logical_id}", f"{kind} named {name}" if name else ""))),
        rules=tuple(rule for document in documents for rule in rules_of(document)),
        trust=tuple(rules_of(properties.get("AssumeRolePolicyDocument"))),
        managed=tuple(sorted({_text(each) for each in managed} - own))
        if isinstance(managed, list)
        else (_text(managed),),
        boundary=_text(properties["PermissionsBoundary"]) if "PermissionsBoundary" in properties else "",
    )


def _own_rules(properties: Mapping[str, Any]) -> Iterator[Rule]:
    for key, value in properties.items():
        is_document = isinstance(value, Mapping) and (
            "Effect" in value if key in POLICIES and "Statement" not in value else "Statement" in value
        )
        if is_document or (isinstance(value, str) and '"Statement"' in value):
            yield from rules_of(value)
    if isinstance(properties.get("Principal"), str) and isinstance(properties.get("Action"), str):
        # A grant of one action, such as that of a layer or of an event bus.
        yield from rules_of(
            {
                "Effect": "Allow",
                "Action": properties["Action"],
                "Principal": _principal(properties["Principal"]),
                "Condition": {key: properties[key] for key in ("Condition", "OrganizationId") if key in properties},
            }
        )


def _resource_policy(logical_id: str, resource: Mapping[str, Any], rules: tuple[Rule, ...], schemas: Schemas) -> Holder:
    kind, properties = str(resource["Type"]), properties_of(resource)
    target = next((properties[key] for key in TARGETS if key in properties), MISSING)
    name = physical_name(resource, schemas)
    shown = f"of {_listed(target)}" if target is not MISSING else show(name or logical_id)
    keys = (f"{kind} {logical_id}", f"{kind} of {_text(target)}" if target is not MISSING else f"{kind} named {name}")
    is_own = target is MISSING and not kind.startswith("AWS::IAM::")
    targets = frozenset(references(target)) if target is not MISSING else frozenset({logical_id} if is_own else ())
    given = properties.get(MANAGED)
    managed = tuple(sorted(_text(each) for each in given)) if isinstance(given, list) else ()
    return Holder(kind=kind, name=shown, keys=keys, rules=rules, managed=managed, targets=targets)


def _listed(value: Any) -> str:
    return ", ".join(show(each) for each in value) if isinstance(value, list) else show(value)


def _permission(properties: Mapping[str, Any]) -> Rule:
    given = {key: properties[key] for key in _CONDITIONS if key in properties}
    statement = {
        "Effect": "Allow",
        "Action": properties.get("Action"),
        "Resource": properties.get("FunctionName"),
        "Principal": _principal(_text(properties.get("Principal"))),
        "Condition": {"StringEquals": given} if given else {},
    }
    return next(iter(rules_of(statement)))


def _principal(text: str) -> Any:
    return {"Service": text} if ".amazonaws.com" in text else {"AWS": text}


def _text(value: Any) -> str:
    found = canonical(value)
    return found if isinstance(found, str) else Part((str(found),)).text
