"""Rows of the table of strictness: a refusal of AWS, its source, where it is refused here, and the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["emulator", "stand-in", "tunnel", "template rule", "nowhere"]
STRICT = "tests/rehearsal/strictness"
TEMPLATES = "tests/stacks"
PIPELINE = "tests/rehearsal/codepipeline"


@dataclass(frozen=True)
class Row:
    """Something that AWS refuses, the source for it, where it is refused here, and the test that shows the refusal.

    With `where` "nowhere" there is no test: `source` then says why none is needed.
    """

    refusal: str
    source: str
    where: Where
    test: str | None


def by_emulator(refusal: str, source: str, test: str) -> Row:
    return Row(refusal, source, "emulator", f"{STRICT}/{test}")


def by_stand_in(refusal: str, source: str, test: str) -> Row:
    return Row(refusal, source, "stand-in", f"{PIPELINE}/{test}")


def by_template(refusal: str, source: str, test: str) -> Row:
    return Row(refusal, source, "template rule", f"{TEMPLATES}/{test}")


def by_tunnel(refusal: str, source: str, test: str) -> Row:
    return Row(refusal, source, "tunnel", f"tests/rehearsal/test_own_host_names.py::{test}")
