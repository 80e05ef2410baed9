"""Extraction of metrics from what functions print, as strictly as CloudWatch Logs does it.

The source is CloudWatch's user guide, "Specification: embedded metric format". AWS drops an invalid document without a
sign to its author except the metrics EMFParsingErrors and EMFValidationErrors; here it is an error that is reported.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rehearsal.monitoring.data import UNITS, Datum, series

METADATA = "_aws"
DIRECTIVES = "CloudWatchMetrics"
# The limit of a log event until 2025; it is four times as much now.
LINE_BYTES = 262144
METRICS, VALUES, DIMENSIONS = 100, 100, 30
NAME_LENGTH, DIMENSION_LENGTH, NAMESPACE_LENGTH = 1024, 250, 256
RESOLUTIONS = (1, 60)
# PutMetricData accepts data from two weeks ago to two hours ahead (API reference, MetricDatum, Timestamp).
OLDEST, NEWEST = timedelta(weeks=2), timedelta(hours=2)
# Lines of Lambda itself, which precede or follow what the function prints.
OF_LAMBDA = ("START ", "END ", "REPORT ", "INIT_START ")


@dataclass(frozen=True)
class Refused:
    """A line that looks like a document of the format, from which CloudWatch extracts nothing; `reason` says why."""

    line: str
    reason: str


class _InvalidError(Exception):
    """A document violates the specification."""


def extract(lines: Iterable[str], now: datetime) -> tuple[list[Datum], list[Refused]]:
    """Return the data of all documents in the lines of a log, and the lines that were meant as documents in vain."""
    data: list[Datum] = []
    refused: list[Refused] = []
    for line in lines:
        # Only such lines are meant to have metrics; all others are ordinary lines of a log.
        if DIRECTIVES not in line or line.startswith(OF_LAMBDA):
            continue
        try:
            data += _document(line.removesuffix("\n"), now)
        except _InvalidError as error:
            refused.append(Refused(line, str(error)))
    return data, refused


def _document(line: str, now: datetime) -> list[Datum]:
    if len(line.encode("utf-8")) > LINE_BYTES:
        raise _InvalidError(f"it has more than {LINE_BYTES} bytes")
    try:
        root = json.loads(line, parse_constant=_not_json)
    except ValueError as error:
        raise _InvalidError("it is no JSON object alone: a prefix or suffix, such as a logger's, breaks it") from error
    if not isinstance(root, dict):
        raise _InvalidError("it is no JSON object")
    metadata = _member(root, METADATA, dict, "the document")
    at = _time(metadata, now)
    directives = _member(metadata, DIRECTIVES, list, METADATA)
    return [datum for directive in directives for datum in _directive(root, directive, at)]


def _not_json(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _time(metadata: Mapping[str, Any], now: datetime) -> datetime:
    stamp = metadata.get("Timestamp")
    if not isinstance(stamp, int) or isinstance(stamp, bool):
        raise _InvalidError("Timestamp is no number of milliseconds")
    try:
        at = datetime.fromtimestamp(stamp / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _InvalidError("Timestamp is no time") from error
    if not now - OLDEST <= at <= now + NEWEST:
        raise _InvalidError(f"Timestamp {at:%Y-%m-%d %H:%M} is more than two weeks ago, or two hours ahead")
    return at


def _directive(root: Mapping[str, Any], directive: Any, at: datetime) -> Iterator[Datum]:
    if not isinstance(directive, dict):
        raise _InvalidError(f"an element of {DIRECTIVES} is no object")
    namespace = _text(directive.get("Namespace"), "Namespace", NAMESPACE_LENGTH)
    definitions = _member(directive, "Metrics", list, "a directive")
    if len(definitions) > METRICS:
        raise _InvalidError(f"a directive has {len(definitions)} metrics, and at most {METRICS} are allowed")
    sets = [_dimensions(root, each) for each in _member(directive, "Dimensions", list, "a directive")]
    for definition in definitions:
        name, unit = _definition(definition)
        for value in _values(root, name):
            for dimensions in sets:
                yield Datum(series=series(namespace, name, dimensions), at=at, value=value, unit=unit)


def _dimensions(root: Mapping[str, Any], keys: Any) -> dict[str, str]:
    if not isinstance(keys, list) or len(keys) > DIMENSIONS:
        raise _InvalidError(f"a set of dimensions is no array of at most {DIMENSIONS} keys")
    found: dict[str, str] = {}
    for key in keys:
        name = _text(key, "a dimension's key", DIMENSION_LENGTH)
        found[name] = _text(root.get(name), f"the value of dimension {name}", DIMENSION_LENGTH * 4)
    return found


def _definition(definition: Any) -> tuple[str, str]:
    if not isinstance(definition, dict):
        raise _InvalidError("an element of Metrics is no object")
    name = _text(definition.get("Name"), "a metric's Name", NAME_LENGTH)
    unit = definition.get("Unit", "None")
    if not isinstance(unit, str) or unit not in UNITS:
        raise _InvalidError(f"{name} has the unit {unit!r}, which CloudWatch does not know")
    if definition.get("StorageResolution", 60) not in RESOLUTIONS:
        raise _InvalidError(f"{name} has a StorageResolution other than 1 and 60")
    return name, unit


def _values(root: Mapping[str, Any], name: str) -> list[float]:
    value = root.get(name)
    values: list[Any] = value if isinstance(value, list) else [value]
    if len(values) > VALUES:
        raise _InvalidError(f"{name} has {len(values)} values, and at most {VALUES} are allowed")
    for each in values:
        if not isinstance(each, int | float) or isinstance(each, bool):
            raise _InvalidError(f"the value of {name} is no number")
    return [float(each) for each in values]


def _member(parent: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    value = parent.get(name)
    if not isinstance(value, kind):
        raise _InvalidError(f"{where} has no {name}, or one of another type")
    return value


def _text(value: Any, what: str, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise _InvalidError(f"{what} is no text of 1 to {longest} characters")
    return value
