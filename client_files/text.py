"""A client's file as text that is edited in place: what is not touched stays as it was written, to the byte."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from vectora_shared.config.wording import Path
from vectora_shared.config.yaml_file import Position, parse_yaml
from vectora_shared.errors import ConfigurationError

BOM = "\ufeff"
# Ten times those of any client file: what is edited is read by a slower parser, which keeps its comments' places.
MOST_VALUES = 5_000
LARGEST_FILE_BYTES = 500_000
# What YAML allows in no comment.
_NOT_PRINTABLE = re.compile("[^\t -~\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class Quoted(str):
    """A text that is written in double quotes also where YAML needs none, as versions and dates are."""

    __slots__ = ()


class Flow(list[Any]):
    """A list that is written in one line."""


@dataclass
class Entry:
    """A key with its value, or an entry of a list, with the comments and blank lines above and below it.

    A value that is no block keeps its `lines` as they were written. A block has `children`; its `head` is the line
    with the key, None where an entry of a list begins on the line of its dash.
    """

    key: str | int
    column: int
    key_text: str = ""
    line: int = 0  # where it was read, from 1; 0 for what is new
    above: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    end_comment: str = ""  # behind the value, with the blanks before it
    head: str | None = None
    children: list[Entry] | None = None
    below: list[str] = field(default_factory=list)

    def child(self, key: str | int) -> Entry | None:
        return next((child for child in self.children or () if child.key == key), None)


class _UnusualLayoutError(Exception):
    """Anchors, tags and explicit keys: the value is written anew, in the usual layout."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without implicit dates, as the engine reads it."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class EditableText:
    """One client file; entries of lists keep the index that they were read with, whatever is deleted before them."""

    def __init__(self, name: str, content: bytes) -> None:
        """Raises ConfigurationError, in one sentence with file and line, when it is no YAML mapping."""
        self.name = name
        text = _decoded(name, content)
        self._byte_order_mark = BOM if text.startswith(BOM) else ""
        self._newline = "\r\n" if "\r\n" in text else "\n"
        text = text.removeprefix(BOM).replace("\r\n", "\n").replace("\r", "\n")
        if len(content) > LARGEST_FILE_BYTES:
            raise ConfigurationError(f"{name}: {len(content)} bytes are too many for a client file: split it.")
        file = parse_yaml(name, text.encode("utf-8"), most_values=MOST_VALUES)
        if not file.data:
            raise ConfigurationError(f"{name}, line 1: the file is empty: a client file is a mapping of keys.")
        self.data: dict[str, Any] = {}
        self.positions = file.positions
        self.header: list[str] = []
        self.tail: list[str] = []
        self._root = Entry("", column=-2, children=[])
        self._offset = 2
        try:
            self._read(text)
        except (RecursionError, yaml.YAMLError) as error:
            raise ConfigurationError(f"{name}: not valid YAML: {type(error).__name__}.") from error

    def _read(self, text: str) -> None:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            lines = text.split("\n")
            builder = _Builder(lines, _unusual_lines(text))
            if not isinstance(node, yaml.MappingNode):
                raise ConfigurationError(f"{self.name}, line 1: a client file is a mapping of keys, and this is none.")
            self._offset = _sequence_offset(node)
            # Merging changes the nodes, so the data is read from a tree of its own.
            self.data = _value(loader, _composed(text) or node)
            if node.flow_style:
                self.header = [line.strip() for line in lines if line.strip().startswith("#")]
                self._root.children = [self._new(key, value, 0) for key, value in self.data.items()]
                self.tail = [""]
                return
            self._root.children = self._top_level(builder, node)
            self.tail = builder.tail(self._root.children)
        finally:
            loader.dispose()
        self._split_header()

    def _top_level(self, builder: _Builder, node: yaml.MappingNode) -> list[Entry]:
        entries: list[Entry] = []
        for position, (key, value) in enumerate(node.value):
            following = node.value[position + 1][0].start_mark.line if position + 1 < len(node.value) else None
            before = builder.last
            try:
                builder.add(entries, key, value)
            except _UnusualLayoutError:
                comments = builder.skip_to(before, following)
                if key.value not in self.data:
                    where = f"{self.name}, line {key.start_mark.line + 1}"
                    raise ConfigurationError(
                        f"{where}: '{key.value}' on the first level: write its keys out."
                    ) from None
                entry = self._new(key.value, self.data[key.value], 0)
                entry.above = comments
                entries.append(entry)
        return entries

    def _split_header(self) -> None:
        """The first comments, up to a blank line, are about the file and not about its first key."""
        first = (self._root.children or [])[0]
        blank = next((index for index, line in enumerate(first.above) if not line.strip()), None)
        directives = [index for index, line in enumerate(first.above) if line.strip() and not _is_comment(line)]
        end = max(blank + 1 if blank is not None else 0, directives[-1] + 1 if directives else 0)
        self.header, first.above = first.above[:end], first.above[end:]

    # Reading and editing

    def find(self, path: Path) -> Entry | None:
        entry: Entry | None = self._root
        for length, part in enumerate(path):
            if entry is None:
                return None
            self._opened(entry, path[:length])
            entry = entry.child(part)
        return entry

    def _opened(self, entry: Entry, path: Path) -> list[Entry]:
        """What is inside; a value that stands in brackets, or nothing, is written as a block for it."""
        if entry.children is not None:
            return entry.children
        value = self.value(path)
        inner = [line.strip() for line in entry.lines[:-1] if "#" in line]
        comments = [line[line.index("#") :] for line in inner]
        opened = self._new(entry.key, value, entry.column, entry.key_text)
        if opened.children is None and value not in (None, {}, []):
            raise ConfigurationError(f"{self.name}, line {self.line_of(path)}: a mapping of keys was expected.")
        entry.above += [" " * entry.column + comment for comment in comments]
        entry.head = self._head(entry) if opened.children is None else opened.head
        if entry.head is not None:
            entry.head += entry.end_comment
        entry.lines = []
        entry.children = opened.children or []
        return entry.children

    def value(self, path: Path) -> Any:
        """What was read at `path`; None where there is nothing."""
        value: Any = self.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def line_of(self, path: Path) -> int:
        """Line, from 1, of the innermost part of `path` that the file has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.positions:
                return self.positions[path[:length]].line
        return 1

    def set(self, path: Path, value: Any, *, after: str | None = None, first: bool = False) -> None:
        """Give `path` a value; a new key comes last, first, or after another one."""
        parent = self.find(path[:-1])
        if parent is None:
            self.set(path[:-1], {path[-1]: value})
            return
        children = self._opened(parent, path[:-1])
        present = parent.child(path[-1])
        if present is not None:
            self._replace(present, value)
            return
        entry = self._new(path[-1], value, self._column_of_children(parent))
        if first:
            children.insert(0, entry)
            return
        keys = [child.key for child in children]
        children.insert(keys.index(after) + 1 if after in keys else len(keys), entry)

    def has(self, path: Path) -> bool:
        return self.find(path) is not None

    def insert_section(self, key: str, value: Any, order: Sequence[str]) -> None:
        """A new key of the first level, where `order` has it."""
        entry = self._new(key, value, 0)
        entry.above = [""]
        entries = self._opened(self._root, ())
        later = set(order[order.index(key) + 1 :])
        keys = [child.key for child in entries]
        entries.insert(next((index for index, present in enumerate(keys) if present in later), len(keys)), entry)

    def insert_entry(self, path: Path, value: Any) -> None:
        """A new first entry of the list at `path`."""
        parent = self.find(path)
        if parent is None:
            self.set(path, [value])
            return
        children = self._opened(parent, path)
        key = min((child.key for child in children if isinstance(child.key, int)), default=0) - 1
        column = children[0].column if children else parent.column + self._offset
        children.insert(0, self._new(key, value, column))

    def delete(self, path: Path) -> None:
        """Take away a key or entry with its comments, and every block that is empty then."""
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
        old, entry.key, entry.key_text = entry.key_text, key, _scalar(key)
        rest = entry.column + len(old)
        if entry.children is not None and entry.head is not None:
            entry.head = entry.head[: entry.column] + entry.key_text + entry.head[rest:]
        elif entry.lines:
            entry.lines[0] = entry.lines[0][: entry.column] + entry.key_text + entry.lines[0][rest:]

    def comment(self, path: Path, text: str) -> None:
        """Write `text` as a comment above a key or entry; above everything for the empty path."""
        lines = [f"# {_NOT_PRINTABLE.sub(' ', line).strip()}".rstrip() for line in text.strip().splitlines()]
        entry = self.find(path) if path else None
        if entry is None:
            self.header += [*lines, ""]
        else:
            entry.above += [" " * entry.column + line for line in lines]

    def tidy(self) -> None:
        """Blank lines as they are usual: none at the start of a block, never two, none with blanks in it."""
        self.header, self.tail = _without_double_blanks(self.header), _without_double_blanks(self.tail)
        _tidy(self._root.children or [])
        for entry in (self._root.children or [])[1:]:
            if entry.above and entry.above[0]:
                entry.above.insert(0, "")

    def origins(self) -> dict[Path, Position]:
        """Where the keys and entries that are in the text now were read, by their path now."""
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
        lines = [*self.header]
        for entry in self._root.children or ():
            above, content = _emitted(entry)
            lines += [*above, *content, *entry.below]
        return "\n".join([*lines, *self.tail])

    def encoded(self) -> bytes:
        """The file's bytes, with the line ends and the byte order mark that it came with."""
        return (self._byte_order_mark + self.text().replace("\n", self._newline)).encode("utf-8")

    def _replace(self, entry: Entry, value: Any) -> None:
        new = self._new(entry.key, value, entry.column, entry.key_text)
        entry.head, entry.children, entry.lines = new.head, new.children, new.lines
        if entry.lines:
            entry.lines[-1] += entry.end_comment
        elif entry.head is not None:
            entry.head += entry.end_comment

    def _column_of_children(self, parent: Entry) -> int:
        if parent.children:
            return parent.children[0].column
        return parent.column + 2

    def _head(self, entry: Entry) -> str:
        return " " * entry.column + (f"{entry.key_text}:" if isinstance(entry.key, str) else "-")

    def _new(self, key: str | int, value: Any, column: int, key_text: str | None = None) -> Entry:
        """The entry as it is usually written, at that column."""
        key_text = key_text if key_text is not None else _scalar(key) if isinstance(key, str) else ""
        entry = Entry(key, column, key_text)
        head = self._head(entry)
        if isinstance(value, dict) and value:
            compact = isinstance(key, int)
            entry.head = None if compact else head
            entry.children = [self._new(name, inner, column + 2) for name, inner in value.items()]
        elif isinstance(value, list | tuple) and value and not isinstance(value, Flow):
            entry.head = head
            inner_column = column + (self._offset if isinstance(key, str) else 2)
            entry.children = [self._new(index, inner, inner_column) for index, inner in enumerate(value)]
        else:
            entry.lines = [f"{head} {_flow(value)}"]
        return entry


