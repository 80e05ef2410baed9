"""Readings of gauges: each by itself, so that one that cannot be read hides no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from vectora_shared.aws_texts import plain
from vectora_shared.metrics import Metric
from vectora_shared.notifications import Notification

logger = logging.getLogger("vectora")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A gauge's value, and a notification on each condition that it counts.

    The value is None while nothing can be said, for the reason in `why`: its alarm keeps its state then.
    """

    value: float | None
    found: tuple[Notification, ...] = ()
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Readings:
    """All readings by gauge; `not_read` has the errors of those that failed."""

    read: Mapping[Metric, Reading]
    not_read: Mapping[Metric, str] = field(default_factory=dict)

    @property
    def values(self) -> dict[Metric, float]:
        """Values to publish."""
        return {metric: each.value for metric, each in self.read.items() if each.value is not None}

    @property
    def skipped(self) -> dict[Metric, str]:
        """Reasons of the gauges that have no value now."""
        return {metric: each.why for metric, each in self.read.items() if each.value is None}

    @property
    def found(self) -> tuple[Notification, ...]:
        return tuple(found for each in self.read.values() for found in each.found)


def gather(parts: Mapping[str, Callable[[], Iterable[Notification]]]) -> tuple[list[Notification], dict[str, str]]:
    """Return the notifications of all parts, and the errors of those that failed by part."""
    found: list[Notification] = []
    failed: dict[str, str] = {}
    for name, part in parts.items():
        try:
            found += part()
        except Exception as error:
            logger.exception("Part %s of the report cannot be read", name)
            failed[name] = plain(f"{type(error).__name__}: {error}")
    return found, failed


def read_all(gauges: Mapping[Metric, Callable[[], Reading]]) -> Readings:
    """Read every gauge; an error of any kind is logged and ends that gauge only."""
    read: dict[Metric, Reading] = {}
    not_read: dict[Metric, str] = {}
    for metric, gauge in gauges.items():
        try:
            read[metric] = gauge()
        except Exception as error:
            logger.exception("Gauge %s cannot be read", metric)
            not_read[metric] = plain(f"{type(error).__name__}: {error}")
    return Readings(read=read, not_read=not_read)
