"""Invalid variants of a valid configuration file: each value broken in all ways that its kind allows."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from vectora_shared.config.wording import Path, dotted
from vectora_shared.config.yaml_file import parse_yaml

Way = Literal["missing", "wrong type", "unknown name", "duplicate"]
NO_NAME = "zzz_nothing_has_this_name"


@dataclass(frozen=True)
class Broken:
    """A file with one invalid value, and the position that the error message must name."""

    way: Way
    path: Path
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.way} {dotted(self.path)}"


def broken_files(document: dict[str, Any], model: type[BaseModel], references: set[Path]) -> Iterator[Broken]:
    """Yield the variants; `references` are paths of names that another file must define, * being any key or index."""
    for path, value in _values((), document):
        yield _with(document, "wrong type", path, _another_type(value))
        if _is_required(model, path):
            yield _without(document, path)
        if isinstance(path[-1], str):
            yield _duplicate_key(document, path)
            if not _is_free_name(model, path):
                yield _renamed_key(document, path)
        else:
            yield _duplicate_entry(document, path, value)
        if isinstance(value, str) and any(_fits(path, pattern) for pattern in references):
            yield _with(document, "unknown name", path, NO_NAME)


def _values(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, value
    entries = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        # All entries have one kind: the first and the last represent the others.
        entries = entries[:1] + entries[1:][-1:]
    for key, entry in entries:
        yield from _values((*path, key), entry)


def _another_type(value: Any) -> Any:
    return {"neither": "of", "these": 1} if not isinstance(value, dict) else ["a", "list"]


def _parent(document: Any, path: Path) -> Any:
    for part in path[:-1]:
        document = document[part]
    return document


def _with(document: dict[str, Any], way: Way, path: Path, value: Any) -> Broken:
    changed = copy.deepcopy(document)
    _parent(changed, path)[path[-1]] = value
    return _broken(way, path, changed)


def _without(document: dict[str, Any], path: Path) -> Broken:
    changed = copy.deepcopy(document)
    del _parent(changed, path)[path[-1]]
    return _broken("missing", path, changed)


def _renamed_key(document: dict[str, Any], path: Path) -> Broken:
    changed = copy.deepcopy(document)
    parent = _parent(changed, path)
    parent[NO_NAME] = parent.pop(path[-1])
    return _broken("unknown name", (*path[:-1], NO_NAME), changed)


def _duplicate_entry(document: dict[str, Any], path: Path, value: Any) -> Broken:
    changed = copy.deepcopy(document)
    entries = _parent(changed, path)
    entries.append(copy.deepcopy(value))
    return _broken("duplicate", (*path[:-1], len(entries) - 1), changed)


def _duplicate_key(document: dict[str, Any], path: Path) -> Broken:
    lines = _text(document).splitlines()
    position = parse_yaml("file", _text(document).encode("utf-8")).position_of(path)
    line = lines[position.line - 1]
    before, rest = line[: position.column - 1], line[position.column - 1 :]
    key = re.split(r":(?:\s|$)", rest)[0]
    lines[position.line - 1 : position.line] = [f"{before}{key}: 1", " " * len(before) + rest]
    return Broken("duplicate", path, "\n".join(lines) + "\n", position.line + 1)


def _broken(way: Way, path: Path, document: dict[str, Any]) -> Broken:
    text = _text(document)
    return Broken(way, path, text, parse_yaml("file", text.encode("utf-8")).position_of(path).line)


def _text(document: Any) -> str:
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=10_000)


def _fits(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(wanted in ("*", part) for part, wanted in zip(path, pattern, strict=True))


def _is_free_name(model: type[BaseModel], path: Path) -> bool:
    """Return whether the key is a name that the file itself defines, such as a scope's."""
    current: Any = model
    for part in path[:-1]:
        current = _inner(current, part)
    plain = _stripped(current)
    if getattr(plain, "model_fields", None) is not None:
        return False
    return not hasattr(_stripped(plain.__args__[0]), "__args__")


def _is_required(model: type[BaseModel], path: Path) -> bool:
    """Return whether the model requires the key, or the list needs the entry."""
    current: Any = model
    for part in path[:-1]:
        current = _inner(current, part)
    fields: dict[str, Any] = getattr(_stripped(current), "model_fields", {})
    return path[-1] in fields and fields[str(path[-1])].is_required()


def _inner(annotation: Any, part: str | int) -> Any:
    plain = _stripped(annotation)
    fields = getattr(plain, "model_fields", None)
    if fields is not None:
        return fields[str(part)].annotation
    arguments = [argument for argument in getattr(plain, "__args__", ()) if argument is not Ellipsis]
    return arguments[-1] if arguments else None


def _stripped(annotation: Any) -> Any:
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    arguments = [argument for argument in getattr(annotation, "__args__", ()) if argument is not type(None)]
    is_optional = type(None) in getattr(annotation, "__args__", ())
    return _stripped(arguments[0]) if is_optional and len(arguments) == 1 else annotation
