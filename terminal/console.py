"""Consoles and tables that show untrusted text literally: no markup, no control characters, no forged lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO, Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from terminal.folding import Rows, folded
from vectora_ops.plain_text import one_line, visible


class Terminal(Console):
    """Console that prints brackets, `:smile:` and escape sequences as text.

    Colours come from `style` arguments and `Text` objects only, so no caller needs to escape anything.
    """

    def __init__(
        self,
        *,
        file: IO[str] | None = None,
        stderr: bool = False,
        width: int | None = None,
        soft_wrap: bool = False,
    ) -> None:
        super().__init__(
            file=file, stderr=stderr, width=width, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False
        )
        self.outputs = 0  # grows with each output, for displays that break a silence

    def print(self, *objects: Any, **options: Any) -> None:
        """Print objects, and count the output."""
        super().print(*objects, **options)
        self.outputs += 1

    def say(self, text: str, style: str | None = None) -> None:
        """Print a text on one line, regardless of the values in it."""
        self.print(one_line(text), style=style, soft_wrap=True)

    def fold(self, text: str, style: str | None = None, *, indent: str = "") -> None:
        """Print a text on one line; on a terminal, broken at spaces so that each line fits."""
        text = one_line(text)
        for line in folded(text, self.width, indent) if self.is_terminal else [indent + text]:
            self.print(line, style=style, soft_wrap=True)

    def print_rows(self, columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
        """Print rows of cells in columns; the columns that do not fit are below their row."""
        cells = [tuple(one_line(cell) if isinstance(cell, str) else cell for cell in row) for row in rows]
        for line in Rows(columns, cells).lines(self.width, wraps=self.is_terminal):
            self.print(line, soft_wrap=True)

    def render_str(self, text: str, **options: Any) -> Text:
        # rich calls this for every string before it measures its width; some of its callers pass markup=True.
        return super().render_str(visible(text), **{**options, "markup": False, "emoji": False})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        # Styled texts do not pass through `render_str`. Control segments are cursor movements of rich itself.
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


class _Rows(Table):
    def add_row(
        self, *renderables: RenderableType | None, style: str | Style | None = None, end_section: bool = False
    ) -> None:
        cells = (one_line(cell) if isinstance(cell, str) else cell for cell in renderables)
        super().add_row(*cells, style=style, end_section=end_section)


def new_table(*columns: str, fold: bool = False, ruled: bool = False) -> Table:
    """Return a table whose string cells are always one line; `fold` wraps long cells."""
    table = _Rows(box=box.SIMPLE, header_style="bold") if ruled else _Rows(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold" if fold else "ellipsis")
    return table


def styled(text: str, style: str) -> Text:
    """Return a text on one line in a style, for a table cell or a sentence."""
    return Text(one_line(text), style)
