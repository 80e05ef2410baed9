"""YAML files read into typed models; every complaint names file, line, column, key and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from vectora_shared.errors import ConfigurationError

Path = tuple[str | int, ...]
# Far above any file of ours; what is larger or deeper is no configuration. Deep nesting would crash the parser, and
# each value costs many times the work of its bytes.
LARGEST_FILE_BYTES = 2_000_000
DEEPEST_NESTING = 40
MOST_VALUES = 50_000
# libyaml compares each %TAG with all before it.
MOST_DIRECTIVES = 10
_DIRECTIVE = re.compile(r"^\ufeff?%", re.MULTILINE)
# The time to read a number in YAML 1.1's base 60 grows with the square of its length. Python's dictionaries are slow
# with keys of equal hashes, which integers have that differ by multiples of 2**61 - 1.
LONGEST_NUMBER = 100
LONGEST_NUMBER_AS_KEY = 20
MOST_PROBLEMS = 100
MOST_NAMES_COMPARED = 1_000
LONGEST_SHOWN = 80
LONGEST_REASON = 200


class Section(BaseModel):
    """A part of a configuration file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


SectionT = TypeVar("SectionT", bound=Section)


class MisfitError(ValueError):
    """Raised by a model's validator: what does not fit, by the path within the validated part."""

    def __init__(self, *problems: tuple[Path, str]) -> None:
        super().__init__("; ".join(message for _, message in problems))
        self.problems = problems


class Position(NamedTuple):
    """Counted from 1, as editors do."""

    line: int
    column: int


@dataclass(frozen=True)
class YamlFile:
    """A parsed YAML file with the position of every key and list entry."""

    name: str
    data: Any
    positions: dict[Path, Position]

    def position_of(self, path: Path) -> Position:
        """Of the innermost part of `path` that the file has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.positions:
                return self.positions[path[:length]]
        return Position(1, 1)

    def where(self, path: Path) -> str:
        """How a complaint about `path` begins."""
        line, column = self.position_of(path)
        return f"{self.name}, line {line}, column {column}: key '{_named(path)}'"


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 without implicit dates: a version or a date in a file stays the text that was written."""


