"""Models of configuration files, and the problems of a file that does not fit its model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from vectora_shared.config.wording import Path, did_you_mean, excerpt_of_value, first_problems, printable
from vectora_shared.config.yaml_file import YamlFile
from vectora_shared.errors import ConfigurationError


class Section(BaseModel):
    """A part of a configuration file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


SectionT = TypeVar("SectionT", bound=Section)


class MisfitError(ValueError):
    """Problems that a model's validator found, each with its path within the validated part."""

    def __init__(self, *problems: tuple[Path, str]) -> None:
        super().__init__("; ".join(message for _, message in problems))
        self.problems = problems


def read_section(model: type[SectionT], file: YamlFile) -> SectionT:
    """Validate the whole file as `model`; raise ConfigurationError with one line per problem."""
    if not isinstance(file.data, dict):
        raise ConfigurationError(
            f"{file.name}, line 1, column 1: expected a mapping of keys, found {_kind(file.data)}."
        )
    try:
        return model.model_validate(file.data)
    except ValidationError as error:
        sentences = (printable(each) for detail in error.errors() for each in _sentences(file, model, detail))
        raise ConfigurationError("\n".join(first_problems(_distinct(sentences)))) from error


def _distinct(sentences: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for sentence in sentences:
        if sentence not in seen:
            seen.add(sentence)
            yield sentence


def _sentences(file: YamlFile, model: type[Section], detail: ErrorDetails) -> list[str]:
    path = tuple(part for part in detail["loc"] if not _is_schema_tag(part))
    misfit = detail.get("ctx", {}).get("error")
    if isinstance(misfit, MisfitError):
        return [f"{file.where((*path, *inner))} {message}." for inner, message in misfit.problems]
    where = file.where(path) if path else f"{file.name}, line 1, column 1:"
    match detail["type"]:
        case "missing":
            return [f"{where} is missing: add it ({_allowed(model, path)})."]
        case "extra_forbidden":
            siblings = _siblings(model, path)
            listed = ", ".join(siblings) or "no other keys"
            return [f"{where} is unknown: {did_you_mean(str(path[-1]), siblings)}allowed here are {listed}."]
        case _:
            return [f"{where} has the value {excerpt_of_value(detail['input'])}{_misfit(model, path, detail)}."]


def _misfit(model: type[Section], path: Path, detail: ErrorDetails) -> str:
    """Return why a value does not fit, as the end of a sentence that names the value."""
    match detail["type"]:
        case "string_pattern_mismatch":
            return f", which does not fit: {_allowed(model, path)}"
        case "literal_error":
            expected = re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))
            return f": {did_you_mean(str(detail['input']), expected)}allowed are {', '.join(expected)}"
        case kind if kind in _EXPECTED:
            return f": it must be {_EXPECTED[kind]}"
        case _:
            message = detail["msg"].removeprefix("Value error, ").rstrip(".")
            return f": {message[:1].lower()}{message[1:]}"


def _is_schema_tag(part: str | int) -> bool:
    # pydantic puts names of unions and validators, such as "[key]", into the location. They are no keys of the file.
    return isinstance(part, str) and (
        part == "[key]" or bool(re.fullmatch(r"(function-|literal\[|constrained-).*", part))
    )


def _model_at(model: type[Section], path: Path) -> type[BaseModel] | None:
    current: Any = model
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            found = current.model_fields.get(str(part)) if isinstance(part, str) else None
            if found is None:
                return None
            current = found.annotation
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


def _siblings(model: type[Section], path: Path) -> list[str]:
    parent = _model_at(model, path[:-1])
    return sorted(parent.model_fields) if parent else []


def _allowed(model: type[Section], path: Path) -> str:
    parent = _model_at(model, path[:-1])
    found = parent.model_fields.get(str(path[-1])) if parent else None
    if found is None:
        return "a value"
    return (found.description or _described(found.annotation)).rstrip(".")


# pydantic's tuples and dictionaries are lists and mappings to people who write YAML.
_EXPECTED = {
    "tuple_type": "a list",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
}
_PLAIN = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def _described(annotation: Any) -> str:
    """Return in words which values the annotation allows."""
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


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return "a list" if isinstance(value, tuple) else "a text" if isinstance(value, str) else type(value).__name__
