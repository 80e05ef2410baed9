"""One search for several regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable


class AnyOf:
    """Search for the first of several regular expressions that ignore case, with one pass over the text."""

    def __init__(self, patterns: Iterable[str], *, at: str = "") -> None:
        """Initialize with the patterns; `at` is what all places must have, such as the boundary of a word."""
        compiled = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
        joined = "|".join(f"(?:{pattern.pattern})" for pattern in compiled if _can_be_joined(pattern))
        alone = [pattern.pattern for pattern in compiled if not _can_be_joined(pattern)]
        parts = [joined, *alone] if joined else alone
        self._patterns = [re.compile(f"{at}(?:{part})" if at else part, re.IGNORECASE) for part in parts]

    def matches(self, text: str) -> bool:
        """Return whether one of the regular expressions matches somewhere in the text."""
        return any(pattern.search(text) for pattern in self._patterns)


def _can_be_joined(pattern: re.Pattern[str]) -> bool:
    """Return whether the pattern means the same among others: groups have numbers, and flags apply to all."""
    has_own_flags = re.match(r"\(\?[a-zA-Z]+\)", pattern.pattern)
    return pattern.groups == 0 and not has_own_flags
