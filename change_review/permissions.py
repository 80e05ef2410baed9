"""Permissions that a change gives and takes, in words by holder, with those that are broader marked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from change_review.holders import ROLE, Holder, holders_of
from change_review.model import PermissionChange, Tendency
from change_review.network import EVERYONE, GROUP, Opening, openings_of
from change_review.protections import weakenings
from change_review.same_names import Names, compare_by_names, names_of, with_references
from change_review.schemas import Schemas
from change_review.statements import ANY, Part, Rule, compare, rules_of
from change_review.templates import StackPair
from change_review.values import MISSING, canonical, differences, properties_of, references, show
from vectora_review.access_words import rule_words

WILDCARD, PUBLIC, FOREIGN = "WILDCARD", "PUBLIC", "OTHER ACCOUNT"
ESCALATES, CONDITION = "CAN RAISE ACCESS", "WEAKER CONDITION"
# The worst first.
MARKS = (PUBLIC, FOREIGN, ESCALATES, WILDCARD, CONDITION)
# Actions with which an identity gets more access than its policy names (IAM user guide, "Example permissions
# boundaries"; Rhino Security Labs, "AWS IAM privilege escalation").
_ESCALATING = re.compile(
    r"(?i)\*|iam:(\*|PassRole|Put\w*Policy|Attach\w*Policy|Create(Policy|AccessKey|LoginProfile|Role)\w*|Update\w*Policy|"
    r"UpdateLoginProfile|SetDefaultPolicyVersion|AddUserToGroup|Delete\w*Boundary|Delete\w*Policy)|sts:(\*|AssumeRole)|"
    r"lambda:(\*|UpdateFunctionCode|AddPermission)|kms:(\*|PutKeyPolicy|CreateGrant)|s3:(\*|PutBucketPolicy)|"
    r"cloudformation:(\*|CreateStack|UpdateStack|SetStackPolicy)"
)
_BROAD_POLICY = re.compile(r"(AdministratorAccess|PowerUserAccess|IAMFullAccess|FullAccess)")
# Resources that give access by themselves.
CREDENTIALS = {
    "AWS::EKS::AccessEntry": "its principal gets into the cluster",
    "AWS::IAM::AccessKey": "it is a lasting credential of its user",
    "AWS::IAM::UserToGroupAddition": "its users get the access of its group",
    "AWS::LakeFormation::PrincipalPermissions": "its principal gets the access that it lists",
    "AWS::SSO::Assignment": "its principal gets the access of its permission set",
}
_ROLE_PROPERTY = re.compile(r"(Execution|Task|Service)?Role(Arn)?")
_FOREIGN = re.compile(r"AWS arn:aws[\w-]*:(iam|sts)::\d{12}:")
_WHOLE_SERVICE = re.compile(r"(\*|[\w-]+:\*)")


def permission_changes(pair: StackPair, schemas: Schemas) -> tuple[PermissionChange, ...]:
    """Return what the identities and resource policies of a stack gain and lose."""
    old, new = (holders_of(template, schemas) for template in (pair.before, pair.after))
    before_ids = set(pair.before.get("Resources") or {})
    found: list[PermissionChange] = []
    for before, after in _paired(old, new):
        is_own = after is not None and before is None and bool(after.targets) and not after.targets & before_ids
        found += _of_holder(pair, before, after, is_new_target=is_own)
    found += _of_network(pair)
    found += _of_new_resources(pair)
    found += _of_used_roles(pair, old, new)
    return tuple(found)


def policy_changes(
    environment: str, name: str, before: bytes | None, after: bytes | None
) -> Iterator[PermissionChange]:
    """Yield what the holder of a policy in a file, such as that of operators, gains and loses."""
    sides = [tuple(rules_of((each or b"").decode("utf-8", "replace"))) for each in (before, after)]
    holder = Holder(kind="policy", name=name, keys=(name,))
    pair = StackPair(environment, environment, "policy", {}, {})
    yield from _of_holder(pair, replace(holder, rules=sides[0]), replace(holder, rules=sides[1]), is_new_target=False)


def _paired(old: Sequence[Holder], new: Sequence[Holder]) -> Iterator[tuple[Holder | None, Holder | None]]:
    """Yield the holders of both sides that are the same: by logical id, then by name or target."""
    by_key = {key: each for each in reversed(old) for key in reversed(each.keys)}
    matched: set[str] = set()
    rest: list[Holder] = []
    for after in new:
        before = by_key.get(after.keys[0])
        if before is None or before.keys[0] != after.keys[0]:
            rest.append(after)
            continue
        matched.add(before.keys[0])
        yield before, after
    for after in rest:
        before = next(
            (by_key[key] for key in after.keys[1:] if key in by_key and by_key[key].keys[0] not in matched), None
        )
        if before is not None:
            matched.add(before.keys[0])
        yield before, after
    for before in old:
        if before.keys[0] not in matched:
            yield before, None


def _of_holder(
    pair: StackPair, before: Holder | None, after: Holder | None, *, is_new_target: bool
) -> Iterator[PermissionChange]:
    holder = after or before
    assert holder is not None  # noqa: S101
    base = PermissionChange(
        environments=(pair.environment,), stack=pair.stack, holder=holder.words, tendency="changed", text=""
    )
    if holder.is_identity and (before is None or after is None):
        yield replace(base, text="is new" if before is None else "is removed")
    names = names_of(pair.before), names_of(pair.after)
    old, new = before.rules if before else (), after.rules if after else ()
    yield from _rule_changes(base, "", old, new, names, is_new_target=is_new_target)
    old, new = before.trust if before else (), after.trust if after else ()
    # The trust of a removed role ends with it, which needs no line of its own.
    yield from _rule_changes(base, ROLE, old if after else (), new, names, is_new_target=False)
    yield from _managed(base, set(before.managed if before else ()), set(after.managed if after else ()))
    if before and after:
        yield from _boundary(base, before.boundary, after.boundary)
    elif after and after.boundary:
        yield replace(base, text=f"has the permissions boundary {show(after.boundary)}")


def _rule_changes(
    base: PermissionChange,
    kind: str,
    old: Sequence[Rule],
    new: Sequence[Rule],
    names: tuple[Names, Names],
    *,
    is_new_target: bool,
) -> Iterator[PermissionChange]:
    found = compare_by_names(old, new, names)
    for rule in _joined(found.broadened):
        marks = tuple(_marks(rule, old))
        # What a new resource lets its own account do takes nothing from anyone.
        is_looser = not is_new_target or PUBLIC in marks or FOREIGN in marks
        tendency: Tendency = "looser" if is_looser else "changed"
        verb = "gains" if rule.is_allow else "loses"
        yield replace(base, tendency=tendency, text=rule_words(rule.words, kind, verb, show), marks=marks)
    for rule in _joined(found.narrowed):
        verb = "loses" if rule.is_allow else "gains"
        yield replace(base, tendency="stricter", text=rule_words(rule.words, kind, verb, show))


def _joined(rules: Iterable[Rule]) -> list[Rule]:
    """Return rules that differ in one part only as one, so that a statement is one line."""
    by_place: dict[tuple[str, Part, Part, str], list[str]] = {}
    for rule in rules:
        actions = by_place.setdefault((rule.effect, rule.resource, rule.principal, rule.condition), [])
        actions.append(rule.action.text)
    by_actions: dict[tuple[str, str, str, str], list[str]] = {}
    for (effect, resource, principal, condition), actions in by_place.items():
        key = (effect, ", ".join(sorted(actions)), principal.text, condition)
        by_actions.setdefault(key, []).append(resource.text)
    return [
        Rule(effect, Part((actions,)), Part((", ".join(sorted(found)),)), Part((principal,)), condition)
        for (effect, actions, principal, condition), found in by_actions.items()
    ]


def _marks(rule: Rule, old: Sequence[Rule]) -> Iterator[str]:
    actions, resources = rule.action.text.split(", "), rule.resource.text.split(", ")
    is_negated = any(each.text.startswith("all but ") for each in (rule.action, rule.resource, rule.principal))
    if rule.is_allow:
        # In the policy of a resource, any resource is this one (KMS developer guide, key policies).
        is_any = ANY in resources and not rule.principal.text
        if is_negated or is_any or any(_WHOLE_SERVICE.fullmatch(each) for each in actions):
            yield WILDCARD
        if rule.principal.text == ANY and not _names_a_caller(rule.condition):
            yield PUBLIC
        if _FOREIGN.match(rule.principal.text):
            yield FOREIGN
        if any(_ESCALATING.fullmatch(each) for each in actions) and not rule.principal.text:
            yield ESCALATES
    if any(
        each.effect == rule.effect
        and each.action.text in actions
        and each.resource.text in resources
        and each.principal.text == rule.principal.text
        and each.condition != rule.condition
        for each in old
    ):
        yield CONDITION


def _names_a_caller(condition: str) -> bool:
    """Return whether a condition limits who calls (IAM user guide, "The meaning of public" for S3 and Lambda)."""
    keys = {key.lower() for each in (json.loads(condition) if condition else {}).values() for key in each}
    return bool(keys & _CALLERS)


_CALLERS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "kms:calleraccount",
        "principalorgid",
        "sourceaccount",
        "sourcearn",
    }
)


def _managed(base: PermissionChange, old: set[str], new: set[str]) -> Iterator[PermissionChange]:
    for each in sorted(new - old):
        marks = (WILDCARD,) if _BROAD_POLICY.search(each) else ()
        yield replace(base, tendency="looser", text=f"gains the policy {show(each)}", marks=marks)
    for each in sorted(old - new):
        yield replace(base, tendency="stricter", text=f"loses the policy {show(each)}")


def _boundary(base: PermissionChange, old: str, new: str) -> Iterator[PermissionChange]:
    if old == new:
        return
    if not new:
        yield replace(base, tendency="looser", text=f"loses its permissions boundary {show(old)}")
    elif not old:
        yield replace(base, tendency="stricter", text=f"gains the permissions boundary {show(new)}")
    else:
        text = f"changes its permissions boundary from {show(old)} to {show(new)}"
        yield replace(base, tendency="looser", text=text)


def _of_network(pair: StackPair) -> Iterator[PermissionChange]:
    old, new = (sorted(set(openings_of(template))) for template in (pair.before, pair.after))
    new_groups = {f"${{{name}}}" for name in (pair.after.get("Resources") or {})} - {
        f"${{{name}}}" for name in (pair.before.get("Resources") or {})
    }
    for mine, theirs, tendency, verb in ((new, old, "looser", "lets through"), (old, new, "stricter", "no longer")):
        for each in mine:
            if any(other.covers(each) for other in theirs):
                continue
            is_public = each.peer in EVERYONE and each.direction == "Ingress"
            quiet = tendency == "looser" and (
                each.direction == "Egress" or (each.group in new_groups and not is_public)
            )
            yield PermissionChange(
                environments=(pair.environment,),
                stack=pair.stack,
                holder=f"SecurityGroup {each.group}",
                tendency="changed" if quiet else tendency,  # type: ignore[arg-type]
                text=f"{verb} {_words(each)}",
                marks=(PUBLIC,) if is_public and tendency == "looser" else (),
            )


def _words(opening: Opening) -> str:
    return show(opening.words)


def _of_new_resources(pair: StackPair) -> Iterator[PermissionChange]:
    """Yield resources that are public from their creation on, or give lasting access themselves."""
    known = pair.before.get("Resources") or {}
    for logical_id, resource in (pair.after.get("Resources") or {}).items():
        kind = str(resource.get("Type", ""))
        if logical_id in known or kind == GROUP:
            continue
        if why := CREDENTIALS.get(kind):
            yield PermissionChange(
                environments=(pair.environment,),
                stack=pair.stack,
                holder=f"{kind.rpartition('::')[2]} {logical_id}",
                tendency="looser",
                text=f"is new: {why}",
            )
        for each in weakenings(kind, {}, properties_of(resource)):
            if each.protection.category == "permissions" and each.protection.is_public and each.before is MISSING:
                yield PermissionChange(
                    environments=(pair.environment,),
                    stack=pair.stack,
                    holder=f"{kind.rpartition('::')[2]} {logical_id}",
                    tendency="looser",
                    text=f"is new with {'.'.join(each.protection.path)} {show(each.after)}: {each.protection.why}",
                    marks=(PUBLIC,),
                )


def _of_used_roles(pair: StackPair, old: Sequence[Holder], new: Sequence[Holder]) -> Iterator[PermissionChange]:
    """Yield resources that work with another role than before, unless that role may do no more."""
    before, after = pair.before.get("Resources") or {}, pair.after.get("Resources") or {}
    for logical_id in sorted(set(before) & set(after)):
        kind = str(after[logical_id].get("Type", ""))
        for path, one, other in differences(properties_of(before[logical_id]), properties_of(after[logical_id])):
            name = next((part for part in path if _ROLE_PROPERTY.fullmatch(part)), None)
            if name is None or kind.startswith("AWS::IAM::") or one is MISSING or other is MISSING:
                continue
            if _is_same_role(pair, one, other):
                continue
            was, now = _role(one, old), _role(other, new)
            if was and now and not compare(was.rules, now.rules).broadened:
                continue
            yield PermissionChange(
                environments=(pair.environment,),
                stack=pair.stack,
                holder=f"{kind.rpartition('::')[2]} {logical_id}",
                tendency="looser",
                text=f"works with another role: {'.'.join(path)} {show(one)} -> {show(other)}",
            )


def _is_same_role(pair: StackPair, before: object, after: object) -> bool:
    texts = (canonical(each) for each in (before, after))
    was, now = (
        with_references(text, names_of(side)) if isinstance(text, str) else text
        for text, side in zip(texts, (pair.before, pair.after), strict=True)
    )
    return bool(was == now)


def _role(value: object, holders: Sequence[Holder]) -> Holder | None:
    """Return the role that a property refers to, if it is in the same template."""
    names = set(references(value))
    return next((each for each in holders if each.kind == ROLE and each.keys[0].split(" ")[-1] in names), None)
