"""Schemas and reference of the configuration agree with its models, and the code reads every field."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from tests.repository import ROOT
from tools.write_schemas import FILES, SCHEMAS_FOLDER, generated, schema_line

CONFIG = ROOT / "config"
KEYS = [
    path.relative_to(CONFIG).as_posix()
    for folder in ("clients", "canonical")
    for path in sorted((CONFIG / folder).rglob("*.yaml"))
]


def _models() -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = set()
    pending: list[Any] = [file.model for file in FILES]
    while pending:
        current = pending.pop()
        if isinstance(current, type) and issubclass(current, BaseModel):
            if current not in found:
                found.add(current)
                pending += [field.annotation for field in current.model_fields.values()]
        else:
            pending += [getattr(current, "__origin__", None), *get_args(current)] if get_args(current) else []
    return found


def test_generated_files_are_those_of_the_models() -> None:
    for path, text in generated().items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path} is stale: run make templates"
    published = {f"{SCHEMAS_FOLDER}/{path.name}" for path in (ROOT / SCHEMAS_FOLDER).iterdir()}
    assert published <= set(generated())


@pytest.mark.parametrize("key", KEYS)
def test_every_file_names_its_schema_for_editors(key: str) -> None:
    first = (CONFIG / key).read_text(encoding="utf-8").splitlines()[0]
    assert first == schema_line(key)
    assert ((CONFIG / key).parent / first.rpartition("=")[2]).resolve().is_file()


def test_every_field_has_a_description() -> None:
    silent = [
        f"{model.__name__}.{name}"
        for model in _models()
        for name, field in model.model_fields.items()
        if not (field.description or "").endswith(".")
    ]
    assert silent == []


def test_schemas_list_the_existing_names() -> None:
    definitions = json.loads((ROOT / SCHEMAS_FOLDER / "client.json").read_text(encoding="utf-8"))["$defs"]
    assert definitions["WatchDomain"]["properties"]["technology_scope"]["enum"] == ["lai_keywords"]
    assert "recruitment" in definitions["WatchDomain"]["properties"]["exclusion_scopes"]["items"]["enum"]
    assert "lai_press_mvp" in definitions["SourceConfig"]["properties"]["source_bouquets_enabled"]["items"]["enum"]


def _names_read() -> Iterator[str]:
    """Yield all attributes in the code, and all texts outside the models, by which some fields are read."""
    models = {"client.py", "canonical.py"}
    folders = [ROOT / name for name in ("lambda_src", "cli", "client_files", "stacks")]
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        is_model = path.parent.name == "config" and path.name in models
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                yield node.attr
            elif not is_model and isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_something_reads_every_field() -> None:
    read = set(_names_read())
    unread = [f"{model.__name__}.{name}" for model in _models() for name in model.model_fields if name not in read]
    assert unread == []
