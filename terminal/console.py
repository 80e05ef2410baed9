"""Consoles and tables that show every text as it is: no markup, no control characters, no forged lines in a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from vectora_ops.plain_text import one_line, visible


class Terminal(Console):
    """A console on which words in brackets, `:smile:` and escape sequences are text like any other.

    Colours come from `style` arguments and `Text` objects only, so that no caller has to remember to escape.
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

    def say(self, text: str, style: str | None = None) -> None:
        """Print one sentence in one line, whatever the values in it hold."""
        self.print(one_line(text), style=style, soft_wrap=True)

    def render_str(self, text: str, **options: Any) -> Text:
        # Every string passes here before its width is measured. Some of rich's callers say markup=True by themselves.
        return super().render_str(visible(text), **{**options, "markup": False, "emoji": False})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        # Texts that were styled by hand did not pass `render_str`. Control segments are rich's own movements.
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


class _Rows(Table):
    def add_row(
        self, *renderables: RenderableType | None, style: str | Style | None = None, end_section: bool = False
    ) -> None:
        cells = (one_line(cell) if isinstance(cell, str) else cell for cell in renderables)
        super().add_row(*cells, style=style, end_section=end_section)


def new_table(*columns: str, fold: bool = False, ruled: bool = False) -> Table:
    """A table in which a cell that is a string is one line, whatever it holds; `fold` breaks long cells."""
    made = _Rows(box=box.SIMPLE, header_style="bold") if ruled else _Rows(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column, overflow="fold" if fold else "ellipsis")
    return made


def styled(text: str, style: str) -> Text:
    """One line in a colour, for a cell of a table or a sentence."""
    return Text(one_line(text), style)
