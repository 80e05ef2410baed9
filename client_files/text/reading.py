"""Lines of a client file, as entries below its keys and list entries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from client_files.text.entries import USUAL_INDENT, Entry, is_blank_or_comment, is_comment, line_end, lines_with_ends
from client_files.text.writing import new_entry
from vectora_shared.config.yaml_file import YamlFile
from vectora_shared.errors import ConfigurationError


@dataclass
class ParsedText:
    """Lines of a file, each with its end, as header, entries of the first level and tail; and its plain data."""

    data: dict[str, Any]
    header: list[str]
    entries: list[Entry]
    tail: list[str]
    list_indent: int


class _UnusualLayoutError(Exception):
    """A layout in which entries have no lines of their own: the value is written again in the usual one."""


def read_layout(file: YamlFile) -> ParsedText:
    """Return the lines of a parsed file; raise ConfigurationError when it is no mapping of keys."""
    node = file.root
    if not isinstance(node, yaml.MappingNode):
        raise ConfigurationError(f"{file.name}, line 1: the file is no mapping of keys, which a client file must be.")
    list_indent = _list_indent(node)
    data: dict[str, Any] = _plain(file.data)
    lines = lines_with_ends(file.text)
    if node.flow_style:
        header = [line.strip() for line in lines if line.strip().startswith("#")]
        entries = [new_entry(key, value, 0, list_indent) for key, value in data.items()]
        return ParsedText(data, header, entries, [], list_indent)
    builder = _EntryBuilder(lines)
    entries = _first_level(builder, node, data, list_indent)
    tail = builder.tail(entries)
    return ParsedText(data, _split_header(entries[0]), entries, tail, list_indent)


def _first_level(builder: _EntryBuilder, node: yaml.MappingNode, data: dict[str, Any], list_indent: int) -> list[Entry]:
    entries: list[Entry] = []
    for position, (key, value) in enumerate(node.value):
        following = node.value[position + 1][0].start_mark.line if position + 1 < len(node.value) else None
        before = builder.last
        try:
            builder.add(entries, key, value)
        except _UnusualLayoutError:
            comments = builder.skip_to(before, following)
            entry = new_entry(key.value, data[key.value], 0, list_indent)
            entry.above = comments
            entries.append(entry)
    return entries


def _split_header(first: Entry) -> list[str]:
    """Take the file's header out of the comments above its first key: directives, and comments up to a blank line."""
    blank = next((index for index, line in enumerate(first.above) if not line.strip()), None)
    directives = [index for index, line in enumerate(first.above) if line.strip() and not is_comment(line)]
    end = max(blank + 1 if blank is not None else 0, directives[-1] + 1 if directives else 0)
    header, first.above = first.above[:end], first.above[end:]
    return header


