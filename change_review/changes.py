"""Changes of resources with what they mean for data: replaced, lost, left behind, renamed and moved ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from change_review.finding import draft
from change_review.model import Action, Finding, PropertyChange, ResourceChange
from change_review.protections import weakenings
from change_review.resources import Difference, physical_name, resource_differences
from change_review.schemas import Schemas
from change_review.stateful import DATA, DELETE, KEEPS, SNAPSHOT, VERSIONS, policy_of
from change_review.templates import StackPair
from change_review.values import canonical, properties_of, references, show

ACTION_OF_EFFECT: Mapping[str, Action] = {
    "replaces": "replaced",
    "may replace": "may be replaced",
    "updates": "changed",
}
# CloudFormation user guide, "Resource attributes: UpdateReplacePolicy" and "Custom names": a new resource is created
# before the old one is deleted, so that a fixed name is taken.
NAME_IS_TAKEN = (
    "its name stays the same, so CloudFormation cannot create the new one beside it and the deployment fails: rename it"
)
# A target has one of these: PutBucketPolicy, SetTopicAttributes and SetQueueAttributes replace it, and PutPermission
# replaces the statement with the same id (API references).
ONLY_ONE = frozenset(
    {"AWS::Events::EventBusPolicy", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"}
)
IMPORT_ADVICE = "import it into the new stack first (cdk import, or docs/runbooks/adopt-the-running-system.md)"


@dataclass(frozen=True)
class _One:
    """A resource that differs, with its stack."""

    pair: StackPair
    difference: Difference


def changes_of_environment(
    pairs: Sequence[StackPair], schemas: Schemas
) -> tuple[tuple[ResourceChange, ...], tuple[Finding, ...]]:
    """Return the changes of the stacks of one environment, and the findings on them."""
    ones = [
        _One(pair, difference)
        for pair in pairs
        for difference in resource_differences(pair.before, pair.after, schemas).values()
    ]
    successors = dict(_successors(ones, schemas))
    described = [
        _described(one, successors.get(number), ones, schemas)
        for number, one in enumerate(ones)
        if number not in successors.values()
    ]
    findings = [
        draft("data", each, _sentence(each), subject=subject(each.type, each.name))
        for each in described
        if each.is_at_risk
    ]
    for one in ones:
        findings += _of_attributes(one, schemas)
    return tuple(described), tuple(findings)


def _successors(ones: Sequence[_One], schemas: Schemas) -> Iterator[tuple[int, int]]:
    """Yield each removed resource with the added one that is the same thing under another id or in another stack."""
    added = [number for number, one in enumerate(ones) if one.difference.before is None]
    for number, one in enumerate(ones):
        if one.difference.after is not None:
            continue
        for candidate in added:
            if _is_same(one.difference, ones[candidate].difference, schemas):
                added.remove(candidate)
                yield number, candidate
                break


def _is_same(removed: Difference, added: Difference, schemas: Schemas) -> bool:
    if removed.type != added.type:
        return False
    names = [physical_name(each, schemas) for each in (removed.before, added.after)]
    if any(names):
        return names[0] == names[1]
    return bool(canonical(properties_of(removed.before)) == canonical(properties_of(added.after)))


def _described(one: _One, successor: int | None, ones: Sequence[_One], schemas: Schemas) -> ResourceChange:
    difference = one.difference
    change = ResourceChange(
        environments=(one.pair.environment,),
        stack=one.pair.stack,
        logical_id=difference.logical_id,
        type=difference.type,
        name=show(physical_name(difference.before or difference.after, schemas) or difference.logical_id),
        action="changed",
        properties=difference.properties,
        data=DATA.get(difference.type, ""),
    )
    if difference.before is None:
        return replace(change, action="added", data="")
    if difference.after is None:
        if successor is not None:
            return _renamed(change, one, ones[successor], schemas)
        return _removed(change, difference.before)
    if difference.is_another_type:
        before = str(difference.before.get("Type"))
        reason = f"its type is {before} before: CloudFormation refuses another type under the same id"
        return replace(change, action="replaced", reason=reason, is_at_risk=True, data=DATA.get(before, ""))
    return _changed(change, difference, schemas)


def _removed(change: ResourceChange, before: Mapping[str, Any]) -> ResourceChange:
    policy = policy_of(before, "DeletionPolicy")
    if policy in KEEPS:
        note = "it stays in the account, outside any stack"
        return replace(change, action="left behind", note=note)
    if policy == SNAPSHOT:
        note = "CloudFormation keeps a last snapshot of it"
        return replace(change, action="removed", note=note, is_at_risk=bool(change.data))
    note = "S3 deletes only empty buckets: the deletion fails while it has objects" if _is_bucket(change) else ""
    return replace(change, action="removed", note=note, is_at_risk=bool(change.data))


def _is_bucket(change: ResourceChange) -> bool:
    return change.type == "AWS::S3::Bucket"


def _renamed(change: ResourceChange, one: _One, successor: _One, schemas: Schemas) -> ResourceChange:
    """Return the change of a resource that goes on under another logical id, or in another stack."""
    assert one.difference.before is not None  # noqa: S101
    keeps = policy_of(one.difference.before, "DeletionPolicy") in KEEPS
    is_named = physical_name(one.difference.before, schemas) is not None
    what = f"CloudFormation {'leaves it behind' if keeps else 'deletes it'} and creates a new, empty one"
    if one.pair.stack != successor.pair.stack:
        reason = f"moved to {successor.pair.stack} ({successor.difference.logical_id}): {what}"
        note = IMPORT_ADVICE if change.data or is_named else ""
    else:
        reason = f"renamed id: {change.logical_id} -> {successor.difference.logical_id}, so {what}"
        note = "its name is taken until it is deleted, so the deployment fails: keep the logical id" if is_named else ""
    if change.type in ONLY_ONE:
        note = (
            "its target has one policy only: the creation fails, or the deletion of the old one takes the new one away"
        )
    is_at_risk = bool(change.data) or is_named or change.type in ONLY_ONE
    return replace(change, action="replaced", reason=reason, note=note, is_at_risk=is_at_risk)


def _changed(change: ResourceChange, difference: Difference, schemas: Schemas) -> ResourceChange:
    assert difference.before is not None  # noqa: S101
    effect = difference.worst()
    if effect == "updates":
        return replace(change, action="changed", data="")
    if change.type in VERSIONS:
        return replace(change, action="new version", data="")
    causes = [each for each in difference.properties if each.effect == effect]
    # A property that differs itself says more than a reference to another resource.
    cause = next((each for each in causes if each.before != each.after), causes[0])
    old, new = (physical_name(each, schemas) for each in (difference.before, difference.after))
    note = NAME_IS_TAKEN if effect == "replaces" and old is not None and old == new else ""
    keeps = all(policy_of(each or {}, "UpdateReplacePolicy") in KEEPS for each in (difference.before, difference.after))
    if change.data and keeps:
        note = "; ".join(filter(None, (note, "the old one is left behind with its data, and the new one is empty")))
    is_follower = cause.before == cause.after and not cause.why.startswith("parameter")
    is_at_risk = bool(change.data) or not is_follower
    return replace(change, action=ACTION_OF_EFFECT[effect], reason=_cause(cause), note=note, is_at_risk=is_at_risk)


def _cause(change: PropertyChange) -> str:
    values = f" {change.before} -> {change.after}" if change.before != change.after else ""
    return f"{change.path}{values}{f' ({change.why})' if change.why else ''}"


def _sentence(change: ResourceChange) -> str:
    verb = {"replaced": "is replaced", "may be replaced": "may be replaced", "removed": "is removed"}[change.action]
    parts = [f"{subject(change.type, change.name)} {verb}{f': {change.reason}' if change.reason else ''}"]
    if change.data:
        parts.append(f"at risk: {change.data}")
    return "; ".join(filter(None, (*parts, change.note)))


def subject(kind: str, name: str) -> str:
    """Return a resource as people call it, such as `S3 bucket vectora-inbox-data-prod`."""
    service, _, thing = kind.removeprefix("AWS::").rpartition("::")
    return f"{service} {thing} {name}".strip()


def _of_attributes(one: _One, schemas: Schemas) -> Iterator[Finding]:
    """Yield findings on a resource that stays: weaker protection, and a policy that no longer keeps its data."""
    before, after = one.difference.before, one.difference.after
    if before is None or after is None or one.difference.is_another_type:
        return
    kind = one.difference.type
    what = subject(kind, show(physical_name(after, schemas) or one.difference.logical_id))
    for each in weakenings(kind, properties_of(before), properties_of(after)):
        path = ".".join(each.protection.path)
        text = f"{what}: {path} {show(each.before)} -> {show(each.after)}, so {each.protection.why}"
        yield draft(each.protection.category, one.pair, text, subject=what)
    if kind not in DATA:
        return
    for attribute, event in (("DeletionPolicy", "removed"), ("UpdateReplacePolicy", "replaced")):
        old, new = policy_of(before, attribute), policy_of(after, attribute)
        if old != DELETE and new == DELETE:
            text = f"{what}: {attribute} {old} -> Delete; at risk when it is {event}: {DATA[kind]}"
            yield draft("data", one.pair, text, subject=what)
    if "Condition" in after and any(each.path == "Condition" for each in one.difference.properties):
        condition = next(references({"Condition": after["Condition"]}), "")
        text = f"{what} exists only under the condition {condition}, which may remove it; at risk: {DATA[kind]}"
        yield draft("data", one.pair, text, subject=what)
