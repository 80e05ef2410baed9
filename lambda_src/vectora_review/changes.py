"""Changes between two states of the protected facts, in words: what is loosened first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vectora_review.access_words import access_lines, is_access
from vectora_review.facts import SEPARATOR, Facts, digest_of
from vectora_review.lines import CHANGES, LOOSENS, TIGHTENS, Line, shown
from vectora_review.pipeline_words import pipeline_lines
from vectora_review.policy_words import function_lines, is_policy, policy_lines

SHOWN_LINES = 60
MISSING = object()
HEADINGS = {LOOSENS: "It loosens", CHANGES: "It changes", TIGHTENS: "It tightens"}
FUNCTION = "AWS::Lambda::Function"
Describe = Callable[[str, Any, Any], Sequence[Line]]


@dataclass(frozen=True)
class Change:
    """A fact that differs; a side that is missing is MISSING."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Changes:
    """All changes that a commit makes to what is protected."""

    each: tuple[Change, ...]

    @property
    def digest(self) -> str:
        """Digest of exactly these changes: an approval belongs to it."""
        return digest_of([[change.key, _side(change.before), _side(change.after)] for change in self.each])

    @property
    def lines(self) -> tuple[Line, ...]:
        """The changes in words, what is loosened first; the same sentence stands once."""
        found = dict.fromkeys(line for change in self.each for line in _described(change))
        order = list(HEADINGS)
        return tuple(sorted(found, key=lambda line: (order.index(line.kind), line.text)))

    def text(self) -> str:
        """Return the changes as an indented list for people."""
        lines, parts = self.lines, []
        for kind, heading in HEADINGS.items():
            of_kind = [line.text for line in lines if line.kind == kind]
            if of_kind:
                more = len(of_kind) - SHOWN_LINES
                rest = [f"- and {more} more"] if more > 0 else []
                parts.append("\n".join([f"{heading}:", *(f"- {text}" for text in of_kind[:SHOWN_LINES]), *rest]))
        return "\n".join(parts)


def changes_between(before: Facts, after: Facts) -> Changes:
    """Return what differs."""
    keys = sorted({*before, *after})
    pairs = ((key, before.get(key, MISSING), after.get(key, MISSING)) for key in keys)
    return Changes(tuple(Change(key, old, new) for key, old, new in pairs if old is MISSING or old != new))


def _side(value: Any) -> list[Any]:
    return [] if value is MISSING else [value]


def _described(change: Change) -> Iterator[Line]:
    before, after = (None if side is MISSING else side for side in (change.before, change.after))
    specific = _describe(change.key, before, after)
    # A change that no describer has words for is shown as it is: nothing passes without a line.
    kind = LOOSENS if change.after is MISSING else CHANGES
    yield from specific or (Line(kind, _as_it_is(change)),)


def _describe(key: str, before: Any, after: Any) -> Sequence[Line]:
    kind = _type(after) or _type(before)
    if kind == "AWS::CodePipeline::Pipeline":
        return pipeline_lines(before, after)
    if is_access(kind):
        return access_lines(key, kind, before, after)
    if is_policy(before) or is_policy(after):
        return policy_lines(key.partition(SEPARATOR)[0], before, after)
    if kind == FUNCTION and "-s0-operations-" in key:
        return function_lines(key, before, after)
    return ()


def _type(resource: Any) -> str:
    return str(resource.get("Type", "")) if isinstance(resource, Mapping) else ""


def _as_it_is(change: Change) -> str:
    if change.before is MISSING:
        return f"{change.key} is new ({shown(change.after)})"
    if change.after is MISSING:
        return f"{change.key} is removed"
    differences = tuple(_differences(change.before, change.after, ""))
    return f"{change.key} changes: {'; '.join(differences[:3])}{'; and more' if len(differences) > 3 else ''}"


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                yield from _differences(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    else:
        yield f"{path + ' ' if path else ''}{shown(before)} -> {shown(after)}"
