"""Template of a stack without some of its resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vectora_shared.errors import VectoraError

# By logical id, the current values of references: under `Ref`, and by the name of an attribute.
ReferenceValues = Mapping[str, Mapping[str, str]]


def without_resources(template: Mapping[str, Any], values: ReferenceValues) -> dict[str, Any]:
    """Return the template without the resources in `values`; references to them become the current values.

    So no other resource changes. Raises VectoraError for a reference to an attribute that is not in `values`.
    """
    resources = {
        logical_id: _without_dependencies(resource, values)
        for logical_id, resource in template["Resources"].items()
        if logical_id not in values
    }
    reduced = {**template, "Resources": resources}
    return {
        section: _literal(content, values) if section in ("Resources", "Outputs") else content
        for section, content in reduced.items()
    }


def _without_dependencies(resource: Mapping[str, Any], values: ReferenceValues) -> dict[str, Any]:
    depends = resource.get("DependsOn", [])
    kept = [each for each in ([depends] if isinstance(depends, str) else depends) if each not in values]
    rest = {key: value for key, value in resource.items() if key != "DependsOn"}
    return {**rest, "DependsOn": kept} if kept else rest


def _literal(value: Any, values: ReferenceValues) -> Any:
    match value:
        case {"Ref": str(name)} if name in values:
            return values[name]["Ref"]
        case {"Fn::GetAtt": [str(name), str(attribute)]} if name in values:
            return _attribute(values, name, attribute)
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _substituted(text, values)}
        case {"Fn::Sub": [str(text), variables]}:
            return {"Fn::Sub": [_substituted(text, values), _literal(variables, values)]}
        case dict():
            return {key: _literal(each, values) for key, each in value.items()}
        case list():
            return [_literal(each, values) for each in value]
    return value


def _substituted(text: str, values: ReferenceValues) -> str:
    def current_value(match: re.Match[str]) -> str:
        name, _, attribute = match[1].partition(".")
        return _attribute(values, name, attribute or "Ref") if name in values else match[0]

    return re.sub(r"\$\{([A-Za-z0-9]+(?:\.[A-Za-z0-9.]+)?)\}", current_value, text)


def _attribute(values: ReferenceValues, name: str, attribute: str) -> str:
    if attribute not in values[name]:
        raise VectoraError(f"Other resources need {name}.{attribute}: {name} cannot be created again on its own.")
    return values[name][attribute]