class _Builder:
    """Entries of the lines of a file; `last` is the last line, from 0, that belongs to one."""

    def __init__(self, lines: list[str], unusual: set[int]) -> None:
        self.lines = lines
        self.last = -1
        self._unusual = unusual

    def add(self, entries: list[Entry], key: yaml.Node, value: yaml.Node) -> None:
        start = self._next_content()
        column = key.start_mark.column
        if key.start_mark.line != start or key.end_mark.line != start or start in self._unusual or key.value == "<<":
            raise _UnusualLayoutError
        key_text = self.lines[start][column : key.end_mark.column]
        entry = Entry(str(key.value), column, key_text, start + 1, above=self._gap(entries, start, column))
        self._fill(entry, value, start)
        entries.append(entry)

    def _add_item(self, entries: list[Entry], index: int, value: yaml.Node, column: int) -> None:
        start = self._next_content()
        if self.lines[start][column : column + 1] != "-" or start in self._unusual:
            raise _UnusualLayoutError
        entry = Entry(index, column, line=start + 1, above=self._gap(entries, start, column))
        self._fill(entry, value, start)
        entries.append(entry)

    def _fill(self, entry: Entry, value: yaml.Node, start: int) -> None:
        is_block = isinstance(value, yaml.CollectionNode) and not value.flow_style
        if not is_block:
            end = max(start, _last_line(value, self.lines))
            if any(line in self._unusual for line in range(start, end + 1)):
                raise _UnusualLayoutError
            entry.lines = self.lines[start : end + 1]
            entry.end_comment = _end_comment(value, end, self.lines)
            self.last = end
            return
        entry.children = []
        if value.start_mark.line == start:
            # The dash is taken out of the line, and comes back with whatever child is the first in the end.
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
                self._add_item(entry.children, index, inner, value.start_mark.column)

    def tail(self, entries: list[Entry]) -> list[str]:
        return self._gap(entries, len(self.lines), 0)

    def skip_to(self, before: int, following: int | None) -> list[str]:
        """Leave out the lines of one entry after the line `before`; their comments are the answer."""
        end = following if following is not None else len(self.lines)
        lines = self.lines[before + 1 : end]
        contents = [index for index, line in enumerate(lines) if not _is_gap(line)]
        self.last = before + 1 + contents[-1]
        comments = (re.search(r"(?:^|\s)(#.*)$", line) for line in lines[: contents[-1] + 1])
        return [match[1] for match in comments if match]

    def _next_content(self) -> int:
        start = self.last + 1
        while start < len(self.lines) and (_is_gap(self.lines[start]) or self._is_marker(start)):
            start += 1
        if start == len(self.lines):
            raise _UnusualLayoutError
        return start

    def _is_marker(self, line: int) -> bool:
        # Document markers and directives stand before the first entry only.
        return self.last == -1 and bool(re.match(r"(---\s*(#.*)?$|%)", self.lines[line]))

    def _gap(self, entries: list[Entry], start: int, column: int) -> list[str]:
        """The lines before `start`; those indented deeper than what follows belong below what was there before."""
        gap = self.lines[self.last + 1 : start]
        deep = [index for index, line in enumerate(gap) if _is_comment(line) and _indent(line) > column]
        if not (entries and deep):
            return gap
        end = deep[-1] + 1
        owner = _innermost_last(entries[-1], _indent(gap[deep[0]]))
        owner.below += gap[:end]
        return gap[end:]


