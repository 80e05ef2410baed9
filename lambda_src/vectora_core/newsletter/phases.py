"""Phases of clinical development that a text names."""

from __future__ import annotations

import re

PRECLINICAL = "preclinical"
_NUMBERS = {"I": "1", "II": "2", "III": "3", "IV": "4"}
_NUMBER = r"(?:IV|I{1,3}|[1-4])"
_PHASE = re.compile(
    rf"\bphases?[\s-]?(?P<first>{_NUMBER})(?P<part>[abc])?(?:\s?[/-]\s?(?:phase\s)?(?P<second>{_NUMBER})(?P<end>[abc])?)?(?!\w)",
    re.IGNORECASE,
)
_PRECLINICAL = re.compile(r"\bpre-?clinical\b", re.IGNORECASE)


def phase_in(*texts: str) -> str | None:
    """Return the first phase that one of the texts names, such as 1/2, 2b or preclinical; None when none does."""
    for text in texts:
        if match := _PHASE.search(text):
            first = _number(match["first"]) + (match["part"] or "").lower()
            second = _number(match["second"]) + (match["end"] or "").lower() if match["second"] else ""
            return f"{first}/{second}" if second else first
        if _PRECLINICAL.search(text):
            return PRECLINICAL
    return None


def _number(text: str) -> str:
    return _NUMBERS.get(text.upper(), text)
