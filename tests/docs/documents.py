"""Documents of the repository, and the commands, links and code in them."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from tests.repository import ROOT

TOP_LEVEL = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "tests/README.md")
# They speak of the past: commands and paths in them may be gone.
OF_THE_PAST = ("CHANGELOG.md", "docs/adr/")
SHELLS = ("sh", "bash", "console", "shell")
PROGRAMS = ("./vectora", "cdk", "make")
_FENCE = re.compile(r"^ *(?P<marks>```+|~~~+) *(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^ *(?P=marks) *$", re.S | re.M)
_INLINE = re.compile(r"(?<!`)(?P<marks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=marks)(?!`)", re.S)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\((?P<target><[^>]*>|[^)\s]+)(?:\s+\"[^\"]*\")?\)")
_DEFINITION = re.compile(r"^ *\[[^\]^]+\]: *(?P<target>\S+)", re.M)
# A value that the reader replaces: <name>, {name}, NAME or three dots.
_PLACEHOLDER = re.compile(r"<[\w][\w .-]*>|\{[\w-]+\}|(?<![\w.$-])[A-Z][A-Z_]+(?![\w=.-])|(?<!\S)\.\.\.(?!\S)")


# Every option takes it as its value.
PLACEHOLDER = "1"


@dataclass(frozen=True)
class Found:
    """A piece of a document, with its line."""

    path: str
    line: int
    text: str
    is_inline: bool = False

    @property
    def place(self) -> str:
        """File and line, as editors open them."""
        return f"{self.path}:{self.line}"


def documents() -> list[Path]:
    """Return every document for people, by path."""
    return [ROOT / name for name in TOP_LEVEL if (ROOT / name).exists()] + sorted((ROOT / "docs").rglob("*.md"))


def commands() -> Iterator[Found]:
    """Yield commands of our programs in blocks for a shell and in inline code."""
    for path, text in _texts():
        for match in _FENCE.finditer(text):
            if match["language"] in SHELLS:
                yield from _commands_of_block(path, text, match)
        for code in _inline_code(path, text):
            for command in _separate(code.text):
                # A program alone is a name.
                if command.split(" ")[0] in PROGRAMS and command not in PROGRAMS:
                    yield replace(code, text=command)


def inline_code() -> Iterator[Found]:
    """Yield inline code of documents that are about the present."""
    for path, text in _texts():
        yield from _inline_code(path, text)


def links() -> Iterator[Found]:
    """Yield the targets of links and images in all documents, those of the past included."""
    for file in documents():
        text = without_code(file.read_text(encoding="utf-8"))
        path = file.relative_to(ROOT).as_posix()
        for pattern in (_LINK, _DEFINITION):
            for match in pattern.finditer(text):
                yield Found(path, _line(text, match.start()), match["target"].strip("<>"))


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors that GitHub makes of a document's headings, and those written as HTML."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    found: list[str] = re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text)
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.M):
        anchor = _anchor(heading)
        same = sum(each == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", each) is not None for each in found)
        found.append(f"{anchor}-{same}" if same else anchor)
    return frozenset(found)


def words_of(command: str) -> list[str]:
    """Return the words of a command, with one value for all placeholders."""
    return shlex.split(_PLACEHOLDER.sub(PLACEHOLDER, command), comments=True)


@cache
def tracked_files() -> frozenset[str]:
    """Return the paths of all files that are or will be in git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return frozenset(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines())


def without_code(text: str) -> str:
    """Blank fenced blocks and inline code, and keep the positions of everything else."""
    for pattern in (_FENCE, _INLINE):
        text = pattern.sub(lambda match: re.sub(r"[^\n\[\]]", " ", match.group()), text)
    return text


def _texts() -> Iterator[tuple[str, str]]:
    for file in documents():
        path = file.relative_to(ROOT).as_posix()
        if not path.startswith(OF_THE_PAST):
            yield path, file.read_text(encoding="utf-8")


def _commands_of_block(path: str, text: str, block: re.Match[str]) -> Iterator[Found]:
    start = _line(text, block.start()) + 1
    code = re.sub(r"\\\n", "  ", block["code"])
    skipped = 0
    for number, line in enumerate(code.split("\n")):
        for command in _separate(line):
            if command.split(" ")[0] in PROGRAMS:
                yield Found(path, start + number + skipped, command)
        skipped += line.count("\\")


def _separate(line: str) -> Iterator[str]:
    """Yield the commands of one line: without prompt, comment, redirection and assignments before them."""
    line = re.sub(r"(?<!\S)#.*$", "", line).strip().removeprefix("$ ")
    for part in re.split(r"\s(?:&&|\|\||\||;)\s|;\s", line):
        part = re.sub(r"\s\d?>>?\s*\S+", "", part.strip())
        yield re.sub(r"^(?:[A-Z_]+=\S+ )+", "", part)


def _inline_code(path: str, text: str) -> Iterator[Found]:
    prose = _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    for match in _INLINE.finditer(prose):
        code = " ".join(match["code"].replace("\\|", "|").split())
        yield Found(path, _line(prose, match.start()), code, is_inline=True)


def _anchor(heading: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"<[^>]+>", "", text).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