def _innermost_last(entry: Entry, column: int) -> Entry:
    """The last entry inside `entry` that begins at or left of the column."""
    while entry.children and entry.children[-1].column <= column:
        entry = entry.children[-1]
    return entry


def _emitted(entry: Entry) -> tuple[list[str], list[str]]:
    """The comments above an entry, and its lines."""
    if entry.children is None:
        return entry.above, list(entry.lines)
    parts = [(*_emitted(child), child.below) for child in entry.children]
    if not parts:
        return entry.above, [f"{entry.head or ' ' * entry.column + '-'} {{}}"]
    above = list(entry.above)
    content: list[str] = []
    if entry.head is None:
        first_above, first_content, first_below = parts.pop(0)
        above += first_above
        line = first_content[0]
        content += [f"{' ' * entry.column}-{line[entry.column + 1 :]}", *first_content[1:], *first_below]
    else:
        content.append(entry.head)
    for child_above, child_content, child_below in parts:
        content += [*child_above, *child_content, *child_below]
    return above, content


def _tidy(entries: list[Entry]) -> None:
    for position, entry in enumerate(entries):
        entry.above = _without_double_blanks(entry.above)
        entry.below = _without_double_blanks(entry.below)
        while position == 0 and entry.above and not entry.above[0] and entry.column > 0:
            entry.above.pop(0)
        _tidy(entry.children or [])


