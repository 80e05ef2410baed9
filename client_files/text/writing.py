"""Lines of entries, and the notation of new values."""

from __future__ import annotations

import re
from typing import Any

import yaml

from client_files.text.entries import USUAL_INDENT, Entry, Flow, Quoted


def new_entry(key: str | int, value: Any, column: int, list_indent: int, key_text: str | None = None) -> Entry:
    """Return an entry in the usual layout at a column; lists are indented by `list_indent` below their key."""
    key_text = key_text if key_text is not None else scalar(key) if isinstance(key, str) else ""
    entry = Entry(key, column, key_text)
    if isinstance(value, dict) and value:
        # A mapping in a list begins on the line of its dash.
        entry.head = None if isinstance(key, int) else entry.key_line
        inner_column = column + USUAL_INDENT
        entry.children = [new_entry(name, inner, inner_column, list_indent) for name, inner in value.items()]
    elif isinstance(value, list | tuple) and value and not isinstance(value, Flow):
        entry.head = entry.key_line
        inner_column = column + (list_indent if isinstance(key, str) else USUAL_INDENT)
        entry.children = [new_entry(index, inner, inner_column, list_indent) for index, inner in enumerate(value)]
    else:
        entry.lines = [f"{entry.key_line} {_flow(value)}"]
    return entry


def lines_of(entry: Entry) -> list[str]:
    """Return all lines of an entry, with its comments and blank lines."""
    above, content = _above_and_content(entry)
    return [*above, *content, *entry.below]


def scalar(value: Any) -> str:
    """Return a value in the notation that the engine's YAML reads back, without quotes where none are needed."""
    style = '"' if isinstance(value, Quoted) else None
    plain = str(value) if isinstance(value, str) else value
    written = _dumped(plain, style)
    if style is None and isinstance(plain, str) and written.startswith("'"):
        return _dumped(plain, '"')
    return written


def _above_and_content(entry: Entry) -> tuple[list[str], list[str]]:
    if entry.children is None:
        return entry.above, list(entry.lines)
    parts = [(*_above_and_content(child), child.below) for child in entry.children]
    if not parts:
        return entry.above, [f"{entry.key_line} {{}}{(entry.head or '').removeprefix(entry.key_line)}"]
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


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        inner = (_scalar_in_flow(each) if isinstance(each, str) else _flow(each) for each in value)
        return "[" + ", ".join(inner) + "]"
    return scalar(value)


def _scalar_in_flow(text: str) -> str:
    plain = scalar(text)
    return scalar(Quoted(text)) if plain == text and re.search(r"[\[\]{},]", text) else plain


def _dumped(value: Any, style: str | None) -> str:
    written: str = yaml.safe_dump(value, default_style=style, width=2**31, allow_unicode=True)
    if isinstance(value, str) and not style and "\n" in written.rstrip("\n").removesuffix("\n..."):
        return _dumped(value, '"')
    return written.rstrip("\n").removesuffix("\n...")
