"""Measured figures and their limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured value and its limit; the unit x stands for a ratio of two values measured in the same run."""

    what: str
    value: float
    unit: str
    limit: float
    how: str

    @property
    def kept(self) -> bool:
        """Result of the comparison: true when the value is within its limit."""
        return self.value <= self.limit
