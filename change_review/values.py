"""Values of templates: parsed, compared as CloudFormation compares them, and shown."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from vectora_review.lines import readable
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

Template = Mapping[str, Any]
Path = tuple[str, ...]
MISSING = object()
_NO_VALUE = b"AWS::NoValue"
# Of a longer value the beginning is shown, and its digest.
LONGEST = 8 * 1024
# Lists whose order means nothing: tags (Resource tag reference), and the lists of an IAM policy (policy grammar).
UNORDERED = frozenset({"Tags", "Action", "NotAction", "Resource", "NotResource", "Statement", "ManagedPolicyArns"})
_PARTITION = {"${AWS::Partition}": "aws", "${AWS::URLSuffix}": "amazonaws.com"}
# The name of a bucket in the ARN of one (AWS::S3::Bucket, return values).
_BUCKET_ARN = re.compile(r"arn:aws:s3:::\$\{([^!}.]+)\}")
_REFERENCE = re.compile(r"\$\{([^!}][^}.]*)")


class _Loader(yaml.CSafeLoader):
    """YAML with CloudFormation's short functions, and with dates and numbers as they are written."""


def _function(loader: yaml.Loader, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = node.value
        return {name: value.split(".", 1) if name == "Fn::GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)  # noqa: S101
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _function)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _loader, node: str(node.value))


def parse_template(name: str, body: bytes) -> Template:
    """Return a template in YAML or JSON; raises VectoraError when it is none."""
    try:
        # A safe loader, with constructors of plain data only.
        found = yaml.load(body, Loader=_Loader)  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise VectoraError(f"{name} is neither YAML nor JSON: {reason}. Write it again (make templates).") from error
    if not isinstance(found, dict) or not isinstance(found.get("Resources", {}), dict):
        raise VectoraError(f"{name} is no template of CloudFormation: it has no mapping of resources.")
    return _without_no_value(found) if _NO_VALUE in body else found


def _without_no_value(value: Any) -> Any:
    """Return a value without the properties that are AWS::NoValue, which CloudFormation removes."""
    if isinstance(value, Mapping):
        return {key: _without_no_value(each) for key, each in value.items() if each != {"Ref": "AWS::NoValue"}}
    return [_without_no_value(each) for each in value] if isinstance(value, list) else value


def canonical(value: Any, key: str = "") -> Any:
    """Return a value such that equal meanings are equal: CloudFormation passes scalars on as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:g}" if float(value).is_integer() else repr(value)
    if isinstance(value, Mapping):
        if (text := _as_substitution(value)) is not None:
            return text
        return {name: canonical(each, name) for name, each in value.items()}
    if isinstance(value, list):
        entries = [canonical(each) for each in value]
        return sorted(entries, key=_sorted_text) if key in UNORDERED else entries
    return value


def _with_names(text: str, names: Mapping[str, Any]) -> str | None:
    """Return the text of Fn::Sub with its own names filled in; None when a value is no text."""
    if not all(isinstance(each, str) for each in names.values()):
        return None
    for name, each in names.items():
        text = text.replace(f"${{{name}}}", each)
    return text


def _sorted_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _as_substitution(value: Mapping[str, Any]) -> Any:
    """Return a Ref, GetAtt, Sub or Join without nested functions as one text; None for any other value.

    `${!Literal}` of Fn::Sub keeps its escape, so that it is never taken for a reference.
    """
    found = _substituted(value)
    # This project is in the partition aws, so that either spelling is the same name.
    return None if found is None else _in_partition(found)


def _in_partition(text: str) -> str:
    for variable, meaning in _PARTITION.items():
        text = text.replace(variable, meaning)
    return _BUCKET_ARN.sub(r"${\1.Arn}", text)


def _substituted(value: Mapping[str, Any]) -> str | None:
    if len(value) != 1:
        return None
    [(name, argument)] = value.items()
    if name == "Ref" and isinstance(argument, str):
        return f"${{{argument}}}"
    if name == "Fn::GetAtt":
        parts = argument if isinstance(argument, list) else [argument]
        return f"${{{'.'.join(map(str, parts))}}}" if all(isinstance(each, str) for each in parts) else None
    if name == "Fn::Sub" and isinstance(argument, str):
        return argument
    if name == "Fn::Sub" and isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], Mapping):
        return _with_names(str(argument[0]), {key: canonical(each) for key, each in argument[1].items()})
    if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], list):
        parts = [canonical(each) for each in argument[1]]
        return str(argument[0]).join(parts) if all(isinstance(each, str) for each in parts) else None
    return None


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Yield the path and both values of each part that differs, as deep as both sides have the same shape."""
    # Most parts are the very same, which is known sooner.
    if before == after or (
        before is not MISSING
        and after is not MISSING
        and canonical(before, _last(path)) == canonical(after, _last(path))
    ):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not _is_function(before, after):
        for key in sorted({*before, *after}, key=str):
            yield from differences(before.get(key, MISSING), after.get(key, MISSING), (*path, str(key)))
        return
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, (*path, str(number)))
        return
    if isinstance(before, list) and isinstance(after, list) and (sides := _by_name(before, after)):
        for name in dict.fromkeys((*sides[0], *sides[1])):
            old, new = (side.get(name, MISSING) for side in sides)
            yield from differences(old, new, (*path, name))
        return
    yield path, before, after


