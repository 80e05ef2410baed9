"""A text that abuses a terminal in every way we know, and what must have become of it."""

from __future__ import annotations

import re

MARKUP = "[/x] [link=https://evil.example]here[/link] [red] :bomb:"
ORDERS = "\x1b[31m\x1b]8;;https://evil.example\x07 \x9b2J \x08\x7f \u202e\u2066\u200b\ufeff"
HOSTILE = f"{MARKUP} {ORDERS}\r\nFORGED: all is well"
# What a terminal obeys, or what hides or reorders text.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def is_harmless(output: str) -> bool:
    """Nothing that a terminal obeys, and no line of the text's own."""
    forged = any(line.lstrip().startswith("FORGED") for line in output.splitlines())
    return OBEYED.search(output) is None and not forged


def shows_markup(output: str) -> bool:
    """The markup stands there as it was written; a narrow column of a table breaks the text after its first word."""
    return "[/x]" in output and ("[link=https://evil.example]here" in output or "[/x] " in output)
