"""Words that complete a command line of `./vectora`: imports no command, calls no AWS, prints no error.

The table of commands is generated (tools/completion_table.py), because a shell waits for each answer.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vectora_ops.plain_text import one_line

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).resolve().parent / "completion_table.json"
# In the table, in place of words that the checkout decides.
CLIENTS, SOURCES = "<clients>", "<sources>"
CATALOGUE = Path("canonical", "sources", "source_catalog.yaml")


def completions(table: dict[str, Any], words: Sequence[str], config: Path) -> list[str]:
    """Return the words that may replace the last of `words`, which are those after the program's name."""
    *before, incomplete = _joined(words) or [""]
    option, equals, value = incomplete.partition("=")
    if option.startswith("--") and equals:
        return [f"{option}={each}" for each in completions(table, [*before, option, value], config)]
    node, waiting, position = table, None, 0
    for word in before:
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            name, _, given = word.partition("=")
            known = node.get("options", {}).get(name)
            waiting = known if known is not None and not given else None
        elif "commands" in node:
            if word not in node["commands"]:
                return []
            node, position = node["commands"][word], 0
        else:
            position += 1
    if waiting is not None:
        return _of_value(waiting, incomplete, config)
    if incomplete.startswith("-"):
        return [each for each in node.get("options", {}) if each.startswith(incomplete)]
    if "commands" in node:
        return [each for each in node["commands"] if each.startswith(incomplete)]
    arguments = node["arguments"]
    return _of_value(arguments[min(position, len(arguments) - 1)], incomplete, config) if arguments else []


def _joined(words: Sequence[str]) -> list[str]:
    """Return the words with those joined that bash separates at equals signs (COMP_WORDBREAKS, bash manual)."""
    joined: list[str] = []
    for index, word in enumerate(words):
        if joined and (word == "=" or (index > 1 and words[index - 1] == "=")) and joined[-1].startswith("--"):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _of_value(known: Sequence[str], incomplete: str, config: Path) -> list[str]:
    """Return the values that begin as the incomplete one; of a comma-separated list, its last part is completed."""
    listed, comma, last = incomplete.rpartition(",")
    return [f"{listed}{comma}{each}" for each in _expanded(known, config) if each.startswith(last)]


def _expanded(known: Sequence[str], config: Path) -> Iterator[str]:
    for each in known:
        if each == CLIENTS:
            yield from sorted(file.stem for file in (config / "clients").glob("*.yaml"))
        elif each == SOURCES:
            text = (config / CATALOGUE).read_text(encoding="utf-8")
            yield from re.findall(r"^\s*-?\s*source_key:\s*[\"']?(\w+)", text, re.MULTILINE)
        else:
            yield each


def main() -> None:
    """Print the completions of the words on the command line, one a line; nothing when a file cannot be read."""
    words = sys.argv[1:]
    # In bash the shell replaces only what follows an equals sign.
    separated = len(words) > 1 and "=" in words[-2:]
    try:
        found = completions(json.loads(TABLE.read_text(encoding="utf-8")), words, ROOT / "config")
    except (OSError, ValueError):
        return
    for each in found:
        # A file's name may have any characters.
        sys.stdout.write(one_line(each.partition("=")[2] if separated else each) + "\n")


if __name__ == "__main__":
    main()
