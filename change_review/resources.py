"""Resources of a stack that differ, and the effect of each difference in CloudFormation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from change_review.model import Effect, PropertyChange
from change_review.schemas import ONLY_IF, UNLESS, Schema, Schemas, is_default
from change_review.values import (
    MISSING,
    Path,
    Template,
    canonical,
    differences,
    properties_of,
    references,
    show,
    value_at,
)

# Attributes that decide about the resource itself. DependsOn and Metadata change nothing that is deployed.
ATTRIBUTES = ("Condition", "CreationPolicy", "DeletionPolicy", "UpdatePolicy", "UpdateReplacePolicy")
# What every service calls the name of a resource, in the order in which they are looked up.
_NAMES = ("Name", "Id", "Identifier")


@dataclass(frozen=True)
class Difference:
    """A resource that differs; a side on which it is missing is None."""

    logical_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    properties: tuple[PropertyChange, ...] = ()

    @property
    def type(self) -> str:
        return str((self.after or self.before or {}).get("Type", ""))

    @property
    def is_another_type(self) -> bool:
        return bool(self.before and self.after and self.before.get("Type") != self.after.get("Type"))

    def worst(self) -> Effect:
        """Return the strongest effect of any property."""
        effects = {each.effect for each in self.properties}
        order: tuple[Effect, ...] = ("replaces", "may replace", "updates")
        return next((each for each in order if each in effects), "updates")


def resource_differences(before: Template, after: Template, schemas: Schemas) -> dict[str, Difference]:
    """Return the resources that differ by logical id, with those that are replaced because they refer to such a one."""
    old, new = before.get("Resources") or {}, after.get("Resources") or {}
    changed = _changed_names(before, after)
    found: dict[str, Difference] = {}
    for logical_id in sorted({*old, *new}):
        one, other = old.get(logical_id), new.get(logical_id)
        if one is None or other is None:
            found[logical_id] = Difference(logical_id, one, other)
            continue
        properties = tuple(_property_changes(one, other, schemas, changed))
        if properties or one.get("Type") != other.get("Type"):
            found[logical_id] = Difference(logical_id, one, other, properties)
    return _with_followers(found, old, new, schemas)


def physical_name(resource: Mapping[str, Any] | None, schemas: Schemas) -> str | None:
    """Return the name that a template gives a resource; None when CloudFormation makes one up."""
    properties = properties_of(resource)
    kind = str((resource or {}).get("Type", ""))
    last = kind.rpartition("::")[2]
    # The only identifier may be a name, too; with several, one is that of another resource.
    identifiers = schemas.of(kind).identifiers
    only = identifiers if len(identifiers) == 1 and identifiers[0].endswith("Name") else ()
    named = (*(f"{last}{each}" for each in _NAMES), *only, "Name")
    for key in dict.fromkeys(named):
        value = canonical(properties.get(key))
        if isinstance(value, str) and key in properties:
            return value
    return None


def _changed_names(before: Template, after: Template) -> dict[str, str]:
    """Return parameters, mappings and conditions that differ, with their kind."""
    found: dict[str, str] = {}
    for part, kind in (("Parameters", "parameter"), ("Mappings", "mapping"), ("Conditions", "condition")):
        old, new = before.get(part) or {}, after.get(part) or {}
        for name in {*old, *new}:
            if _value_of(old.get(name), part) != _value_of(new.get(name), part):
                found[name] = kind
    return found


def _value_of(entry: Any, part: str) -> Any:
    """Return what resources get of a part's entry: a parameter's description reaches none."""
    if part == "Parameters" and isinstance(entry, Mapping):
        return {key: canonical(entry.get(key)) for key in ("Type", "Default")}
    return canonical(entry)


def _property_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], schemas: Schemas, changed: Mapping[str, str]
) -> Iterator[PropertyChange]:
    kind = str(after.get("Type", ""))
    schema = schemas.of(kind)
    old, new = properties_of(before), properties_of(after)
    paths: set[Path] = set()
    for path, one, other in differences(old, new):
        paths.add(path)
        effect, why = _effect(kind, schema, path, old, new)
        if flag := UNLESS.get((kind, path[0])):
            effect, why = ("updates", "") if _allows(after, flag) else ("replaces", why)
        yield PropertyChange(path=".".join(path), before=show(one), after=show(other), effect=effect, why=why)
    for attribute in ATTRIBUTES:
        one, other = before.get(attribute, MISSING), after.get(attribute, MISSING)
        if canonical(one) != canonical(other):
            yield PropertyChange(path=attribute, before=show(one), after=show(other), effect="updates")
    if before.get("Condition") == (name := after.get("Condition")) and name in changed:
        yield PropertyChange(
            path="Condition", before=show(name), after=show(name), effect="updates", why=f"condition {name} differs"
        )
    yield from _through_names(kind, schema, new, paths, changed)


def _allows(resource: Mapping[str, Any], flag: str) -> bool:
    return bool(canonical(value_at(resource, ("UpdatePolicy", flag))) == "true")


def _through_names(
    kind: str, schema: Schema, properties: Mapping[str, Any], paths: set[Path], changed: Mapping[str, str]
) -> Iterator[PropertyChange]:
    """Yield the properties whose text is the same and whose value is another one, because a parameter differs."""
    for key, value in properties.items():
        if any(path[0] == key for path in paths):
            continue
        for name in sorted(set(references(value)) & set(changed)):
            is_fixed = any(path[0] == key for path in (*schema.replaces, *schema.may_replace))
            yield PropertyChange(
                path=key,
                before=show(value),
                after=show(value),
                effect="may replace" if is_fixed else "updates",
                why=f"{changed[name]} {name} has another value",
            )


def _effect(
    kind: str, schema: Schema, path: Path, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[Effect, str]:
    for pattern, why in schema.replaces.items():
        if _concerns(path, pattern, before, after) and not is_default(
            kind, path, *(None if each is MISSING else each for each in (value_at(before, path), value_at(after, path)))
        ):
            return "replaces", why or f"{'.'.join(pattern)} is fixed when {kind} is created"
    for pattern, why in schema.may_replace.items():
        if _concerns(path, pattern, before, after):
            condition = ONLY_IF.get((kind, pattern[0]))
            if condition is None or condition(before.get(pattern[0]), after.get(pattern[0])):
                return "may replace", why or f"whether it replaces {kind} depends on its value"
    return "updates", ""


def _concerns(path: Path, pattern: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether a difference at `path` changes what the pattern of a schema names."""
    length = min(len(path), len(pattern))
    if any(one not in (other, "*") for other, one in zip(path[:length], pattern[:length], strict=True)):
        return False
    if len(path) >= len(pattern):
        return True
    # The difference is an entire part that has the named property inside.
    rest = pattern[length:]
    if "*" in rest:
        return True
    full = (*path, *rest)
    return bool(canonical(value_at(before, full)) != canonical(value_at(after, full)))


