"""Outcomes of the fields of an old client file: carried, changed, kept as a comment or dropped, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from vectora_shared.config.wording import Path, dotted

Action = Literal["carried", "changed", "comment", "dropped"]


@dataclass(frozen=True)
class FieldOutcome:
    """Outcome of one field; `to` is its path in the new file, None where the new file does not have it."""

    file: str
    path: str
    line: int
    value: Any
    action: Action
    to: str | None
    after: Any
    reason: str

    @property
    def is_unchanged(self) -> bool:
        """True if the field was carried; a list entry may have moved up because others were dropped."""
        return self.action == "carried" and _without_index(self.to or "") == _without_index(self.path)


@dataclass(frozen=True)
class Addition:
    """A field of the new file that no old file has."""

    path: str
    value: Any
    reason: str


@dataclass(frozen=True)
class Decision:
    """Decision on one field; `to` is its path in the new file, `after` its new value."""

    action: Action
    to: Path | None = None
    after: Any = None
    reason: str = ""


class Decisions:
    """Decisions on the fields of one file; each field has at most one."""

    def __init__(self, file: str, data: dict[str, Any]) -> None:
        self.file = file
        self.fields = tuple(leaves(data))
        self.by_path: dict[Path, Decision] = {}

    def carry(self, path: Path, to: Path | None = None, reason: str = "") -> None:
        self.by_path[path] = Decision("carried", to or path, reason=reason)

    def change(self, path: Path, to: Path, after: Any, reason: str) -> None:
        self.by_path[path] = Decision("changed", to, after, reason)

    def drop(self, path: Path, reason: str) -> None:
        self.by_path[path] = Decision("dropped", reason=reason)

    def drop_below(self, path: Path, reason: str) -> None:
        """Drop all fields at or below a path."""
        for field in self.below(path):
            self.drop(field, reason)

    def keep_as_comment(self, path: Path, above: Path) -> None:
        self.by_path[path] = Decision("comment", reason=f"kept as a comment above {dotted(above) or 'all keys'}")

    def below(self, path: Path) -> tuple[Path, ...]:
        """Return the fields at or below a path."""
        return tuple(field for field in self.fields if field[: len(path)] == path)

    @property
    def undecided(self) -> tuple[Path, ...]:
        return tuple(path for path in self.fields if path not in self.by_path)

    def is_in_new_file(self, path: Path) -> bool:
        """Return whether the new file has something at or below the path that comes from there."""
        for field in self.below(path):
            decision = self.by_path.get(field, Decision("dropped"))
            to = decision.to
            if decision.action == "carried" or (decision.action == "changed" and to and to[: len(path)] == path):
                return True
        return False


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of all single values, and of empty mappings and lists."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


def _without_index(path: str) -> str:
    return re.sub(r"\[\d+\]$", "", path)
