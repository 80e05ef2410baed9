"""A measured figure and the limit that it must keep."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`unit` is x for a ratio of two things measured in the same run, s, MiB, or %."""

    what: str
    value: float
    unit: str
    limit: float
    how: str

    @property
    def kept(self) -> bool:
        return self.value <= self.limit
