"""Names of resources that a template writes as text on one side and as a reference on the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from change_review.statements import Comparison, Part, Rule, compare
from change_review.values import Template, canonical, properties_of

Names = Mapping[str, str]


def names_of(template: Template) -> dict[str, str]:
    """Return the ARNs of named resources with the reference that is the same: text by text."""
    found: dict[str, str] = {}
    for logical_id, resource in (template.get("Resources") or {}).items():
        kind, properties = resource.get("Type"), properties_of(resource)
        if kind == "AWS::S3::Bucket" and isinstance(name := canonical(properties.get("BucketName")), str):
            found[f"arn:aws:s3:::{name}"] = f"${{{logical_id}.Arn}}"
        elif kind == "AWS::IAM::Role" and isinstance(name := canonical(properties.get("RoleName")), str):
            path = canonical(properties.get("Path", "/"))
            found[f"arn:aws:iam::${{AWS::AccountId}}:role{path}{name}"] = f"${{{logical_id}.Arn}}"
    return found


def with_references(text: str, names: Names) -> str:
    """Return a text with references in place of the ARNs that are the same."""
    for arn, reference in names.items():
        if text == arn or text.startswith((f"{arn}/", f"{arn}:")):
            return reference + text[len(arn) :]
        if text.removeprefix("AWS ") == arn:
            return f"AWS {reference}"
    return text


def compare_by_names(before: Iterable[Rule], after: Iterable[Rule], names: tuple[Names, Names]) -> Comparison:
    """Return the comparison of rules without those that differ in the spelling of a name only."""
    old, new = tuple(before), tuple(after)
    found = compare(old, new)
    if not (found.broadened or found.narrowed) or not any(names):
        return found
    same = compare(*([_renamed(each, known) for each in side] for side, known in zip((old, new), names, strict=True)))
    broadened, narrowed = set(same.broadened), set(same.narrowed)
    # What is gained has the names of the new side if it is allowed, and those of the old one if a denial is lost.
    return Comparison(
        tuple(each for each in found.broadened if _renamed(each, names[each.is_allow]) in broadened),
        tuple(each for each in found.narrowed if _renamed(each, names[not each.is_allow]) in narrowed),
    )


def _renamed(rule: Rule, names: Names) -> Rule:
    def part(found: Part) -> Part:
        return Part(tuple(with_references(each, names) for each in found.patterns), found.is_negated)

    return replace(rule, resource=part(rule.resource), principal=part(rule.principal))
