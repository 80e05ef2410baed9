"""Lines and rows that fit the width of a terminal: long text continues below, and nothing of it is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells
from rich.text import Text

GAP = "  "
INDENT = "    "
# A command stays on one line where that is possible, so that it can be copied.
_COMMAND = re.compile(
    r"""\./vectora(?: [a-z][a-z-]*){0,2}(?: --?[a-z][a-z-]*(?:[ =](?:"[^"]*"|[^\s();"-][^\s();"]*))?)*"""
)
Cell = str | Text


def folded(text: str, width: int, indent: str = "") -> list[str]:
    """Return a one-line text in lines of at most `width` cells, broken at spaces; longer words are split.

    Every line begins with `indent`.
    """
    room = max(width - cell_len(indent), 1)
    lines = [""]
    for word in _words(text, room):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= room:
            lines[-1] = joined
            continue
        first, *rest = chop_cells(word, room) if cell_len(word) > room else [word]
        lines[len(lines) if lines[-1] else -1 :] = [first, *rest]
    return [indent + line for line in lines]


def _words(text: str, room: int) -> Iterator[str]:
    """Yield the words of a text; a command is one word when there is room for it."""
    end = 0
    for found in _COMMAND.finditer(text):
        if cell_len(found[0]) <= room:
            # What follows without a space, such as a full stop, belongs to it.
            rest = re.match(r"\S*", text[found.end() :])
            before = text[end : found.start()]
            attached = re.search(r"\S*$", before)
            yield from before[: attached.start() if attached else None].split()
            yield (attached[0] if attached else "") + found[0] + (rest[0] if rest else "")
            end = found.end() + (rest.end() if rest else 0)
    yield from text[end:].split()


@dataclass(frozen=True)
class Rows:
    """Rows of one-line cells under `columns`; columns that do not fit are written below their row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def lines(self, width: int, *, wraps: bool) -> Iterator[Text]:
        """Yield the heading and the rows for a terminal of `width`; with `wraps`, text below a row is broken too."""
        widths = [max(map(_length, column)) for column in zip(self.columns, *self.rows, strict=True)]
        kept = self._fitting(widths, width)
        heading = self._line([Text(each, "dim") for each in self.columns[:kept]], widths)
        if heading.plain.strip():
            yield heading
        for row in self.rows:
            yield from self._row(row, kept, widths, width if wraps else None)

    def _fitting(self, widths: Sequence[int], width: int) -> int:
        """Return how many of the first columns fit; at least one."""
        used = -len(GAP)
        for count, each in enumerate(widths):
            used += len(GAP) + each
            if used > width:
                return max(count, 1)
        return len(widths)

    def _row(self, row: Sequence[Cell], kept: int, widths: Sequence[int], width: int | None) -> Iterator[Text]:
        first = self._line(row[:kept], widths)
        if width is None or cell_len(first.plain) <= width:
            yield first
        else:
            yield from map(Text, folded(first.plain, width))
        below = [(name, _plain(cell)) for name, cell in zip(self.columns[kept:], row[kept:], strict=True)]
        texts = [f"{name}: {cell}" if name and len(below) > 1 else cell for name, cell in below if cell]
        if texts:
            text = "; ".join(texts)
            yield from map(Text, [INDENT + text] if width is None else folded(text, width, INDENT))

    def _line(self, cells: Sequence[Cell], widths: Sequence[int]) -> Text:
        line = Text()
        for cell, width in zip(cells, widths, strict=False):
            line.append_text(cell if isinstance(cell, Text) else Text(cell))
            line.append(" " * (width - _length(cell)) + GAP)
        line.rstrip()
        return line


def _plain(cell: Cell) -> str:
    return cell.plain if isinstance(cell, Text) else cell


def _length(cell: Cell) -> int:
    return cell_len(_plain(cell))
