"""YAML files read into typed models; every complaint names file, line, key and what is allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from vectora_core.errors import ConfigurationError

Path = tuple[str | int, ...]


class Section(BaseModel):
    """A part of a configuration file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


SectionT = TypeVar("SectionT", bound=Section)


@dataclass(frozen=True)
class YamlFile:
    """A parsed YAML file with the line (from 1) of every key and list entry."""

    name: str
    data: Any
    lines: dict[Path, int]

    def line_of(self, path: Path) -> int:
        """Line of the innermost part of `path` that the file has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 without implicit dates: a version or a date in a file stays the text that was written."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(name: str, content: bytes) -> YamlFile:
    """Parse one YAML document.

    Raises ConfigurationError when the content is not UTF-8, not YAML, or has the same key twice in a mapping.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name}: byte {error.start} is not UTF-8: save the file as UTF-8.") from error
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            lines: dict[Path, int] = {}
            if root is not None:
                _collect_lines(name, root, (), lines)
            data = _frozen(loader.construct_document(root)) if root is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
        raise ConfigurationError(f"{where}: not valid YAML: {error.problem or error.context}.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"{name}: not valid YAML: {reason}.") from error
    return YamlFile(name=name, data=data, lines=lines)


def _frozen(value: Any) -> Any:
    """Lists become tuples, as strict models expect them."""
    if isinstance(value, dict):
        return {key: _frozen(entry) for key, entry in value.items()}
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list) else value


def _collect_lines(name: str, node: yaml.Node, path: Path, lines: dict[Path, int]) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in seen:
                raise ConfigurationError(
                    f"{name}, line {line}: key '{dotted((*path, key))}' stands twice: keep one of them."
                )
            seen.add(key)
            lines[(*path, key)] = line
            _collect_lines(name, value_node, (*path, key), lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, entry in enumerate(node.value):
            lines[(*path, index)] = entry.start_mark.line + 1
            _collect_lines(name, entry, (*path, index), lines)


def read_section(model: type[SectionT], file: YamlFile) -> SectionT:
    """Validate the whole file as `model`.

    Raises ConfigurationError with one sentence a problem, each on a line of its own.
    """
    if not isinstance(file.data, dict):
        raise ConfigurationError(f"{file.name}, line 1: expected a mapping of keys, found {_kind(file.data)}.")
    try:
        return model.model_validate(file.data)
    except ValidationError as error:
        raise ConfigurationError("\n".join(_sentence(file, model, detail) for detail in error.errors())) from error


def _sentence(file: YamlFile, model: type[Section], detail: ErrorDetails) -> str:
    path = tuple(part for part in detail["loc"] if not _is_schema_tag(part))
    where = f"{file.name}, line {file.line_of(path)}: key '{dotted(path)}'" if path else f"{file.name}, line 1:"
    match detail["type"]:
        case "missing":
            return f"{where} is missing: add it ({_allowed(model, path)})."
        case "extra_forbidden":
            return f"{where} is unknown: allowed here are {_siblings(model, path)}."
        case _:
            message = detail["msg"].removeprefix("Value error, ").rstrip(".")
            message = message[:1].lower() + message[1:]
            return f"{where} has the value {_shown(detail['input'])}: {message}."


def _is_schema_tag(part: str | int) -> bool:
    # Unions and key validators put names like "[key]" or "int" into the location; none of them is a key of a file.
    return isinstance(part, str) and (
        part == "[key]" or bool(re.fullmatch(r"(function-|literal\[|constrained-).*", part))
    )


def _model_at(model: type[Section], path: Path) -> type[BaseModel] | None:
    current: Any = model
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(part)) if isinstance(part, str) else None
            if field is None:
                return None
            current = field.annotation
        else:
            current = _element_type(current)
        current = _strip_optional(current)
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _strip_optional(annotation: Any) -> Any:
    args = [argument for argument in getattr(annotation, "__args__", ()) if argument is not type(None)]
    is_union = getattr(annotation, "__origin__", None) is None and type(annotation).__name__ == "UnionType"
    return args[0] if is_union and len(args) == 1 else annotation


def _element_type(annotation: Any) -> Any:
    args = [argument for argument in getattr(annotation, "__args__", ()) if argument is not Ellipsis]
    return args[-1] if args else None


def _siblings(model: type[Section], path: Path) -> str:
    parent = _model_at(model, path[:-1])
    return ", ".join(sorted(parent.model_fields)) if parent else "no other keys"


def _allowed(model: type[Section], path: Path) -> str:
    parent = _model_at(model, path[:-1])
    field = parent.model_fields.get(str(path[-1])) if parent else None
    if field is None:
        return "a value"
    return field.description or _described(field.annotation)


_PLAIN = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def _described(annotation: Any) -> str:
    """What may stand there, in words."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"a mapping of {', '.join(annotation.model_fields)}"
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(repr(argument) for argument in arguments)
    if origin is Annotated:
        return _described(arguments[0])
    return "a list" if origin is tuple else "a mapping"


def dotted(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return "a list" if isinstance(value, tuple) else "a text" if isinstance(value, str) else type(value).__name__


def _shown(value: Any) -> str:
    text = repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 80 else text[:77] + "..."