# By which the entries of a list are distinguished, such as the actions of a pipeline's stage.
_ENTRY_NAMES = ("Name", "Id", "Sid", "Key", "PolicyName", "AttributeName", "IndexName", "RuleName")


def _by_name(before: list[Any], after: list[Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the entries of two lists by their name; None when they have none, or when their order differs too."""
    for key in _ENTRY_NAMES:
        sides = tuple(
            {each[key]: each for each in side if isinstance(each, Mapping) and isinstance(each.get(key), str)}
            for side in (before, after)
        )
        if all(len(found) == len(side) > 0 for found, side in zip(sides, (before, after), strict=True)):
            old, new = sides
            same = [name for name in old if name in new] == [name for name in new if name in old]
            return (old, new) if same else None
    return None


def _is_function(*values: Mapping[str, Any]) -> bool:
    return any(len(each) == 1 and next(iter(each)).startswith(("Fn::", "Ref")) for each in values)


def _last(path: Path) -> str:
    return path[-1] if path else ""


def references(value: Any) -> Iterator[str]:
    """Yield the names that a value refers to: resources, parameters, mappings and conditions."""
    if isinstance(value, Mapping):
        for name, argument in value.items():
            if name in ("Ref", "Condition") and isinstance(argument, str):
                yield argument
            elif name in ("Fn::GetAtt", "Fn::FindInMap", "Fn::If") and argument:
                first = argument.split(".")[0] if isinstance(argument, str) else argument[0]
                if isinstance(first, str):
                    yield first
            elif name == "Fn::Sub":
                text = argument[0] if isinstance(argument, list) else argument
                yield from (found[1] for found in _REFERENCE.finditer(str(text)))
            yield from references(argument)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def show(value: Any) -> str:
    """Return a value in one line for people, complete: findings are identified by it. It is not trusted."""
    if value is MISSING:
        return "none"
    text = readable(str(value).lower() if isinstance(value, bool) else value)
    if len(text) < LONGEST:
        return plain(text)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"{plain(text[:LONGEST])}... (SHA-256 {digest})"


def value_at(properties: Any, path: Path) -> Any:
    """Return the value at a path; MISSING when there is none."""
    for key in path:
        if not isinstance(properties, Mapping) or key not in properties:
            return MISSING
        properties = properties[key]
    return properties


def properties_of(resource: Any) -> Mapping[str, Any]:
    """Return the properties of a resource, which it may not have."""
    found = resource.get("Properties") if isinstance(resource, Mapping) else None
    return found if isinstance(found, Mapping) else {}
