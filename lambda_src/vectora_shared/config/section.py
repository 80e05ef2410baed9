"""Models of configuration files, and the problems of a file that does not fit its model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from vectora_shared.config.characters import described, escaped, escaped_beyond_ascii, is_invisible
from vectora_shared.config.notations import advice_on_identifier, advice_on_number, advice_on_truth
from vectora_shared.config.wording import Path, did_you_mean, excerpt, excerpt_of_value, first_problems
from vectora_shared.config.yaml_file import YamlFile, parse_yaml_with_problems
from vectora_shared.config.yaml_nodes import where as where_in_file
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import IDENTIFIER


class Section(BaseModel):
    """A part of a configuration file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True, allow_inf_nan=False)


SectionT = TypeVar("SectionT", bound=Section)


class MisfitError(ValueError):
    """Problems that a model's validator found, each with its path within the validated part."""

    def __init__(self, *problems: tuple[Path, str]) -> None:
        super().__init__("; ".join(message for _, message in problems))
        self.problems = problems


class NotationError(ValueError):
    """A value that does not fit, and has only ASCII characters when it does; the message continues "which"."""


def read_file(model: type[SectionT], name: str, content: bytes) -> SectionT:
    """Parse a file and validate it as `model`; raise ConfigurationError with every problem of keys and values."""
    return read_section(model, parse_yaml_with_problems(name, content))


def read_section(model: type[SectionT], file: YamlFile) -> SectionT:
    """Validate the whole file as `model`; raise ConfigurationError with one line per problem."""
    if not isinstance(file.data, dict):
        raise ConfigurationError(
            f"{file.name}, line 1, column 1: expected a mapping of keys, found {_kind(file.data)}."
        )
    sentences: Iterable[str] = ()
    try:
        section = model.model_validate(file.data)
    except ValidationError as error:
        found = [*error.errors(), *_errors_beside_unknown_keys(model, file.data, error)]
        details = [detail for detail in _causes(found) if not _is_known(file, detail)]
        sentences = (escaped(each) for detail in details for each in _sentences(file, model, detail))
    else:
        if not file.problems:
            return section
    raise ConfigurationError("\n".join(first_problems(_distinct((*file.problems, *sentences)))))


def _errors_beside_unknown_keys(model: type[Section], data: Any, error: ValidationError) -> Iterable[ErrorDetails]:
    """Return the errors that pydantic looks for only when every key is known, such as two versions that differ."""
    unknown = {detail["loc"] for detail in error.errors() if detail["type"] == "extra_forbidden"}
    try:
        model.model_validate(_without(data, unknown))
    except ValidationError as others:
        known = [(detail["loc"], detail["type"]) for detail in error.errors()]
        return [detail for detail in others.errors() if (detail["loc"], detail["type"]) not in known]
    return ()


def _without(value: Any, paths: set[Path], path: Path = ()) -> Any:
    if isinstance(value, dict):
        inner = ((key, each) for key, each in value.items() if (*path, key) not in paths)
        return {key: _without(each, paths, (*path, key)) for key, each in inner}
    if isinstance(value, tuple):
        return tuple(_without(each, paths, (*path, index)) for index, each in enumerate(value))
    return value


def _is_known(file: YamlFile, detail: ErrorDetails) -> bool:
    """Return whether the file's problems name the value already, or a part that it is in."""
    path = detail["loc"]
    if detail["type"] == "extra_forbidden" and str(path[-1]).isascii():
        # The problem is that of the value, and the key is another.
        return False
    return any(path[:length] in file.wrong for length in range(len(path), 0, -1))


