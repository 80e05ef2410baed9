"""Issues that runs published, and the alarms that an issue raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vectora_ops.account import Account
from vectora_ops.alarm_names import EMPTY_NEWSLETTER, NOISE, RollbackAlarm
from vectora_shared.metrics import Metric
from vectora_shared.run_metrics import metrics_of_issue


def issue_of_run(account: Account, detail: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what the newsletter's step of a run answered; None for a run without an issue, such as a dry run.

    The event does not contain a long output (Step Functions guide, EventBridge).
    """
    output = detail.get("output")
    if output is None:
        states = account.client("stepfunctions")
        output = states.describe_execution(executionArn=str(detail["executionArn"])).get("output")
    try:
        steps = json.loads(output or "{}")
        body = steps["newsletter"]["body"]
    except (ValueError, KeyError, TypeError):
        return None
    return body if isinstance(body, dict) else None


def alarm_of_issue(issue: Mapping[str, Any], maximum_noise_percent: float) -> tuple[RollbackAlarm, str] | None:
    """Return the alarm that an issue raises, and why; None for one without a fault, a draft, or the canary's.

    CloudWatch raises its alarms by the same metrics.
    """
    try:
        metrics = metrics_of_issue(issue)
    except (KeyError, TypeError):
        # Releases before these metrics answered less.
        return None
    what = f"the issue of {issue['client_id']} of {issue.get('target_date')}"
    if metrics.get(Metric.EMPTY_NEWSLETTERS):
        return EMPTY_NEWSLETTER, f"{what} has no news, and would have none even if no earlier issue had published any"
    noise = metrics.get(Metric.NOISE_PERCENT)
    if noise is not None and noise >= maximum_noise_percent:
        return NOISE, f"{what} has {noise:g} % noise, {maximum_noise_percent:g} % or more"
    return None
