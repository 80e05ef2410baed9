"""What became of every field of an old client file: carried, changed, kept as a comment or dropped, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from vectora_shared.config.wording import Path, dotted

Happened = Literal["carried", "changed", "comment", "dropped"]


@dataclass(frozen=True)
class Fate:
    """Of one field; `to` is its path in the new file, None where it is not there."""

    file: str
    path: str
    line: int
    value: Any
    happened: Happened
    to: str | None
    after: Any
    reason: str


@dataclass(frozen=True)
class Addition:
    """What the new file has beyond the old ones."""

    path: str
    value: Any
    reason: str


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of all single values, and of mappings and lists that are empty."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


class Ledger:
    """The fates of the fields of one file; each field has exactly one."""

    def __init__(self, file: str, data: dict[str, Any]) -> None:
        self.file = file
        self.fields = tuple(leaves(data))
        self.fates: dict[Path, tuple[Happened, Path | None, Any, str]] = {}

    def carry(self, path: Path, to: Path | None = None, reason: str = "") -> None:
        self.fates[path] = ("carried", to or path, None, reason)

    def change(self, path: Path, to: Path, after: Any, reason: str) -> None:
        self.fates[path] = ("changed", to, after, reason)

    def drop(self, path: Path, reason: str) -> None:
        self.fates[path] = ("dropped", None, None, reason)

    def keep_as_comment(self, path: Path, above: Path) -> None:
        self.fates[path] = ("comment", None, None, f"kept as a comment above {dotted(above) or 'all keys'}")

    def below(self, path: Path) -> tuple[Path, ...]:
        """The fields at or below a path."""
        return tuple(field for field in self.fields if field[: len(path)] == path)

    @property
    def undecided(self) -> tuple[Path, ...]:
        return tuple(path for path in self.fields if path not in self.fates)

    def is_in_new_file(self, path: Path) -> bool:
        """Whether anything at or below the path reaches the new file in its place."""
        for field in self.below(path):
            happened, to, _, _ = self.fates.get(field, ("dropped", None, None, ""))
            if happened == "carried" or (happened == "changed" and to and to[: len(path)] == path):
                return True
        return False