def _causes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Return the problems without those of lists that are too short because their entries do not fit."""
    parents = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
    return [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in parents]


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
            return [_unknown_key(file, model, path)]
        case _:
            found = _shown_value(file, path, detail)
            return [f"{where} {found}{_misfit(model, path, detail)}{_hint(file, path, detail)}."]


def _unknown_key(file: YamlFile, model: type[Section], path: Path) -> str:
    key = str(path[-1])
    position = file.position_of(path)
    siblings = _siblings(model, path)
    where = where_in_file(file.name, position, (*path[:-1], escaped_beyond_ascii(key)))
    odd = next((char for char in key if not char.isascii()), None)
    hint = f"; it contains {described(odd)}" if odd else ""
    listed = ", ".join(siblings) or "no other keys"
    return f"{where} is unknown: {did_you_mean(key, siblings)}allowed here are {listed}{hint}."


def _shown_value(file: YamlFile, path: Path, detail: ErrorDetails) -> str:
    """Return the value as the file has it, as the part of a sentence."""
    value, written = detail["input"], file.written(path)
    if written is not None and not isinstance(value, str):
        return f"has the value {excerpt(written)}" if written else "has no value"
    if isinstance(value, str):
        ascii_only = _is_ascii_only(detail)
        shown = (char.isascii() or not (ascii_only or unicodedata.combining(char)) for char in value)
        value = "".join(char if fits else escaped_beyond_ascii(char) for char, fits in zip(value, shown, strict=True))
    return f"has the value {excerpt_of_value(value)}"


def _is_ascii_only(detail: ErrorDetails) -> bool:
    """Return whether a value that does not fit has ASCII characters only when it is right."""
    error = detail.get("ctx", {}).get("error")
    kinds = ("string_pattern_mismatch", "literal_error", "bool_type", *_NUMBERS)
    return detail["type"] in kinds or isinstance(error, NotationError)


def _hint(file: YamlFile, path: Path, detail: ErrorDetails) -> str:
    """Return what people do not see in a value, or what YAML reads it as, as the end of a sentence; often empty."""
    kind, value, written = detail["type"], detail["input"], file.written(path)
    if kind == "string_type" and written:
        return f"; YAML reads it as {_read_as(value)}, so write it in quotes"
    advice = ""
    if kind in _NUMBERS:
        advice = advice_on_number(value, whole=kind != "float_type")
    elif kind == "bool_type":
        advice = advice_on_truth(value)
    return advice + (_odd_character(file, path, detail, value) if isinstance(value, str) else "")


def _odd_character(file: YamlFile, path: Path, detail: ErrorDetails, value: str) -> str:
    """Return the first character that people do not see or that is no ASCII where it has to be, with its place."""
    ascii_only = _is_ascii_only(detail)
    odd = next((char for char in value if is_invisible(char) or (ascii_only and not char.isascii())), None)
    if odd is None or odd == "\n":
        return ""
    line, column = file.position_of_character(path, odd)
    return f"; it contains {described(odd)} in line {line}, column {column}"


def _read_as(value: object) -> str:
    if value is None:
        return "no value"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"the number {value}" if isinstance(value, (int, float)) else "another kind of value"


def _misfit(model: type[Section], path: Path, detail: ErrorDetails) -> str:
    """Return why a value does not fit, as the end of a sentence that names the value."""
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, NotationError):
        return f", which {error}"
    match detail["type"]:
        case "string_pattern_mismatch":
            advice = advice_on_identifier(detail["input"]) if _wants_identifier(detail) else ""
            return f", which does not fit: {_allowed(model, path)}{advice}"
        case "literal_error":
            expected = re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))
            return f": {did_you_mean(str(detail['input']), expected)}allowed are {', '.join(expected)}"
        case kind if kind in _EXPECTED:
            return f": it must be {_EXPECTED[kind]}"
        case _:
            message = detail["msg"].removeprefix("Value error, ").rstrip(".")
            return f": {message[:1].lower()}{message[1:]}"


def _wants_identifier(detail: ErrorDetails) -> bool:
    return bool(detail.get("ctx", {}).get("pattern") == f"^{IDENTIFIER.pattern}$")


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


# int_from_float is pydantic's for 20.0.
_NUMBERS = ("int_type", "int_from_float", "float_type")
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
        return "nothing: restore the file"
    return "a list" if isinstance(value, tuple) else "a text" if isinstance(value, str) else type(value).__name__
