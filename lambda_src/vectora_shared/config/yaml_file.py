"""YAML files: parsed within limits of time and memory, with the position of each key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

from vectora_shared.config.text_file import Position, decoded
from vectora_shared.config.wording import Path, first_problems
from vectora_shared.config.yaml_errors import reason, syntax_error
from vectora_shared.config.yaml_nodes import FLOAT, INT, LONGEST_NUMBER, SIGNS, Nodes, position_of_character, where
from vectora_shared.errors import ConfigurationError

# Far above any configuration file. Deep nesting would crash the parser, and parsing a value takes many times the work
# of reading its bytes.
LARGEST_FILE_BYTES = 2_000_000
DEEPEST_NESTING = 40
MOST_VALUES = 50_000
# libyaml compares each %TAG with all before it.
MOST_DIRECTIVES = 10
_DIRECTIVE = re.compile("^%", re.MULTILINE)


@dataclass(frozen=True)
class YamlFile:
    """A parsed YAML file with the position of every key and list entry."""

    name: str
    data: Any
    positions: dict[Path, Position]
    text: str = ""
    spans: dict[Path, tuple[int, int]] = field(default_factory=dict)
    plain: dict[Path, str] = field(default_factory=dict)
    # Sentences on values and keys that people read in another way than programs, and the paths of these.
    problems: tuple[str, ...] = ()
    wrong: frozenset[Path] = frozenset()
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


def _sign(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


for _tag in SIGNS:
    _Loader.add_constructor(_tag, _sign)


def parse_yaml(name: str, content: bytes, *, most_values: int = MOST_VALUES) -> YamlFile:
    """Parse one YAML document within limits of time and memory.

    Raise ConfigurationError when the content is not UTF-8, not YAML, too large or too deep, or has more than
    `most_values` values, the same key twice in a mapping, an alias, a list entry that continues on the next line, or
    a character or number that people read in another way than programs.
    """
    file = parse_yaml_with_problems(name, content, most_values=most_values)
    if file.problems:
        raise ConfigurationError("\n".join(first_problems(file.problems)))
    return file


def parse_yaml_with_problems(name: str, content: bytes, *, most_values: int = MOST_VALUES) -> YamlFile:
    """Parse as `parse_yaml` does, but keep problems of single keys and values, so that all are reported together.

    Raises ConfigurationError with these problems too when the values cannot be computed in spite of them.
    """
    if len(content) > LARGEST_FILE_BYTES:
        raise ConfigurationError(f"{name}: {len(content)} bytes are too many for a configuration file: split it.")
    text = decoded(name, content)
    try:
        has_aliases = _refuse_excess(name, text, most_values)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            nodes = Nodes(name, text)
            if root is not None:
                nodes.visit(root, ())
            if nodes.problems and (has_aliases or not nodes.is_readable):
                raise ConfigurationError("\n".join(first_problems(nodes.problems)))
            data = _frozen(_constructed(loader, root)) if root is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError(syntax_error(name, text, error)) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"{name}: not valid YAML: {reason(str(error) or type(error).__name__)}.") from error
    return YamlFile(
        name,
        data,
        nodes.positions,
        text,
        nodes.spans,
        nodes.plain,
        problems=tuple(nodes.problems),
        wrong=frozenset(nodes.wrong),
        root=root,
    )


def _refuse_excess(name: str, text: str, most_values: int) -> bool:
    """Return whether the text has aliases; raise ConfigurationError when it exceeds a limit. Builds no values."""
    if sum(1 for _ in islice(_DIRECTIVE.finditer(text), MOST_DIRECTIVES + 1)) > MOST_DIRECTIVES:
        raise ConfigurationError(f"{name}: more than {MOST_DIRECTIVES} lines begin with %, a directive: remove them.")
    depth = values = documents = aliases = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        values += isinstance(event, yaml.NodeEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            # The loader refuses a second document, with its position.
            break
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
    return aliases > 0


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
