"""Alarms whose state changes by SetAlarmState only.

The emulator evaluates all alarms at each PutMetricData, without dimensions, missing data and M out of N. The rehearsal
evaluates them by CloudWatch's rules instead: rehearsal/monitoring/evaluation.py.
"""

from __future__ import annotations

from typing import Any

from ministack.services import cloudwatch  # type: ignore[import-not-found]

from rehearsal.inside.wrapping import wrap


def _evaluate_none(_original: Any) -> None:
    """Leave the state of all alarms as it is."""


def register() -> None:
    """Remove the emulator's own evaluation of alarms."""
    wrap(cloudwatch, "_evaluate_all_alarms", _evaluate_none)
