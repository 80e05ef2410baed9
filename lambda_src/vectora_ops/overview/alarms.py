"""Alarms of an environment in CloudWatch."""

from __future__ import annotations

import re
from typing import Any

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.overview.model import AlarmState

# In an alarm's description, the page that says what to do.
_RUNBOOK = re.compile(r"docs/runbooks/[a-z0-9-]+\.md(?:#[a-z0-9-]+)?")


def read_alarms(account: Account, names: Names) -> tuple[AlarmState, ...]:
    """Return the environment's alarms, those that are raised first."""
    before, _, after = names.alarm("*").partition("*")
    pages = account.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=before)
    found = [
        _state(each, each["AlarmName"].removeprefix(before).removesuffix(after))
        for page in pages
        for each in page.get("MetricAlarms", ())
        if each["AlarmName"].endswith(after)
    ]
    return tuple(sorted(found, key=lambda alarm: (alarm.status != "ALARM", alarm.purpose)))


def _state(alarm: dict[str, Any], purpose: str) -> AlarmState:
    runbook = _RUNBOOK.search(alarm.get("AlarmDescription", ""))
    return AlarmState(
        purpose=purpose,
        status=alarm.get("StateValue", "INSUFFICIENT_DATA"),
        # The time of the last change of the state, or of its reason (API reference, MetricAlarm).
        since=alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp"),
        reason=alarm.get("StateReason", ""),
        runbook=runbook[0] if runbook else None,
    )
