"""Data points of metrics, and how CloudWatch sums up those of a period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Units of PutMetricData (API reference, MetricDatum).
_SIZES = [f"{size}{unit}" for size in ("", "Kilo", "Mega", "Giga", "Tera") for unit in ("Bytes", "Bits")]
_TIMES = ("Seconds", "Milliseconds", "Microseconds")
UNITS = frozenset([*_TIMES, *_SIZES, *(f"{each}/Second" for each in (*_SIZES, "Count")), "Percent", "Count", "None"])


@dataclass(frozen=True, kw_only=True)
class Series:
    """Identity of a metric: data with other dimensions are another metric (CloudWatch user guide, "Dimensions")."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Datum:
    """One value of a metric, at a time."""

    series: Series
    at: datetime
    value: float
    unit: str = "None"


def series(namespace: str, name: str, dimensions: Mapping[str, str]) -> Series:
    """Return the identity of a metric with these dimensions."""
    return Series(namespace=namespace, name=name, dimensions=frozenset(dimensions.items()))


def statistic(values: Sequence[float], name: str) -> float | None:
    """Return a statistic of a period's values; None when there are none. Raise ValueError for one not supported."""
    if not values:
        return None
    match name:
        case "Sum":
            return sum(values)
        case "Maximum":
            return max(values)
        case "Minimum":
            return min(values)
        case "Average":
            return sum(values) / len(values)
        case "SampleCount":
            return float(len(values))
    raise ValueError(f"The rehearsal does not compute the statistic {name}.")


def windows(
    data: Iterable[Datum],
    of: Series,
    name: str,
    *,
    end: datetime,
    period: timedelta,
    count: int,
    unit: str | None = None,
) -> list[float | None]:
    """Return the statistic of each of the `count` periods before `end`, the newest first; None for one without data.

    With a `unit`, data of other units do not count (API reference, PutMetricAlarm, Unit).
    """
    values: list[list[float]] = [[] for _ in range(count)]
    for datum in data:
        if datum.series == of and unit in (None, datum.unit) and datum.at < end:
            number = (end - datum.at - timedelta(microseconds=1)) // period
            if number < count:
                values[number].append(datum.value)
    return [statistic(each, name) for each in values]
