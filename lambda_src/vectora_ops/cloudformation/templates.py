"""Parser of CloudFormation templates in JSON or YAML, and the S3 objects that templates refer to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

S3_ARN = "arn:aws:s3:::"


class _Loader(yaml.SafeLoader):
    """YAML loader that reads CloudFormation's tags in their long form: `!Sub x` is `{"Fn::Sub": x}`."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _long_form)
# Dates stay text: a template's version looks like one.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_template(text: str) -> dict[str, Any]:
    """Return the template as a document of plain values, with functions in the long form."""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = yaml.load(text, _Loader)  # noqa: S506  (a subclass of SafeLoader)
    return parsed if isinstance(parsed, dict) else {}


@dataclass(frozen=True, order=True)
class AssetReference:
    """An S3 object that a template refers to."""

    bucket: str
    key: str

    @classmethod
    def of_arn(cls, arn: str) -> AssetReference:
        bucket, _, key = arn.removeprefix(S3_ARN).partition("/")
        return cls(bucket, key)

    @property
    def arn(self) -> str:
        return f"{S3_ARN}{self.bucket}/{self.key}"


def asset_references(
    template: Mapping[str, Any], *, parameters: Mapping[str, str], account_id: str, region: str
) -> tuple[AssetReference, ...]:
    """Return the S3 objects that the template's resources load code or content from, sorted.

    A reference is a pair of properties such as S3Bucket and S3Key, or ContentBucket and ContentKey.
    """
    known = {"AWS::AccountId": account_id, "AWS::Region": region, "AWS::Partition": "aws", **parameters}
    found = set()
    for properties in _mappings(template.get("Resources", {})):
        for name, value in properties.items():
            if name.endswith("Key") and f"{name[:-3]}Bucket" in properties:
                bucket, key = _resolved(properties[f"{name[:-3]}Bucket"], known), _resolved(value, known)
                if bucket and key:
                    found.add(AssetReference(bucket, key))
    return tuple(sorted(found))


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for each in value.values():
            yield from _mappings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _mappings(each)


def _resolved(value: Any, known: Mapping[str, str]) -> str | None:
    if isinstance(value, str):
        return value
    match value:
        case {"Ref": str(name)}:
            return known.get(name)
        case {"Fn::Sub": str(text)}:
            resolved = re.sub(r"\$\{([\w:]+)\}", lambda match: known.get(match[1], match[0]), text)
            return None if "${" in resolved else resolved
    return None
