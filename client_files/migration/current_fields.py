"""Fields that a client file of the current form may have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from vectora_shared.config.client import ClientConfig
from vectora_shared.config.wording import Path


def is_current_field(path: Path) -> bool:
    """Return whether the current form has a field at this path; values are not checked."""
    schemas = [_schema()]
    for part in path:
        schemas = [inner for schema in schemas for inner in _below(schema, part)]
    return bool(schemas)


@cache
def _schema() -> dict[str, Any]:
    return ClientConfig.model_json_schema()


def _below(schema: dict[str, Any], part: str | int) -> Iterator[dict[str, Any]]:
    """Yield the schemas of an entry or key; unlike the values of a mapping, its keys are not checked."""
    for form in _forms(schema):
        if isinstance(part, int):
            inner = form.get("items")
        else:
            inner = form.get("properties", {}).get(part) or form.get("additionalProperties")
            yield from form.get("patternProperties", {}).values()
        if isinstance(inner, dict):
            yield inner


def _forms(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if reference := schema.get("$ref"):
        yield from _forms(_schema()["$defs"][str(reference).rpartition("/")[2]])
    for form in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from _forms(form)
    yield schema