def _without_double_blanks(lines: list[str]) -> list[str]:
    stripped = [line.rstrip() for line in lines]
    return [line for index, line in enumerate(stripped) if line or index == 0 or stripped[index - 1]]


def _decoded(name: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigurationError(
            f"{name}, line {line}: byte {error.start} is not UTF-8: save the file as UTF-8."
        ) from error
    if found := re.search("[\x85\u2028\u2029]", text):
        line = text[: found.start()].count("\n") + 1
        raise ConfigurationError(
            f"{name}, line {line}: an invisible line end (U+{ord(found[0]):04X}) stands there: replace it by a blank."
        )
    return text


def _composed(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _value(loader: _Loader, node: yaml.Node) -> Any:
    """Plain data with texts as keys."""
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        return {str(key.value): _value(loader, value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, entry) for entry in node.value]
    return loader.construct_object(node, deep=True)


def _unusual_lines(text: str) -> set[int]:
    unusual = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken)
    return {token.start_mark.line for token in _tokens(text) if isinstance(token, unusual)}


def _tokens(text: str) -> Iterator[yaml.Token]:
    yield from yaml.scan(text, Loader=_Loader)


def _sequence_offset(root: yaml.MappingNode) -> int:
    """How far lists are indented under their keys in this file."""
    pending: list[yaml.MappingNode] = [root]
    while pending:
        for key, value in pending.pop(0).value:
            if isinstance(value, yaml.SequenceNode) and not value.flow_style:
                return max(0, int(value.start_mark.column - key.start_mark.column))
            if isinstance(value, yaml.MappingNode):
                pending.append(value)
    return 2


def _last_line(node: yaml.Node, lines: list[str]) -> int:
    end = int(node.end_mark.line)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        # The mark of a block scalar stands behind the blank lines that follow it.
        if node.end_mark.column == 0:
            end -= 1
        while end > node.start_mark.line and not lines[end].strip():
            end -= 1
    return end


def _end_comment(node: yaml.Node, end: int, lines: list[str]) -> str:
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return ""
    rest = lines[end][node.end_mark.column :] if node.end_mark.line == end else ""
    return rest if rest.strip().startswith("#") else ""


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _is_gap(line: str) -> bool:
    return not line.strip() or _is_comment(line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return (
            "["
            + ", ".join(_flow(inner) if not isinstance(inner, str) else _in_brackets(inner) for inner in value)
            + "]"
        )
    return _scalar(value)


def _in_brackets(text: str) -> str:
    plain = _scalar(text)
    return _scalar(Quoted(text)) if plain == text and re.search(r"[\[\]{},]", text) else plain


def _scalar(value: Any) -> str:
    """As the engine's YAML reads it back; texts without quotes where they need none."""
    style = '"' if isinstance(value, Quoted) else None
    plain = str(value) if isinstance(value, str) else value
    written = _dumped(plain, style)
    if style is None and isinstance(plain, str) and written.startswith("'"):
        return _dumped(plain, '"')
    return written


def _dumped(value: Any, style: str | None) -> str:
    written: str = yaml.safe_dump(value, default_style=style, width=2**31, allow_unicode=True)
    if isinstance(value, str) and not style and "\n" in written.rstrip("\n").removesuffix("\n..."):
        return _dumped(value, '"')
    return written.rstrip("\n").removesuffix("\n...")
