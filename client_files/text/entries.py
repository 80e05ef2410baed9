"""Entries of a client file: keys and list entries with their lines, comments and blank lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

USUAL_INDENT = 2


class Quoted(str):
    """A text that is written in double quotes even where YAML needs none, such as a version or a date."""

    __slots__ = ()


class Flow(list[Any]):
    """A list that is written on one line."""


@dataclass
class Entry:
    """A key with its value, or an entry of a list, with the comments and blank lines above and below it.

    A value that is no block keeps its `lines` as they were written. A block has `children`; its `head` is the line
    with the key, None where an entry of a list begins on the line of its dash.
    """

    key: str | int
    column: int
    key_text: str = ""
    line: int = 0  # line it was read from, counted from 1; 0 for a new entry
    above: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    end_comment: str = ""  # comment after the value, with the blanks before it
    head: str | None = None
    children: list[Entry] | None = None
    below: list[str] = field(default_factory=list)

    def child(self, key: str | int) -> Entry | None:
        return next((child for child in self.children or () if child.key == key), None)

    @property
    def key_line(self) -> str:
        """Line with the key, or the dash, of a new block or value."""
        return " " * self.column + (f"{self.key_text}:" if isinstance(self.key, str) else "-")


def is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def is_blank_or_comment(line: str) -> bool:
    return not line.strip() or is_comment(line)


def normalize_blank_lines(entries: Sequence[Entry]) -> None:
    """Remove repeated blank lines, and blank lines at the start of a block."""
    for position, entry in enumerate(entries):
        entry.above = without_repeated_blanks(entry.above)
        entry.below = without_repeated_blanks(entry.below)
        while position == 0 and entry.above and not entry.above[0] and entry.column > 0:
            entry.above.pop(0)
        normalize_blank_lines(entry.children or [])


def without_repeated_blanks(lines: list[str]) -> list[str]:
    """Return the lines without trailing spaces, and one blank line instead of several."""
    stripped = [line.rstrip() for line in lines]
    return [line for index, line in enumerate(stripped) if line or index == 0 or stripped[index - 1]]
