"""Writes what follows from models and names: JSON schemas, the configuration's reference, the operator's policy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cli.approver_policy import APPROVER_POLICY_FILE, approver_policy_text
from cli.operator_policy import POLICY_FILE, policy_text
from vectora_ops.settings import load_settings
from vectora_ops.snapshots.manifest import Manifest
from vectora_shared.config.canonical import Prompt
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import (
    BONUS_SCOPE_KINDS,
    CANONICAL_FILES,
    DOMAIN_SCOPES,
    PROMPTS_PREFIX,
    SCOPE_KEYS,
    Canonical,
)
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_canonical
from vectora_shared.config.values import EVENT_TYPES

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "config"
SCHEMAS_FOLDER = "config/schemas"
REFERENCE = "docs/reference/configuration.md"


@dataclass(frozen=True)
class _File:
    """A kind of configuration file: its schema's name, its model, and the files that have it."""

    schema: str
    model: type[BaseModel]
    files: tuple[str, ...]


FILES = (
    _File("client.json", ClientConfig, ("clients/*.yaml",)),
    _File("names.json", CANONICAL_FILES[SCOPE_KEYS["companies"]], tuple(list(SCOPE_KEYS.values())[:4])),
    *(
        _File(Path(key).stem + ".json", model, (key,))
        for key, model in CANONICAL_FILES.items()
        if key not in list(SCOPE_KEYS.values())[:4]
    ),
    _File("prompt.json", Prompt, (f"{PROMPTS_PREFIX}*.yaml",)),
)


def generated() -> Mapping[str, str]:
    """Return every generated file by its path in the repository."""
    canonical = load_canonical(FolderContent(CONFIG))
    schemas = {f"{SCHEMAS_FOLDER}/{file.schema}": _schema(file, canonical) for file in FILES}
    manifest = {f"{SCHEMAS_FOLDER}/snapshot-manifest-1.json": Manifest.model_json_schema(by_alias=True)}
    texts = {
        path: json.dumps(schema, indent=2, sort_keys=True) + "\n" for path, schema in {**schemas, **manifest}.items()
    }
    settings = load_settings(ROOT)
    policies = {POLICY_FILE: policy_text(settings), APPROVER_POLICY_FILE: approver_policy_text(settings)}
    return {**texts, REFERENCE: "\n".join(_reference(schemas)) + "\n", **policies}


def schema_line(key: str) -> str:
    """Return the first line of the configuration file `key`, by which editors find its schema."""
    schema = next(file.schema for file in FILES if any(Path(key).match(pattern) for pattern in file.files))
    return f"# yaml-language-server: $schema={'../' * (len(Path(key).parts) - 1)}schemas/{schema}"


def _schema(file: _File, canonical: Canonical) -> dict[str, Any]:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **file.model.model_json_schema()}
    if file.model is ClientConfig:
        _name_choices(schema["$defs"], canonical)
    if file.schema == "scoring.json":
        _choose(schema["$defs"]["ScopeBonus"], "scope", _bonus_scopes(canonical))
    return schema


def _name_choices(definitions: dict[str, Any], canonical: Canonical) -> None:
    """Offer the names that canonical files define, for editors."""
    domain = definitions["WatchDomain"]
    for field, kind in DOMAIN_SCOPES.items():
        _choose(domain, field, getattr(canonical.scopes, kind).scopes)
    _choose_items(domain, "exclusion_scopes", canonical.scopes.exclusions.scopes)
    _choose(definitions["Pipeline"], "analysis_prompt", canonical.prompts)
    _choose(definitions["ScopeBonus"], "scope", _bonus_scopes(canonical))
    sources = definitions["SourceConfig"]
    _choose_items(sources, "source_bouquets_enabled", [each.bouquet_id for each in canonical.sources.bouquets])
    _choose_items(sources, "sources_extra_enabled", [each.source_key for each in canonical.sources.sources])


def _bonus_scopes(canonical: Canonical) -> list[str]:
    return [name for kind in BONUS_SCOPE_KINDS for name in getattr(canonical.scopes, kind).scopes]


def _choose(definition: dict[str, Any], field: str, names: Any) -> None:
    kept = {"title", "description", "default"}
    found = {key: value for key, value in definition["properties"][field].items() if key in kept}
    definition["properties"][field] = {**found, "enum": [*names, *([None] if found.get("default", "") is None else [])]}


def _choose_items(definition: dict[str, Any], field: str, names: Any) -> None:
    definition["properties"][field]["items"] = {"enum": list(names)}


# --- the reference


def _reference(schemas: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    yield "# Reference of the configuration"
    yield ""
    yield (
        "Every key of every file in `config/clients/` and `config/canonical/`. Written by `make templates` from the "
        "models that check the files; a key that is not listed here is refused. Keys without a default must be there."
    )
    for file in FILES:
        schema = schemas[f"{SCHEMAS_FOLDER}/{file.schema}"]
        yield ""
        yield f"## {', '.join(f'`{name}`' for name in file.files)}"
        yield ""
        yield "| key | effect | allowed | default |"
        yield "| --- | --- | --- | --- |"
        yield from _rows("", schema, schema.get("$defs", {}))


def _rows(prefix: str, definition: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    required = set(definition.get("required", ()))
    for name, field in definition.get("properties", {}).items():
        path = f"{prefix}{name}"
        default = "" if name in required else f"`{json.dumps(field.get('default', {}))}`"
        effect = field.get("description") or (_inner(field, definitions)[0] or {}).get("description", "")
        yield f"| `{path}` | {effect} | {_allowed(field, definitions)} | {default} |"
        inner, suffix = _inner(field, definitions)
        if inner is not None:
            yield from _rows(f"{path}{suffix}.", inner, definitions)


def _inner(field: dict[str, Any], definitions: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Return the mapping below a key, and how a path to it continues."""
    for choice in field.get("anyOf", [field]):
        if "$ref" in choice:
            return definitions[choice["$ref"].rsplit("/", 1)[-1]], ""
        if "$ref" in choice.get("items", {}):
            return _inner(choice["items"], definitions)[0], "[]"
        if "$ref" in (choice.get("additionalProperties") or {}):
            return _inner(choice["additionalProperties"], definitions)[0], ".{name}"
    return None, ""


def _allowed(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    choices = [choice for choice in field.get("anyOf", [field]) if choice.get("type") != "null"]
    return " or ".join(_kind(choice) for choice in choices).replace("|", "\\|")


def _kind(choice: dict[str, Any]) -> str:
    if "enum" in choice:
        names = [str(name) for name in choice["enum"] if name is not None]
        return "event type" if names == list(EVENT_TYPES) else ", ".join(f"`{name}`" for name in names)
    kind = choice.get("type")
    if kind == "array":
        return f"list of {_kind(choice['items'])}"
    if kind in ("number", "integer"):
        low, high = choice.get("minimum"), choice.get("maximum")
        return ("number" if kind == "number" else "whole number") + (
            f", {low:g} to {high:g}" if high is not None else ""
        )
    return {"string": "text", "boolean": "`true`, `false`"}.get(str(kind), "keys below")


def main() -> None:
    for path, text in generated().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
