"""A client file as editable text: everything that is not edited stays as it was written, to the byte."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any

from client_files.text.entries import (
    USUAL_INDENT,
    Entry,
    line_end,
    lines_with_ends,
    normalize_blank_lines,
    usual_line_end,
    without_repeated_blanks,
)
from client_files.text.reading import read_layout
from client_files.text.writing import lines_of, new_entry, scalar
from vectora_shared.config.characters import without_harmful
from vectora_shared.config.text_file import Position
from vectora_shared.config.wording import Path
from vectora_shared.config.yaml_file import MOST_VALUES, parse_yaml
from vectora_shared.errors import ConfigurationError


class EditableText:
    """One client file; list entries keep the index they were read with, also after others are deleted."""

    def __init__(self, name: str, content: bytes, *, most_values: int = MOST_VALUES) -> None:
        """Parse a file as validation does; raise ConfigurationError with file and line when it is no YAML mapping."""
        self.name = name
        file = parse_yaml(name, content, most_values=most_values)
        self._byte_order_mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
        lines = lines_with_ends(file.text)
        self._line_end = usual_line_end(lines)
        self._ends_in_a_line_end = bool(lines and line_end(lines[-1]))
        if not file.data:
            raise ConfigurationError(f"{name}, line 1: the file is empty: a client file is a mapping of keys.")
        self.positions = file.positions
        parsed = read_layout(file)
        self.data = parsed.data
        self.header = parsed.header
        self.tail = parsed.tail
        self._list_indent = parsed.list_indent
        self._root = Entry("", column=-USUAL_INDENT, children=parsed.entries)

    # Reading

    def value(self, path: Path) -> Any:
        """Return the value that was read at `path`, None if there is none."""
        value: Any = self.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def line_of(self, path: Path) -> int:
        """Return the line, from 1, of the innermost part of `path` that the file has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.positions:
                return self.positions[path[:length]].line
        return 1

    def find(self, path: Path) -> Entry | None:
        entry: Entry | None = self._root
        for length, part in enumerate(path):
            if entry is None:
                return None
            self._children(entry, path[:length])
            entry = entry.child(part)
        return entry

    def has(self, path: Path) -> bool:
        return self.find(path) is not None

    # Editing

    def set(self, path: Path, value: Any, *, after: str | None = None, first: bool = False) -> None:
        """Set the value at `path`; a new key is added last, first, or after another one."""
        parent = self.find(path[:-1])
        if parent is None:
            self.set(path[:-1], {path[-1]: value})
            return
        children = self._children(parent, path[:-1])
        present = parent.child(path[-1])
        if present is not None:
            self._replace(present, value)
            return
        entry = self._new(path[-1], value, children[0].column if children else parent.column + USUAL_INDENT)
        if first:
            children.insert(0, entry)
            return
        keys = [child.key for child in children]
        children.insert(keys.index(after) + 1 if after in keys else len(keys), entry)

    def insert_section(self, key: str, value: Any, order: Sequence[str]) -> None:
        """Add a key of the first level at its position in `order`."""
        entry = self._new(key, value, 0)
        entry.above = [""]
        entries = self._children(self._root, ())
        later = set(order[order.index(key) + 1 :])
        keys = [child.key for child in entries]
        entries.insert(next((index for index, present in enumerate(keys) if present in later), len(keys)), entry)

    def insert_entry(self, path: Path, value: Any) -> None:
        """Add a first entry to the list at `path`."""
        parent = self.find(path)
        if parent is None:
            self.set(path, [value])
            return
        children = self._children(parent, path)
        key = min((child.key for child in children if isinstance(child.key, int)), default=0) - 1
        column = children[0].column if children else parent.column + self._list_indent
        children.insert(0, self._new(key, value, column))

    def delete(self, path: Path) -> None:
        """Delete a key or entry with its comments, and every block that becomes empty."""
        parent, entry = self.find(path[:-1]), self.find(path)
        if parent is None or entry is None or parent.children is None:
            return
        parent.children.remove(entry)
        if not parent.children and path[:-1]:
            self.delete(path[:-1])

    def rename(self, path: Path, key: str) -> None:
        entry = self.find(path)
        if entry is None:
            return
        old, entry.key, entry.key_text = entry.key_text, key, scalar(key)
        rest = entry.column + len(old)
        if entry.children is not None and entry.head is not None:
            entry.head = entry.head[: entry.column] + entry.key_text + entry.head[rest:]
        elif entry.lines:
            entry.lines[0] = entry.lines[0][: entry.column] + entry.key_text + entry.lines[0][rest:]

    def comment(self, path: Path, text: str) -> None:
        """Write `text` as a comment above a key or entry; in the header of the file for the empty path."""
        lines = [f"# {without_harmful(line).strip()}".rstrip() for line in text.strip().splitlines()]
        entry = self.find(path) if path else None
        if entry is None:
            self.header += [*lines, ""]
        else:
            entry.above += [" " * entry.column + line for line in lines]

    def normalize_blank_lines(self) -> None:
        """Remove repeated blank lines, and separate the commented keys of the first level by one."""
        entries = self._root.children or []
        self.header, self.tail = without_repeated_blanks(self.header), without_repeated_blanks(self.tail)
        normalize_blank_lines(entries)
        for entry in entries[1:]:
            if entry.above and entry.above[0].strip():
                entry.above.insert(0, "")

    # Writing

    def origins(self) -> dict[Path, Position]:
        """Return where the current keys and entries were read from, by their current path."""
        found: dict[Path, Position] = {}
        pending: list[tuple[Path, Entry]] = [((), self._root)]
        while pending:
            path, parent = pending.pop()
            for index, entry in enumerate(parent.children or ()):
                inner = (*path, entry.key if isinstance(entry.key, str) else index)
                if entry.line:
                    found[inner] = Position(entry.line, entry.column + 1)
                pending.append((inner, entry))
        return found

    def text(self) -> str:
        """Return the whole text; each line that was read keeps its line end, and new ones have the file's usual one."""
        inner = [line for entry in self._root.children or () for line in lines_of(entry)]
        lines = [line if line_end(line) else line + self._line_end for line in (*self.header, *inner, *self.tail)]
        if lines and not self._ends_in_a_line_end:
            lines[-1] = lines[-1].rstrip("\r\n")
        return "".join(lines)

    def encoded(self) -> bytes:
        """Return the file's bytes with its byte order mark, if it has one."""
        return self._byte_order_mark + self.text().encode("utf-8")

    def _children(self, entry: Entry, path: Path) -> list[Entry]:
        """Return the children of an entry, after rewriting an empty value or one in brackets as a block."""
        if entry.children is not None:
            return entry.children
        value = self.value(path)
        inner = [line.strip() for line in entry.lines[:-1] if "#" in line]
        comments = [line[line.index("#") :] for line in inner]
        block = self._new(entry.key, value, entry.column, entry.key_text)
        if block.children is None and value not in (None, {}, []):
            raise ConfigurationError(f"{self.name}, line {self.line_of(path)}: a mapping of keys was expected.")
        entry.above += [" " * entry.column + comment for comment in comments]
        entry.head = entry.key_line if block.children is None else block.head
        if entry.head is not None:
            entry.head += entry.line_rest
        entry.lines = []
        entry.children = block.children or []
        return entry.children

    def _replace(self, entry: Entry, value: Any) -> None:
        new = self._new(entry.key, value, entry.column, entry.key_text)
        entry.head, entry.children, entry.lines = new.head, new.children, new.lines
        if entry.lines:
            entry.lines[-1] += entry.line_rest
        elif entry.head is not None:
            entry.head += entry.line_rest

    def _new(self, key: str | int, value: Any, column: int, key_text: str | None = None) -> Entry:
        return new_entry(key, value, column, self._list_indent, key_text)