def _number(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> int | float:
    if isinstance(node, yaml.ScalarNode) and len(node.value) > LONGEST_NUMBER:
        problem = f"a number of {len(node.value)} characters, where at most {LONGEST_NUMBER} make sense"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    value: int | float = loader.construct_yaml_int(node) if node.tag == INT else loader.construct_yaml_float(node)
    return value


INT, FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
for _tag in (INT, FLOAT):
    _Loader.add_constructor(_tag, _number)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(name: str, content: bytes, *, most_values: int = MOST_VALUES) -> YamlFile:
    """Parse one YAML document, in time and memory that its size bounds.

    Raises ConfigurationError when the content is not UTF-8, not YAML, too large or too deep, has more than
    `most_values` values, the same key twice in a mapping, an alias, or a list entry that goes on in the next line.
    """
    if len(content) > LARGEST_FILE_BYTES:
        raise ConfigurationError(f"{name}: {len(content)} bytes are too many for a configuration file: split it.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name}: byte {error.start} is not UTF-8: save the file as UTF-8.") from error
    try:
        _refuse_excess(name, text, most_values)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            nodes = _Nodes(name)
            if root is not None:
                nodes.visit(root, ())
            if nodes.problems:
                raise ConfigurationError("\n".join(first_problems(nodes.problems)))
            data = _frozen(_constructed(loader, root)) if root is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
        raise ConfigurationError(f"{where}: not valid YAML: {_reason(error.problem or error.context)}.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"{name}: not valid YAML: {_reason(str(error) or type(error).__name__)}.") from error
    return YamlFile(name=name, data=data, positions=nodes.positions)


def _refuse_excess(name: str, text: str, most_values: int) -> None:
    """Read no more events than a file within the limits has."""
    if sum(1 for _ in islice(_DIRECTIVE.finditer(text), MOST_DIRECTIVES + 1)) > MOST_DIRECTIVES:
        raise ConfigurationError(f"{name}: more than {MOST_DIRECTIVES} lines begin with %, a directive: remove them.")
    depth = values = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        values += isinstance(event, yaml.NodeEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            # Refused, with its place, by whoever composes the one document.
            return
        line = event.start_mark.line + 1 if event.start_mark else 1
        if depth > DEEPEST_NESTING:
            raise ConfigurationError(
                f"{name}, line {line}: nested more than {DEEPEST_NESTING} deep: no key lies there."
            )
        if values > most_values:
            raise ConfigurationError(
                f"{name}, line {line}: more than {most_values:,} keys and values are too many for a configuration "
                "file: split it."
            )


def _reason(text: str | None) -> str:
    """The first line of a parser's words; they may quote a tag as long as the file."""
    line = printable(next(iter((text or "").splitlines()), ""))
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 3] + "..."


def first_problems(problems: Iterable[str]) -> list[str]:
    """The first problems, and a sentence when there are more."""
    shown = list(islice(problems, MOST_PROBLEMS + 1))
    if len(shown) > MOST_PROBLEMS:
        shown[MOST_PROBLEMS:] = [f"These are the first {MOST_PROBLEMS} problems: there are more."]
    return shown


def _constructed(loader: yaml.CSafeLoader, root: yaml.Node) -> Any:
    try:
        return loader.construct_document(root)
    except (AttributeError, KeyError, TypeError, ArithmeticError) as error:
        # PyYAML's constructors trust a tag that is written out, such as !!bool before a text.
        raise yaml.YAMLError("a tag (!!...) stands before a value that is not of its kind") from error


def _frozen(value: Any) -> Any:
    """Lists become tuples, as strict models expect them."""
    if isinstance(value, dict):
        return {key: _frozen(entry) for key, entry in value.items()}
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list) else value


@dataclass
class _Nodes:
    """Positions of a document's keys and entries, and what is wrong with how they are written."""

    name: str
    positions: dict[Path, Position] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    def visit(self, node: yaml.Node, path: Path) -> None:
        if isinstance(node, yaml.ScalarNode):
            return
        if id(node) in self._seen:
            # Aliases of aliases would multiply, and would hide where a value stands.
            self._complain(path, "is an alias of another part: write it out")
            return
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._visit_mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            self._visit_list(node, path)

    def _visit_mapping(self, node: yaml.MappingNode, path: Path) -> None:
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(path, "has a key that is a list or a mapping itself: write a text")
                continue
            inner = (*path, key_node.value)
            known = inner in self.positions
            self.positions[inner] = _position(key_node)
            if known:
                self._complain(inner, "stands twice: keep one of them")
            elif key_node.tag in (INT, FLOAT) and len(key_node.value) > LONGEST_NUMBER_AS_KEY:
                self._complain(inner, "is a number that nobody counts to: write it in quotes")
            else:
                self.visit(value_node, inner)

    def _visit_list(self, node: yaml.SequenceNode, path: Path) -> None:
        for index, entry in enumerate(node.value):
            inner = (*path, index)
            self.positions[inner] = _position(entry)
            if _is_folded(entry):
                self._complain(
                    inner,
                    f"goes on in line {entry.end_mark.line + 1}, so that both are one entry, '{_short(entry.value)}': "
                    "begin each entry with a dash, on a line of its own",
                )
            self.visit(entry, inner)

    def _complain(self, path: Path, what: str) -> None:
        if len(self.problems) > MOST_PROBLEMS:
            return
        line, column = self.positions.get(path, Position(1, 1))
        where = f"{self.name}, line {line}, column {column}: key '{_named(path)}'"
        self.problems.append(printable(f"{where} {what}."))


def _position(node: yaml.Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _is_folded(node: yaml.Node) -> bool:
    """A plain or quoted text over several lines: YAML joins them by blanks (the running system lost two names so)."""
    is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return isinstance(node, yaml.ScalarNode) and not is_block and node.start_mark.line != node.end_mark.line


def read_section(model: type[SectionT], file: YamlFile) -> SectionT:
    """Validate the whole file as `model`.

    Raises ConfigurationError with one sentence a problem, each on a line of its own.
    """
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
        case "string_pattern_mismatch":
            return [f"{where} has the value {_shown(detail['input'])}, which does not fit: {_allowed(model, path)}."]
        case "extra_forbidden":
            siblings = _siblings(model, path)
            listed = ", ".join(siblings) or "no other keys"
            return [f"{where} is unknown: {did_you_mean(str(path[-1]), siblings)}allowed here are {listed}."]
        case "literal_error":
            expected = re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))
            hint = did_you_mean(str(detail["input"]), expected)
            return [f"{where} has the value {_shown(detail['input'])}: {hint}allowed are {', '.join(expected)}."]
        case kind if kind in _EXPECTED:
            return [f"{where} has the value {_shown(detail['input'])}: it must be {_EXPECTED[kind]}."]
        case _:
            message = detail["msg"].removeprefix("Value error, ").rstrip(".")
            message = message[:1].lower() + message[1:]
            return [f"{where} has the value {_shown(detail['input'])}: {message}."]


def printable(text: str) -> str:
    """One line, whatever stands in the names and values that it quotes; half a character is no text."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question naming the nearest of the known names, with a semicolon for what follows; empty when none is near."""
    found = nearest(name, known, cutoff=0.5)
    return f"did you mean '{found}'? " if found else ""


def nearest(name: str, known: Iterable[str], *, cutoff: float) -> str | None:
    """The known name that is most like `name`; comparing two takes time by the product of their lengths."""
    short = (each for each in known if len(each) <= LONGEST_SHOWN)
    found = difflib.get_close_matches(name, list(islice(short, MOST_NAMES_COMPARED)), n=1, cutoff=cutoff)
    return found[0] if found and len(name) <= LONGEST_SHOWN else None


def _is_schema_tag(part: str | int) -> bool:
    # Unions and key validators put names like "[key]" or "int" into the location; none of them is a key of a file.
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


# What pydantic calls a tuple or a dictionary is a list or a mapping to whoever writes YAML.
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


def _named(path: Path) -> str:
    """The dotted path for a sentence: a key may be as long as the file."""
    return dotted(tuple(_short(part) if isinstance(part, str) else part for part in path))


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return "a list" if isinstance(value, tuple) else "a text" if isinstance(value, str) else type(value).__name__


def _shown(value: Any) -> str:
    return _short(repr(list(value) if isinstance(value, tuple) else value))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."
