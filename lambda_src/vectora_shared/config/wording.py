"""Wording of problems in configuration files: where they are, what is close to an unknown name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

from vectora_shared.config.characters import escaped

# Keys and positions in lists that lead from a file's top level to a value.
Path = tuple[str | int, ...]
MOST_PROBLEMS = 100
MOST_NAMES_COMPARED = 1_000
LONGEST_EXCERPT = 80


def first_problems(problems: Iterable[str]) -> list[str]:
    """Return the first problems, and a sentence when there are more."""
    first = list(islice(problems, MOST_PROBLEMS + 1))
    if len(first) > MOST_PROBLEMS:
        first[MOST_PROBLEMS:] = [f"These are the first {MOST_PROBLEMS} problems: there are more."]
    return first


def excerpt(text: str, limit: int = LONGEST_EXCERPT) -> str:
    """Return the text cut to `limit` characters; a cut text ends in dots."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def excerpt_of_value(value: object) -> str:
    """Return a value as Python writes it, cut to a readable length."""
    if isinstance(value, str):
        return excerpt(repr("".join(char if char in "\t\n\r" else escaped(char) for char in value[:LONGEST_EXCERPT])))
    return excerpt(repr(list(value) if isinstance(value, tuple) else value))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question with the nearest known name, to put before other advice; empty when none is near."""
    found = nearest(name, known, cutoff=0.5)
    return f"did you mean '{found}'? " if found else ""


def nearest(name: str, known: Iterable[str], *, cutoff: float) -> str | None:
    """Return the known name that is most like `name`, or None.

    Long names are not compared: the time grows with the product of two names' lengths.
    """
    short = (each for each in known if len(each) <= LONGEST_EXCERPT)
    found = difflib.get_close_matches(name, list(islice(short, MOST_NAMES_COMPARED)), n=1, cutoff=cutoff)
    return found[0] if found and len(name) <= LONGEST_EXCERPT else None


def dotted(path: Path) -> str:
    """Return the path as text, such as newsletter_layout.sections[0].title."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def dotted_excerpt(path: Path) -> str:
    """Return the path as text for a sentence: a key may be as long as the file, so long ones are cut."""
    return dotted(tuple(excerpt(part) if isinstance(part, str) else part for part in path))
