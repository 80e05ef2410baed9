"""The README's picture of how a rehearsal ends, drawn from the text of a real one."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 112
# The failing stage of the second commit; all stages look alike and would make the picture too tall to read.
FAILING_STAGE = "stage"
COMMIT = re.compile(r"^\S.*(?=, commit [0-9a-f]{12}: )")
STAGE = re.compile(r"^  [A-Za-z]+$")
SENTENCE = re.compile(r"^  \S")
BAR = re.compile(r"^    (?P<before>·*)(?P<length>█+)(?P<after>·*)(?P<action>.*?)(?P<failed>  failed)?$")
# Rich's SVG loads its font from a content delivery network; a page must show the picture without any request.
WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    """Write the picture of what `./vectora rehearse` printed."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Example: ./vectora rehearse > build/rehearsal.txt && "
        "python -m tools.draw_rehearsal build/rehearsal.txt docs/images/rehearsal.svg",
    )
    parser.add_argument("text", type=Path, help="standard output of ./vectora rehearse")
    parser.add_argument("picture", type=Path, help="SVG file to write")
    arguments = parser.parse_args()
    lines = arguments.text.read_text(encoding="utf-8").splitlines()
    arguments.picture.write_text(drawn(excerpt(lines)), encoding="utf-8")


def excerpt(lines: Sequence[str]) -> list[str]:
    """Return the failed commit and its fix, the newsletters, the restored disaster and the totals."""
    commits = [number for number, line in enumerate(lines) if COMMIT.match(line)]
    if len(commits) < 3:
        sys.exit("The text names fewer than three commits: give the whole standard output of ./vectora rehearse.")
    newsletters = _first(lines, lambda line: line.startswith("  env "), "table of newsletters") - 1
    disaster = _first(lines, lambda line: "then broken in" in line, "disaster")
    resources = _first(lines, lambda line: line.startswith("Resources: "), "count of resources")
    table = [line for line in lines[newsletters:disaster] if line.startswith(" ") and line.strip()]
    totals = [line for line in lines[resources:] if line[:1].strip() and not line.endswith(":")]
    return [
        *_failed_commit(lines[commits[1] : commits[2]]),
        "",
        *_sentences(lines[commits[2] : newsletters]),
        "",
        *table,
        "",
        *lines[disaster:resources],
        *totals,
    ]


def _first(lines: Sequence[str], matches: Callable[[str], bool], what: str) -> int:
    for number, line in enumerate(lines):
        if matches(line):
            return number
    sys.exit(f"The text has no {what}: give the whole standard output of ./vectora rehearse.")


def _failed_commit(lines: Sequence[str]) -> Iterator[str]:
    heading, *rest = lines
    yield heading
    is_shown = False
    for line in rest:
        if STAGE.match(line):
            is_shown = line.strip() == FAILING_STAGE
        elif SENTENCE.match(line):
            is_shown = True
        if is_shown and line.strip():
            yield line


def _sentences(lines: Sequence[str]) -> Iterator[str]:
    heading, *rest = lines
    yield heading
    yield from (line for line in rest if SENTENCE.match(line) and not STAGE.match(line))


def drawn(lines: Sequence[str]) -> str:
    """Return the lines as an SVG of a terminal, in the colours of rehearsal/view.py and rehearsal/summary.py."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    for line in lines:
        console.print(_styled(line), no_wrap=True, overflow="ellipsis", crop=True)
    return WEB_FONT.sub("", console.export_svg(title="./vectora rehearse", unique_id="rehearsal"))


def _styled(line: str) -> Text:
    if bar := BAR.match(line):
        color = "red" if bar["failed"] else "green"
        text = Text("    ").append(bar["before"], "dim").append(bar["length"], color).append(bar["after"], "dim")
        return text.append(bar["action"]).append(bar["failed"] or "", color)
    if heading := COMMIT.match(line):
        return Text(heading[0], "bold").append(line[heading.end() :])
    return Text(line, "bold" if STAGE.match(line) or line.startswith("  env ") else "")


if __name__ == "__main__":
    main()
