"""YAML files: parsed within limits of time and memory, with the position of each key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

from vectora_shared.config.characters import escaped
from vectora_shared.config.text_file import Position, decoded
from vectora_shared.config.wording import Path, excerpt, first_problems
from vectora_shared.config.yaml_nodes import FLOAT, INT, LONGEST_NUMBER, Nodes, position_of_character, where
from vectora_shared.errors import ConfigurationError

# Far above any configuration file. Deep nesting would crash the parser, and parsing a value takes many times the work
# of reading its bytes.
LARGEST_FILE_BYTES = 2_000_000
DEEPEST_NESTING = 40
MOST_VALUES = 50_000
# libyaml compares each %TAG with all before it.
MOST_DIRECTIVES = 10
_DIRECTIVE = re.compile("^%", re.MULTILINE)
LONGEST_REASON = 200
# Advice for errors of libyaml's scanner and parser, by a part of their messages.
_ADVICE = {
    "cannot start any token": "indent with spaces, not tabs, and write texts that begin with a sign in quotes",
    "another document": "a file has one document, so remove the line ---",
    "mapping values are not allowed": "write texts with a colon in quotes, and align keys of one mapping",
    "unexpected end of stream": "the file may have been cut off, or a quote or bracket is not closed",
    "could not determine a constructor": "remove the tag, which begins with !",
}


@dataclass(frozen=True)
class YamlFile:
    """A parsed YAML file with the position of every key and list entry."""

    name: str
    data: Any
    positions: dict[Path, Position]
    text: str = ""
    spans: dict[Path, tuple[int, int]] = field(default_factory=dict)
    plain: dict[Path, str] = field(default_factory=dict)
    # The parsed nodes, for an editor of the text; their marks count characters as `text` does.
    root: yaml.Node | None = field(default=None, compare=False, repr=False)

    def position_of(self, path: Path) -> Position:
        """Return the position of the innermost part of `path` that the file has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.positions:
                return self.positions[path[:length]]
        return Position(1, 1)

    def position_of_character(self, path: Path, char: str) -> Position:
        """Return the position of a character in the value at `path`."""
        if path not in self.spans:
            return self.position_of(path)
        return position_of_character(self.text, self.spans[path], char)

    def written(self, path: Path) -> str | None:
        """Return a value without quotes that YAML does not read as text, as it is written; None for a text."""
        return self.plain.get(path)

    def where(self, path: Path) -> str:
        """Return the beginning of a message about the value at `path`: file, line, column and key."""
        return where(self.name, self.position_of(path), path)


class _Loader(yaml.CSafeLoader):
    """Loader of YAML 1.1 without implicit dates: a version or a date in a file stays text."""


def _number(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> int | float:
    if isinstance(node, yaml.ScalarNode) and len(node.value) > LONGEST_NUMBER:
        problem = f"a number of {len(node.value)} characters, where at most {LONGEST_NUMBER} make sense"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    value: int | float = loader.construct_yaml_int(node) if node.tag == INT else loader.construct_yaml_float(node)
    return value


for _tag in (INT, FLOAT):
    _Loader.add_constructor(_tag, _number)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(name: str, content: bytes, *, most_values: int = MOST_VALUES) -> YamlFile:
    """Parse one YAML document within limits of time and memory.

    Raise ConfigurationError when the content is not UTF-8, not YAML, too large or too deep, or has more than
    `most_values` values, the same key twice in a mapping, an alias, a list entry that continues on the next line, or
    a character or number that people read in another way than programs.
    """
    if len(content) > LARGEST_FILE_BYTES:
        raise ConfigurationError(f"{name}: {len(content)} bytes are too many for a configuration file: split it.")
    text = decoded(name, content)
    try:
        _refuse_excess(name, text, most_values)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            nodes = Nodes(name, text)
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
    return YamlFile(name, data, nodes.positions, text, nodes.spans, nodes.plain, root)


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
    reason = excerpt(escaped(next(iter((text or "").splitlines()), "")), LONGEST_REASON)
    advice = next((advice for part, advice in _ADVICE.items() if part in reason), None)
    return f"{reason} ({advice})" if advice else reason


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
