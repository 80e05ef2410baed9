"""Lines that Lambda functions logged: their kind, and their text for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

Kind = Literal["message", "metrics", "report", "platform"]
# Lines of the platform in the text format (Lambda developer guide, "Log and monitor Python Lambda functions").
_START = re.compile(r"START RequestId: (?P<request>[0-9a-f-]{36})\b")
_PLATFORM = re.compile(r"(START|END) RequestId: |INIT_START |EXTENSION\t|TELEMETRY\t")
_REPORT = re.compile(r"REPORT RequestId: ")
_MEASURED = re.compile(r"\t(?P<name>Duration|Memory Size|Max Memory Used|Init Duration|Status): (?P<value>[^\t\n]+)")
# The runtime's logging handler writes the level, the time and the request before a message (same guide).
_LOGGED = re.compile(r"\[(?P<level>[A-Z]+)\]\t[^\t\n]{1,40}\t[0-9a-f-]{36}\t(?P<text>.*)", re.DOTALL)
_TIMED_OUT = re.compile(r"\S+ [0-9a-f-]{36} (?P<text>Task timed out after .*)", re.DOTALL)
# Embedded metric format: the metadata names the metrics, whose values are beside it (CloudWatch user guide).
_METADATA = "_aws"


@dataclass(frozen=True)
class LogLine:
    """One event of a log stream; `request` is the invocation that it belongs to, None before the first one."""

    at: datetime
    function: str
    stream: str
    message: str
    request: str | None = None

    @classmethod
    def of_event(cls, function: str, event: dict[str, Any]) -> LogLine:
        """Return the line of an event (CloudWatch Logs, FilteredLogEvent), whose time is in milliseconds."""
        at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        return cls(at, function, event["logStreamName"], event["message"].rstrip("\n"))

    @property
    def started(self) -> str | None:
        """Id of the invocation that begins with this line."""
        found = _START.match(self.message)
        return found["request"] if found else None

    @property
    def kind(self) -> Kind:
        if _PLATFORM.match(self.message):
            return "platform"
        if _REPORT.match(self.message):
            return "report"
        return "metrics" if self._metrics() else "message"

    @property
    def text(self) -> str:
        """The line without what other lines repeat, such as the time and the invocation."""
        if self.kind == "report":
            measured = ", ".join(f"{each['name'].lower()} {each['value']}" for each in _MEASURED.finditer(self.message))
            return f"ended: {measured}"
        if metrics := self._metrics():
            return "metrics: " + ", ".join(f"{name} {value}" for name, value in metrics.items())
        if logged := _LOGGED.fullmatch(self.message):
            return f"{logged['level']} {logged['text']}"
        timed_out = _TIMED_OUT.fullmatch(self.message)
        return timed_out["text"] if timed_out else self.message

    def as_json(self) -> dict[str, Any]:
        """Return the line for programs, with its message as it was logged."""
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "function": self.function,
            "kind": self.kind,
            "request": self.request,
            "stream": self.stream,
            "message": self.message,
        }

    def _metrics(self) -> dict[str, Any]:
        """Return the values of a line in embedded metric format; empty for any other line."""
        if not self.message.startswith("{"):
            return {}
        try:
            document = json.loads(self.message)
            directives = document[_METADATA]["CloudWatchMetrics"]
            named = [metric["Name"] for each in directives for metric in each["Metrics"]]
            return {str(name): document[name] for name in named if name in document}
        except (ValueError, LookupError, TypeError, RecursionError):
            return {}


def by_invocation(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """Yield the lines with the invocation of each: a stream is one instance's, which has one invocation at a time.

    What precedes the first start in a stream, such as an initialization, belongs to that invocation.
    """
    streams: dict[str, list[LogLine]] = {}
    for line in lines:
        streams.setdefault(line.stream, []).append(line)
    for stream in streams.values():
        request = next((line.started for line in stream if line.started), None)
        for line in stream:
            request = line.started or request
            yield replace(line, request=request)
