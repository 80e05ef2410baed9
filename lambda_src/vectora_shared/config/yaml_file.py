"""YAML files: parsed within limits of time and memory, with the position of each key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import yaml

from vectora_shared.config.wording import (
    MOST_PROBLEMS,
    Path,
    dotted_excerpt,
    excerpt,
    first_problems,
    printable,
)
from vectora_shared.errors import ConfigurationError

# Far above any configuration file. Deep nesting would crash the parser, and parsing a value takes many times the work
# of reading its bytes.
LARGEST_FILE_BYTES = 2_000_000
DEEPEST_NESTING = 40
MOST_VALUES = 50_000
# libyaml compares each %TAG with all before it.
MOST_DIRECTIVES = 10
_DIRECTIVE = re.compile(r"^\ufeff?%", re.MULTILINE)
# The time to read a number in YAML 1.1's base 60 grows with the square of its length. Python's dictionaries are slow
# with many keys of one hash, and integers that differ by multiples of 2**61 - 1 have the same hash.
LONGEST_NUMBER = 100
LONGEST_NUMBER_AS_KEY = 20
LONGEST_REASON = 200


class Position(NamedTuple):
    """Line and column in a file, counted from 1 as editors do."""

    line: int
    column: int


@dataclass(frozen=True)
class YamlFile:
    """A parsed YAML file with the position of every key and list entry."""

    name: str
    data: Any
    positions: dict[Path, Position]

    def position_of(self, path: Path) -> Position:
        """Return the position of the innermost part of `path` that the file has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.positions:
                return self.positions[path[:length]]
        return Position(1, 1)

    def where(self, path: Path) -> str:
        """Return the beginning of a message about the value at `path`: file, line, column and key."""
        return _where(self.name, self.position_of(path), path)


class _Loader(yaml.CSafeLoader):
    """Loader of YAML 1.1 without implicit dates: a version or a date in a file stays text."""


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
    """Parse one YAML document within limits of time and memory.

    Raise ConfigurationError when the content is not UTF-8, not YAML, too large or too deep, or has more than
    `most_values` values, the same key twice in a mapping, an alias, or a list entry that continues on the next line.
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
    """Raise ConfigurationError when the text exceeds a limit, without building its values."""
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
            # The loader refuses a second document, with its position.
            return
        line = event.start_mark.line + 1 if event.start_mark else 1
        if depth > DEEPEST_NESTING:
            raise ConfigurationError(
                f"{name}, line {line}: nested more than {DEEPEST_NESTING} deep: no configuration key is that deep."
            )
        if values > most_values:
            raise ConfigurationError(
                f"{name}, line {line}: more than {most_values:,} keys and values are too many for a configuration "
                "file: split it."
            )


def _reason(text: str | None) -> str:
    """Return the first line of a parser's message, cut: it may quote a tag as long as the file."""
    return excerpt(printable(next(iter((text or "").splitlines()), "")), LONGEST_REASON)


def _constructed(loader: yaml.CSafeLoader, root: yaml.Node) -> Any:
    try:
        return loader.construct_document(root)
    except (AttributeError, KeyError, TypeError, ArithmeticError) as error:
        # PyYAML's constructors trust explicit tags, such as !!bool before a text.
        raise yaml.YAMLError("a tag (!!...) stands before a value that is not of its kind") from error


def _frozen(value: Any) -> Any:
    """Return the value with tuples instead of lists, as strict models expect them."""
    if isinstance(value, dict):
        return {key: _frozen(entry) for key, entry in value.items()}
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list) else value


@dataclass
class _Nodes:
    """Positions of a document's keys and entries, and problems of their notation."""

    name: str
    positions: dict[Path, Position] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    def visit(self, node: yaml.Node, path: Path) -> None:
        if isinstance(node, yaml.ScalarNode):
            return
        if id(node) in self._seen:
            # Aliases of aliases would multiply the values, and would hide a value's position.
            self._add_problem(path, "is an alias of another part: write it out")
            return
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._visit_mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            self._visit_list(node, path)

    def _visit_mapping(self, node: yaml.MappingNode, path: Path) -> None:
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._add_problem(path, "has a key that is a list or a mapping itself: write a text")
                continue
            inner = (*path, key_node.value)
            known = inner in self.positions
            self.positions[inner] = _position(key_node)
            if known:
                self._add_problem(inner, "stands twice: keep one of them")
            elif key_node.tag in (INT, FLOAT) and len(key_node.value) > LONGEST_NUMBER_AS_KEY:
                self._add_problem(inner, "is too long for a number: write it in quotes")
            else:
                self.visit(value_node, inner)

    def _visit_list(self, node: yaml.SequenceNode, path: Path) -> None:
        for index, entry in enumerate(node.value):
            inner = (*path, index)
            self.positions[inner] = _position(entry)
            if _is_folded(entry):
                self._add_problem(
                    inner,
                    f"goes on in line {entry.end_mark.line + 1}, so that both are one entry, '{excerpt(entry.value)}': "
                    "begin each entry with a dash, on a line of its own",
                )
            self.visit(entry, inner)

    def _add_problem(self, path: Path, what: str) -> None:
        if len(self.problems) > MOST_PROBLEMS:
            return
        where = _where(self.name, self.positions.get(path, Position(1, 1)), path)
        self.problems.append(printable(f"{where} {what}."))


def _where(name: str, position: Position, path: Path) -> str:
    return f"{name}, line {position.line}, column {position.column}: key '{dotted_excerpt(path)}'"


def _position(node: yaml.Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _is_folded(node: yaml.Node) -> bool:
    """Return whether a plain or quoted text spans lines, which YAML joins: the previous system lost two names so."""
    is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return isinstance(node, yaml.ScalarNode) and not is_block and node.start_mark.line != node.end_mark.line