def _with_followers(
    found: dict[str, Difference], old: Mapping[str, Any], new: Mapping[str, Any], schemas: Schemas
) -> dict[str, Difference]:
    """Return the differences with those of resources that are replaced because they name a replaced one."""
    result = dict(found)
    named = {
        key: set(references(properties_of(old[key]))) & set(references(properties_of(new[key])))
        for key in {*old} & {*new}
    }
    waiting = [name for name, each in found.items() if each.worst() != "updates" or each.is_another_type]
    while waiting:
        replaced = waiting.pop()
        for logical_id, names in named.items():
            if (
                logical_id == replaced
                or replaced not in names
                or (change := _follows(replaced, old[logical_id], new[logical_id], schemas)) is None
            ):
                continue
            known = result.get(logical_id) or Difference(logical_id, old[logical_id], new[logical_id])
            if any(each.path == change.path and each.effect != "updates" for each in known.properties):
                continue
            if known.worst() == "updates":
                waiting.append(logical_id)
            result[logical_id] = Difference(logical_id, known.before, known.after, (*known.properties, change))
    return dict(sorted(result.items()))


def _follows(
    replaced: str, before: Mapping[str, Any], after: Mapping[str, Any], schemas: Schemas
) -> PropertyChange | None:
    schema = schemas.of(str(after.get("Type", "")))
    properties = properties_of(after)
    for pattern in (*schema.replaces, *schema.may_replace):
        value = value_at(properties, pattern[:1])
        if replaced in set(references(value)) and replaced in set(references(properties_of(before))):
            return PropertyChange(
                path=pattern[0],
                before=show(value),
                after=show(value),
                effect="may replace",
                why=f"it refers to {replaced}, which gets another identity",
            )
    return None
