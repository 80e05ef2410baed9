"""Entries of a client file: keys and list entries with their lines, comments and blank lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

USUAL_INDENT = 2
# YAML 1.2, b-break; the line ends of YAML 1.1 that editors do not show are refused before.
_LINE = re.compile("[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


class Quoted(str):
    """A text that is written in double quotes even where YAML needs none, such as a version or a date."""

    __slots__ = ()


class Flow(list[Any]):
    """A list that is written on one line."""


@dataclass
class Entry:
    """A key with its value, or an entry of a list, with the comments and blank lines above and below it.

    Lines that were read end with their line end; new ones have none, and get that of the file. A value that is no
    block keeps its `lines` as they were written. A block has `children`; its `head` is the line
    with the key, None where an entry of a list begins on the line of its dash.
    """

    key: str | int
    column: int
    key_text: str = ""
    line: int = 0  # line it was read from, counted from 1; 0 for a new entry
    above: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    line_rest: str = ""  # what follows the value on its line: blanks, a comment, the line's end
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
        while position == 0 and entry.above and not entry.above[0].strip() and entry.column > 0:
            entry.above.pop(0)
        normalize_blank_lines(entry.children or [])


def without_repeated_blanks(lines: list[str]) -> list[str]:
    """Return the lines without trailing spaces, and one blank line instead of several."""
    stripped = [line.rstrip() + line_end(line) for line in lines]
    return [line for index, line in enumerate(stripped) if line.strip() or index == 0 or stripped[index - 1].strip()]


def lines_with_ends(text: str) -> list[str]:
    """Return the lines of a text, each with its own line end; only the last one may have none."""
    return _LINE.findall(text)


def line_end(line: str) -> str:
    """Return the line end that a line has, empty for a new line."""
    return line[len(line.rstrip("\r\n")) :]


def usual_line_end(lines: Sequence[str]) -> str:
    """Return the line end that most lines have; \\n when there is none."""
    counted = Counter(filter(None, map(line_end, lines)))
    return max(counted, key=counted.__getitem__, default="\n")