class _EntryBuilder:
    """Builds entries from the lines of a file; `last` is the last line, from 0, that belongs to one."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.last = -1

    def add(self, entries: list[Entry], key: yaml.Node, value: yaml.Node) -> None:
        start = self._next_content()
        column = key.start_mark.column
        if key.start_mark.line != start or key.end_mark.line != start:
            raise _UnusualLayoutError
        key_text = self.lines[start][column : key.end_mark.column]
        entry = Entry(str(key.value), column, key_text, start + 1, above=self._gap(entries, start, column))
        self._fill(entry, value, start)
        entries.append(entry)

    def tail(self, entries: list[Entry]) -> list[str]:
        """Return the lines after the last entry."""
        return self._gap(entries, len(self.lines), 0)

    def skip_to(self, before: int, following: int | None) -> list[str]:
        """Skip the lines of one entry after the line `before`, and return their comments."""
        end = following if following is not None else len(self.lines)
        lines = self.lines[before + 1 : end]
        contents = [index for index, line in enumerate(lines) if not is_blank_or_comment(line)]
        self.last = before + 1 + contents[-1]
        comments = (re.search(r"(?:^|\s)(#.*)$", line.rstrip("\r\n")) for line in lines[: contents[-1] + 1])
        return [match[1] for match in comments if match]

    def _add_item(self, entries: list[Entry], index: int, value: yaml.Node) -> None:
        start = self._next_content()
        column = _indent(self.lines[start])
        if self.lines[start][column : column + 1] != "-":
            raise _UnusualLayoutError
        entry = Entry(index, column, line=start + 1, above=self._gap(entries, start, column))
        self._fill(entry, value, start)
        entries.append(entry)

    def _fill(self, entry: Entry, value: yaml.Node, start: int) -> None:
        if not isinstance(value, yaml.CollectionNode) or value.flow_style:
            end = max(start, _last_line(value, self.lines))
            entry.lines = self.lines[start : end + 1]
            entry.line_rest = _line_rest(value, end, self.lines)
            self.last = end
            return
        entry.children = []
        # A block below a key begins on the key's line only by its anchor or tag.
        if value.start_mark.line == start and isinstance(entry.key, int):
            # The dash is removed from the line, and written again with the entry that is the first in the end.
            line = self.lines[start]
            self.lines[start] = f"{line[: entry.column]} {line[entry.column + 1 :]}"
            self.last = start - 1
        else:
            entry.head = self.lines[start]
            self.last = start
        if isinstance(value, yaml.MappingNode):
            for key, inner in value.value:
                self.add(entry.children, key, inner)
        else:
            for index, inner in enumerate(value.value):
                self._add_item(entry.children, index, inner)

    def _next_content(self) -> int:
        start = self.last + 1
        while start < len(self.lines) and (is_blank_or_comment(self.lines[start]) or self._is_marker(start)):
            start += 1
        if start == len(self.lines):
            raise _UnusualLayoutError
        return start

    def _is_marker(self, line: int) -> bool:
        # Document markers and directives precede the first entry only.
        return self.last == -1 and bool(re.match(r"(---\s*(#.*)?$|%)", self.lines[line]))

    def _gap(self, entries: list[Entry], start: int, column: int) -> list[str]:
        """Return the lines before `start`, without those indented deeper, which go below the entry before them."""
        gap = self.lines[self.last + 1 : start]
        deep = [index for index, line in enumerate(gap) if is_comment(line) and _indent(line) > column]
        if not (entries and deep):
            return gap
        end = deep[-1] + 1
        owner = _innermost_last(entries[-1], _indent(gap[deep[0]]))
        owner.below += gap[:end]
        return gap[end:]


def _innermost_last(entry: Entry, column: int) -> Entry:
    """Return the last entry inside `entry` that begins at or left of the column."""
    while entry.children and entry.children[-1].column <= column:
        entry = entry.children[-1]
    return entry


def _plain(value: Any) -> Any:
    """Return the parsed data with lists instead of tuples."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value


def _list_indent(root: yaml.MappingNode) -> int:
    """Return how far the file indents lists below their keys."""
    pending: list[yaml.MappingNode] = [root]
    while pending:
        for key, value in pending.pop(0).value:
            # With an anchor or a tag, a list begins on the line of its key.
            has_column = value.start_mark.line != key.start_mark.line
            if isinstance(value, yaml.SequenceNode) and not value.flow_style and has_column:
                return max(0, int(value.start_mark.column - key.start_mark.column))
            if isinstance(value, yaml.MappingNode):
                pending.append(value)
    return USUAL_INDENT


def _last_line(node: yaml.Node, lines: list[str]) -> int:
    end = int(node.end_mark.line)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        # The end mark of a block scalar is behind the blank lines that follow it.
        if node.end_mark.column == 0:
            end -= 1
        while end > node.start_mark.line and not lines[end].strip():
            end -= 1
    return end


def _line_rest(node: yaml.Node, end: int, lines: list[str]) -> str:
    """Return what follows a value on its last line: a comment, and the line's end."""
    is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    if is_block or node.end_mark.line != end:
        return line_end(lines[end])
    return lines[end][node.end_mark.column :]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
