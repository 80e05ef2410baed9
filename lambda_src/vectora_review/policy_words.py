"""Changes of promotion policies in words, and of the functions that judge by them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vectora_review.facts import SEPARATOR
from vectora_review.lines import CHANGES, LOOSENS, TIGHTENS, Kind, Line, shown

POLICY_PARAMETER = "/promotion/policy"
NO_LIMIT = float("inf")
# By setting of vectora_ops.settings.Promotion its default, and how strict a value is: the larger, the stricter.
Strictness = Callable[[Any], float]
SETTINGS: Mapping[str, tuple[Any, Strictness]] = {
    "requires_smoke_test": (False, float),
    "requires_end_to_end_test": (False, float),
    "requires_approval": (False, float),
    "soak_days": (0, float),
    "minimum_runs": (0, float),
    "maximum_noise_percent": (100.0, lambda value: -float(value)),
    "maximum_run_cost_usd": (None, lambda value: -(NO_LIMIT if value is None else float(value))),
    "requires_client_versions_forward": (False, float),
    "watch_hours": (0, float),
}
# Each of the windows closes times: fewer are looser, more are stricter, and another one may be both.
WINDOWS = "windows"
# Variables of the functions, in the same way; `all` snapshots are more than any number.
VARIABLES: Mapping[str, tuple[str, Strictness]] = {
    "SNAPSHOT_KEEP_LAST": ("snapshots.keep_last", lambda value: NO_LIMIT if value == "all" else float(value)),
    "SNAPSHOT_MINIMUM_AGE_DAYS": ("snapshots.minimum_age_days", float),
    "PROMOTION_WATCH_HOURS": ("promotion.watch_hours", float),
    "ALARM_NOISE_PERCENT": ("alarms.noise_percent", lambda value: -float(value)),
    "FAILED_RUNS_A_DAY": ("alarms.failed_runs", lambda value: -float(value)),
}
IN_WORDS: Mapping[tuple[str, bool], str] = {
    ("requires_approval", False): "no approval is needed any more (was: needed)",
    ("requires_approval", True): "an approval is needed (was: none)",
}
POLICY_VARIABLE, TARGET_VARIABLE = "NEXT_PROMOTION", "NEXT_ENV"


def is_policy(resource: Any) -> bool:
    """Return whether this is the parameter with an environment's promotion policy."""
    properties = resource.get("Properties") or {} if isinstance(resource, Mapping) else {}
    return str(properties.get("Name", "")).endswith(POLICY_PARAMETER)


def policy_lines(env: str, before: Any, after: Any) -> Sequence[Line]:
    """Return the lines on the parameter with an environment's policy."""
    if after is None:
        return (Line(LOOSENS, f"{env}: its promotion policy is no longer recorded"),)
    if before is None:
        return (Line(CHANGES, f"{env}: its promotion policy is recorded: {shown(after['Properties'].get('Value'))}"),)
    old, new = (_parsed(each["Properties"].get("Value")) for each in (before, after))
    return tuple(_settings(env, old, new))


def function_lines(key: str, before: Any, after: Any) -> Sequence[Line]:
    """Return the lines on a function of the operations, which judges, takes snapshots or rolls back."""
    env, _, rest = key.partition(SEPARATOR)
    name = rest.rpartition(SEPARATOR)[2]
    if after is None:
        return (Line(LOOSENS, f"{env}: {name}, which judges or protects, is removed"),)
    if before is None:
        return (Line(CHANGES, f"{env}: {name} is new"),)
    old, new = before.get("Properties") or {}, after.get("Properties") or {}
    return tuple(_function(env, name, old, new))


def _function(env: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Line]:
    for key in sorted({*old, *new} - {"Environment", "Code"}):
        if old.get(key) != new.get(key):
            yield Line(CHANGES, f"{env}: {name} changes {key} from {shown(old.get(key))} to {shown(new.get(key))}")
    if old.get("Code") != new.get("Code"):
        yield Line(CHANGES, f"{env}: the code of {name}, which judges or protects, changes")
    before, after = ((each.get("Environment") or {}).get("Variables") or {} for each in (old, new))
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield from _variable(env, name, key, before, after)


def _variable(env: str, name: str, key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Line]:
    old, new = before.get(key), after.get(key)
    if key == POLICY_VARIABLE:
        yield from _settings(str(after.get(TARGET_VARIABLE, env)), _parsed(old), _parsed(new))
        return
    if key in VARIABLES and isinstance(old, str) and isinstance(new, str):
        setting, strictness = VARIABLES[key]
        yield Line(_kind(strictness, old, new), f"{env}: {setting} {old} -> {new}")
        return
    yield Line(CHANGES, f"{env}: {name} changes its variable {key} from {shown(old)} to {shown(new)}")


def _settings(env: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Line]:
    for key in sorted({*old, *new}):
        if key == WINDOWS:
            yield from _windows(env, old.get(key) or [], new.get(key) or [])
            continue
        default, strictness = SETTINGS.get(key, (None, None))
        before, after = old.get(key, default), new.get(key, default)
        if before == after:
            continue
        # A value of a type that no setting has is looked up as text.
        words = IN_WORDS.get((key, after is True), "") if isinstance(after, bool) else ""
        words = words or f"{key} {shown(before)} -> {shown(after)}"
        yield Line(_kind(strictness, before, after), f"{env}: {words}")


def _windows(env: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Line]:
    for each in old:
        if each not in new:
            yield Line(LOOSENS, f"{env}: the promotion window {shown(each)} is removed")
    for each in new:
        if each not in old:
            yield Line(TIGHTENS, f"{env}: the promotion window {shown(each)} is new")


def _kind(strictness: Strictness | None, before: Any, after: Any) -> Kind:
    """Return whether a value is stricter than another; of a setting that is not known here, nothing is said."""
    if strictness is None:
        return CHANGES
    try:
        return TIGHTENS if strictness(after) > strictness(before) else LOOSENS
    except (TypeError, ValueError):
        return CHANGES


def _parsed(value: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(value)
    except (TypeError, ValueError):
        return {"policy": value} if value is not None else {}
    return found if isinstance(found, dict) else {"policy": value}
