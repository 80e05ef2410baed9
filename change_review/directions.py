"""Directions of settings: which values let more pass, cost more, or keep less than others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from change_review.model import Tendency
from vectora_review.policy_words import SETTINGS as PROMOTION

Compare = Callable[[Any, Any], Tendency]
FOREVER = float("inf")
ALWAYS_CHANGED: Tendency = "changed"


@dataclass(frozen=True)
class Neutral:
    """No value is looser than another; `reason` says why."""

    reason: str


def _by(strictness: Callable[[Any], float]) -> Compare:
    """Return a comparison by a number that is higher for a stricter value."""

    def compare(before: Any, after: Any) -> Tendency:
        try:
            old, new = strictness(before), strictness(after)
        except (TypeError, ValueError, KeyError):
            return ALWAYS_CHANGED
        if old == new:
            return ALWAYS_CHANGED
        return "stricter" if new > old else "looser"

    return compare


def _higher(missing: float = 0) -> Compare:
    return _by(lambda value: missing if value is None else float(value))


def _lower(missing: float = FOREVER) -> Compare:
    return _by(lambda value: -(missing if value is None else float(value)))


def _order(*values: Any) -> Compare:
    """Return a comparison by a list of values, the loosest first."""
    return _by(lambda value: float(values.index(value)))


def _keeps_entries(before: Any, after: Any) -> Tendency:
    """Compare lists or mappings of which each entry protects."""
    old, new = (_entries(each) for each in (before, after))
    if any(each not in new for each in old):
        return "looser"
    return "stricter" if len(new) > len(old) else ALWAYS_CHANGED


def _adds_entries(before: Any, after: Any) -> Tendency:
    """Compare lists of which each entry permits something."""
    return _keeps_entries(after, before) if before != after else ALWAYS_CHANGED


def _entries(value: Any) -> list[Any]:
    return list(value.items()) if isinstance(value, Mapping) else list(value or ())


_PLACE = Neutral("another place is shown by the resources that are created there")
_NAME = Neutral("another name is shown by the resources that are replaced")
_TIME = Neutral("another time is neither stricter nor looser")
_CALLER = Neutral("it says with which credentials operators work, and gives none")
_MODEL = Neutral("it decides the quality and cost of the analysis, which the gates judge")
_PRESENT = _by(lambda value: 0.0 if value is None else 1.0)

# By key below an environment; promotion policies have the directions by which the pipeline's own review judges them.
ENVIRONMENT: Mapping[str, Compare | Neutral] = {
    "account": _PLACE,
    "adopted_old_versions_days": _higher(),
    "alarms.failed_runs": _lower(),
    "alarms.fallback_percent": _lower(),
    "alarms.noise_percent": _lower(),
    "alarms.page": _keeps_entries,
    "alarms.run_cost_usd": _lower(),
    "alarms.run_minutes": _lower(),
    "alarms.ticket": Neutral("an alarm of no list is removed, which the templates show; a page is stricter"),
    "backup.account": _PRESENT,
    "backup.region": _PRESENT,
    "bucket_suffix": _NAME,
    "cost_anomalies.minimum_usd": _lower(),
    "cost_anomalies.monitor": _NAME,
    "delivery.identity": Neutral("another sender is not a larger audience"),
    "delivery.mode": _order("recipients", "redirect", None),
    "delivery.redirect_to": Neutral("redirected newsletters reach operators only"),
    "logs.level": Neutral("more messages protect nothing"),
    "logs.retention_days": _higher(),
    "model.analyzer": _MODEL,
    "model.concurrency": _MODEL,
    "model.fallback": _MODEL,
    "model.id": _MODEL,
    "model.max_attempts": _MODEL,
    "model.region": _MODEL,
    "model.retry_mode": _MODEL,
    "model.routes_to": _adds_entries,
    "monthly_budget_usd": _lower(),
    "old_versions_days": _higher(),
    "operator_role": _CALLER,
    "operators": _keeps_entries,
    "profile": _CALLER,
    "promotion.retry_at": _TIME,
    "promotion.windows": _keeps_entries,
    "region": _PLACE,
    "removal_policy": _order("destroy", "retain"),
    "schedule.daily": _TIME,
    "schedule.enabled": Neutral("it decides whether newsletters are made, and protects nothing"),
    "schedule.monthly": _TIME,
    "schedule.time_zone": _TIME,
    "schedule.weekly": _TIME,
    "snapshots.daily": _order(False, True),
    "snapshots.daily_at": _TIME,
    "snapshots.glacier_after_days": Neutral("it decides the price of storage"),
    "snapshots.keep_last": _higher(FOREVER),
    "snapshots.minimum_age_days": _higher(),
    **{f"promotion.{key}": _by(strictness) for key, (_, strictness) in PROMOTION.items()},
}
PIPELINE: Mapping[str, Compare | Neutral] = {
    "account": _PLACE,
    "approval_days": _lower(),
    "branch": Neutral("another source of commits; the branch itself is protected at its host"),
    "connection_arn_parameter": _NAME,
    "operator_role": _CALLER,
    "people": _keeps_entries,
    "profile": _CALLER,
    "region": _PLACE,
    "repository": Neutral("another source of commits; the connection decides which it may be"),
    "web_address": Neutral("a link for people"),
}
PROJECT: Mapping[str, Compare | Neutral] = {
    "bucket_suffix": _NAME,
    "contact": Neutral("an address for owners of news sites"),
    "project": _NAME,
}


def tendency_of(directions: Mapping[str, Compare | Neutral], key: str, before: Any, after: Any) -> Tendency:
    """Return whether a new value of a setting is looser or stricter than the old one."""
    direction = directions.get(key)
    return ALWAYS_CHANGED if direction is None or isinstance(direction, Neutral) else direction(before, after)
