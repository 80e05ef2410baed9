"""Nodes of a parsed YAML document: positions of its keys and values, and problems of their notation."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

import yaml

from vectora_shared.config.characters import described, escaped, first_harmful, is_invisible
from vectora_shared.config.text_file import Position, position_in
from vectora_shared.config.wording import MOST_PROBLEMS, Path, dotted_excerpt, excerpt

INT, FLOAT, STR = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
# Plain scalars with a meaning of their own (YAML 1.1, value and merge types).
SIGNS = (_MERGE, "tag:yaml.org,2002:value")
# Python's dictionaries are slow with many keys of one hash, and integers that differ by multiples of 2**61 - 1 have
# the same hash.
LONGEST_NUMBER_AS_KEY = 20
# The time to read a number in YAML 1.1's base 60 grows with the square of its length.
LONGEST_NUMBER = 100
_PLAIN_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_PLAIN_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?")


def where(name: str, position: Position, path: Path) -> str:
    """Return the beginning of a message: file, line, column and key."""
    return f"{name}, line {position.line}, column {position.column}: key '{dotted_excerpt(path)}'"


@dataclass
class Nodes:
    """Positions of a document's keys and entries, and problems of their notation."""

    name: str
    text: str
    positions: dict[Path, Position] = field(default_factory=dict)
    # Where each value begins and ends in the text.
    spans: dict[Path, tuple[int, int]] = field(default_factory=dict)
    # Values without quotes that YAML does not read as text, as they are written: `no`, `1.10`, nothing.
    plain: dict[Path, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    # Paths of the problems, whose values are not judged a second time.
    wrong: set[Path] = field(default_factory=set)
    # Whether the values can be computed in spite of the problems, with each key as it is written.
    is_readable: bool = True
    _seen: set[int] = field(default_factory=set)
    _spellings: dict[Path, str] = field(default_factory=dict)

    def visit(self, node: yaml.Node, path: Path) -> None:
        if id(node) in self._seen:
            # Aliases of aliases would multiply the values, and would hide a value's position.
            self._add_problem(path, "is an alias of another part: write it out")
            self.is_readable = False
            return
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            self._visit_scalar(node, path)
        elif isinstance(node, yaml.MappingNode):
            self._visit_mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            self._visit_list(node, path)

    def _visit_scalar(self, node: yaml.ScalarNode, path: Path) -> None:
        self.spans[path] = (node.start_mark.index, node.end_mark.index)
        if node.tag != STR and not node.style:
            self.plain[path] = node.value
        if (index := first_harmful(node.value)) is not None:
            self._add_problem(path, f"contains {described(node.value[index])}, which people do not see: remove it")
        elif node.tag in SIGNS and not node.style:
            self._add_problem(path, f"is written {node.value}, which is no text for YAML: write it in quotes")
        elif notation := _number_notation(node):
            self._add_problem(
                path,
                f"is written {excerpt(node.value)}, which YAML reads as {notation}: write it in quotes if it is a "
                "text, and as a decimal number if it is one",
            )

    def _visit_mapping(self, node: yaml.MappingNode, path: Path) -> None:
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._add_problem(path, "has a key that is a list or a mapping itself: write a text")
                self.is_readable = False
                continue
            inner = (*path, key_node.value)
            known = inner in self.positions
            self.positions[inner] = _position(key_node)
            if known:
                self._add_problem(inner, "stands twice: keep one of them")
            elif problem := self._key_problem(key_node, path):
                self._add_problem(inner, problem)
                self.is_readable = self.is_readable and key_node.tag == STR
            else:
                self.visit(value_node, inner)

    def _key_problem(self, key: yaml.ScalarNode, path: Path) -> str | None:
        """Return why a key would not be read as people see it, as the end of a sentence, or None."""
        if key.tag in (INT, FLOAT) and len(key.value) > LONGEST_NUMBER_AS_KEY:
            return "is too long for a number: write it in quotes"
        if key.tag == _MERGE:
            return "merges another mapping into this one, which hides where its keys come from: write them out"
        if key.tag != STR:
            return f"is written {excerpt(key.value)} and is no text for YAML: write it in quotes"
        if (hidden := next(filter(is_invisible, key.value), None)) is not None:
            place = position_of_character(self.text, (key.start_mark.index, key.end_mark.index), hidden)
            return f"contains {described(hidden)} in column {place.column}, which people do not see: remove it"
        first = self._spellings.setdefault((*path, unicodedata.normalize("NFKC", key.value)), key.value)
        if first != key.value:
            return f"stands twice, the first time as {first!a}, and looks the same: keep one of them"
        return None

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
        self.wrong.add(path)
        if len(self.problems) > MOST_PROBLEMS:
            return
        self.problems.append(escaped(f"{where(self.name, self.positions.get(path, Position(1, 1)), path)} {what}."))


def position_of_character(text: str, span: tuple[int, int], char: str) -> Position:
    """Return where the character is in this part of the text; where the part begins if an escape stands for it."""
    index = text.find(char, *span)
    return position_in(text, index if index >= 0 else span[0])


def _number_notation(node: yaml.ScalarNode) -> str | None:
    """Return the notation of a number that people would read as another value, or None (YAML 1.1, int and float)."""
    written = node.value.lower()
    if len(written) > LONGEST_NUMBER or not re.match("[-+]?[0-9.]", written):
        # Refused when the number is computed: too long, or a tag such as !!int before a text.
        return None
    if node.tag == INT and not _PLAIN_INT.fullmatch(written):
        if ":" in written:
            return "a number in base 60"
        bases = {"0x": "in base 16", "0b": "in base 2"}
        return "a number " + (
            "with underscores" if "_" in written else bases.get(written.lstrip("+-")[:2], "in base 8")
        )
    if node.tag == FLOAT and not _PLAIN_FLOAT.fullmatch(written):
        if ":" in written:
            return "a number in base 60"
        return "a number with underscores" if "_" in written else "infinite or no number"
    return None


def _position(node: yaml.Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _is_folded(node: yaml.Node) -> bool:
    """Return whether a plain or quoted text spans lines, which YAML joins: the previous system lost two names so."""
    is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return isinstance(node, yaml.ScalarNode) and not is_block and node.start_mark.line != node.end_mark.line
