"""Text with all known ways to abuse a terminal, and checks of its output."""

from __future__ import annotations

import re

MARKUP = "[/x] [link=https://evil.example]here[/link] [red] :bomb:"
CONTROLS = "\x1b[31m\x1b]8;;https://evil.example\x07 \x9b2J \x08\x7f \u202e\u2066\u200b\ufeff"
HOSTILE = f"{MARKUP} {CONTROLS}\r\nFORGED: all is well"
# Characters that control a terminal, or hide or reorder text.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def is_harmless(output: str) -> bool:
    """Return whether an output has no control characters, and no line forged by the text."""
    forged = any(line.lstrip().startswith("FORGED") for line in output.splitlines())
    return OBEYED.search(output) is None and not forged


def shows_markup(output: str) -> bool:
    """Return whether the markup is shown literally; a narrow table column breaks the text after its first word."""
    return "[/x]" in output and ("[link=https://evil.example]here" in output or "[/x] " in output)
