"""Proof of each alarm of an environment: its event raises it, it ends afterwards, and operators are notified."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from rehearsal.monitoring.data import Datum
from rehearsal.monitoring.evaluation import Alarm, AlarmError, State, alarm_of, course
from rehearsal.monitoring.events import Event

Change = tuple[datetime, State]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Alarms(Protocol):
    """The operations on CloudWatch that the proof needs."""

    published: list[Datum]

    def alarms(self) -> list[Mapping[str, Any]]:
        """Return the descriptions of the alarms."""

    def publish(self, data: Sequence[Datum]) -> None:
        """Publish data."""

    def set_state(self, alarm: str, state: State, reason: str) -> None:
        """Set the state of an alarm."""


@dataclass(frozen=True, kw_only=True)
class AlarmProof:
    """The event that raised an alarm; `happened` when the rehearsal really caused it."""

    env: str
    alarm: str
    event: str
    happened: bool


def prove_alarms(
    env: str,
    cloudwatch: Alarms,
    events: Mapping[str, Event],
    *,
    namespace: str,
    wait: Callable[[set[str]], None],
    without_value: Collection[str] = (),
) -> tuple[AlarmProof, ...]:
    """Bring each alarm from OK to ALARM and back, and wait for the notifications of all of them.

    `namespace` is that of the functions' own metrics, of which those `without_value` had nothing to measure. Raise
    AlarmError for an alarm without an event, for one that its event does not raise or that does not end, and for one on
    a metric that no function has printed.
    """
    descriptions = cloudwatch.alarms()
    if not descriptions:
        raise AlarmError(f"Environment {env} has no alarm.")
    real, proofs = list(cloudwatch.published), []
    for description in descriptions:
        alarm = alarm_of(description)
        if alarm.series.namespace == namespace and alarm.series.name not in without_value:
            _require_printed(alarm, real)
        proof, changes, data = _proven(env, alarm, real, events)
        cloudwatch.publish(data)
        for at, state in changes:
            cloudwatch.set_state(alarm.name, state, f"{proof.event}, evaluated at {at:%Y-%m-%d %H:%M} UTC")
        proofs.append(proof)
    wait({proof.alarm for proof in proofs})
    return tuple(proofs)


def raised_in(message: str) -> str | None:
    """Return the name of the alarm that a notification reports as raised."""
    try:
        document = json.loads(message)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("NewStateValue") != "ALARM":
        return None
    return str(document.get("AlarmName"))


def _proven(
    env: str, alarm: Alarm, real: Sequence[Datum], events: Mapping[str, Event]
) -> tuple[AlarmProof, Sequence[Change], Sequence[Datum]]:
    event = events.get(alarm.name)
    if event is None:
        raise AlarmError(f"Alarm {alarm.name} has no event that raises it: add one to rehearsal/monitoring/events.py.")
    happened = _course_of_real(alarm, real)
    if happened:
        text = f"what really happened in {env}"
        return AlarmProof(env=env, alarm=alarm.name, event=text, happened=True), happened, ()
    changes = course(alarm, event.data, begin=event.begin, end=event.end, before="INSUFFICIENT_DATA")
    if not _is_whole(changes):
        shown = " -> ".join(["INSUFFICIENT_DATA", *(state for _, state in changes)])
        dimensions = ", ".join(f"{name}={value}" for name, value in sorted(alarm.series.dimensions))
        raise AlarmError(
            f"Alarm {alarm.name} does not go from OK to ALARM and back at its event, {event.text}: {shown}. It watches "
            f"{alarm.series.namespace} {alarm.series.name} with {dimensions or 'no dimension'}."
        )
    return AlarmProof(env=env, alarm=alarm.name, event=event.text, happened=False), changes, event.data


def _course_of_real(alarm: Alarm, real: Sequence[Datum]) -> Sequence[Change]:
    """Return the changes that the real data make, if they raise the alarm and end it; otherwise nothing."""
    own = [datum for datum in real if datum.series == alarm.series and alarm.breaches(datum.value)]
    if not own or alarm.missing != "notBreaching":
        return ()
    first, last = min(datum.at for datum in own), max(datum.at for datum in own)
    before = first - 10 * MINUTE
    changes = course(alarm, own, begin=before, end=last + HOUR, before="INSUFFICIENT_DATA")
    return changes if _is_whole(changes) else ()


def _is_whole(changes: Iterable[Change]) -> bool:
    states = [state for _, state in changes]
    return "ALARM" in states and states[states.index("ALARM") - 1 :][:3] == ["OK", "ALARM", "OK"]


def _require_printed(alarm: Alarm, real: Iterable[Datum]) -> None:
    if all(datum.series != alarm.series for datum in real):
        raise AlarmError(
            f"Alarm {alarm.name} watches {alarm.series.name}, which no function of this environment has printed with "
            "these dimensions."
        )
