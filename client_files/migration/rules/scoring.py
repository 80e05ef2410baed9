"""Rules for matching_config and scoring_config."""

from __future__ import annotations

from typing import Any

from client_files.migration.draft import Draft, display_value, is_number
from client_files.migration.known_names import similar
from client_files.migration.outcomes import Decision
from vectora_shared.config.client import MatchingConfig
from vectora_shared.config.configuration import BONUS_SCOPE_KINDS
from vectora_shared.config.values import EVENT_TYPES
from vectora_shared.config.wording import Path, dotted

_THRESHOLD: Path = ("matching_config", "min_domain_score")
_WEIGHTS: Path = ("scoring_config", "event_type_weight_overrides")
_BONUSES: Path = ("scoring_config", "client_specific_bonuses")


def apply_scoring_rules(draft: Draft) -> None:
    _threshold(draft)
    for name in draft.keys(*_WEIGHTS):
        if name in EVENT_TYPES:
            draft.carry((*_WEIGHTS, name))
        else:
            reason = f"there is no event type of this name{similar(name, EVENT_TYPES)}"
            draft.decisions.drop_below((*_WEIGHTS, name), reason)
    _bonuses(draft)


def _threshold(draft: Draft) -> None:
    """Keep the lowest of the thresholds that were in force for the enabled domains."""
    in_force = _thresholds_in_force(draft)
    for path, value in in_force.items():
        if not is_number(value):
            draft.problem(path, f"has the value {display_value(value)}: a number from 0 to 1 is required.")
            return
    if not in_force:
        reason = "no threshold was in force for an enabled domain: the engine's default"
        draft.add(_THRESHOLD, MatchingConfig().min_domain_score, reason)
        return
    lowest = min(in_force, key=lambda path: in_force[path])
    for path in in_force:
        if path != lowest:
            draft.decisions.drop(path, f"all domains have one threshold: the lowest in force, {in_force[lowest]}")
    if lowest == _THRESHOLD:
        draft.carry(_THRESHOLD)
        return
    several = ", the lowest in force" if len(in_force) > 1 else ""
    draft.change(lowest, in_force[lowest], f"this threshold was in force for domains of the type{several}", _THRESHOLD)
    if draft.get(*_THRESHOLD) is not None and _THRESHOLD not in draft.decisions.by_path:
        draft.decisions.drop(_THRESHOLD, f"{dotted(lowest)} took precedence")


def _thresholds_in_force(draft: Draft) -> dict[Path, Any]:
    in_force: dict[Path, Any] = {}
    for domain in draft.entries("watch_domains"):
        of_type: Path = ("matching_config", "domain_type_thresholds", str(domain.get("type")))
        path = of_type if draft.get(*of_type) is not None else _THRESHOLD
        if domain.get("enabled") is not False and draft.get(*path) is not None:
            in_force[path] = draft.get(*path)
    return in_force


def _bonuses(draft: Draft) -> None:
    names = draft.keys(*_BONUSES)
    first_of_scope: dict[str, str] = {}
    for name in names:
        path: Path = (*_BONUSES, name)
        scope = draft.get(*path, "scope")
        draft.check_scope((*path, "scope"), BONUS_SCOPE_KINDS)
        if isinstance(scope, str) and scope in first_of_scope:
            _merge_bonus(draft, first_of_scope[scope], name)
            continue
        shared = draft.known.bonus_of_scope.get(scope) if isinstance(scope, str) else None
        new_name = shared if shared and shared not in names else name
        if isinstance(scope, str):
            first_of_scope[scope] = name
        for field in ("scope", "bonus"):
            draft.carry((*path, field), (*_BONUSES, new_name, field))
        if new_name != name:
            _rename_bonus(draft, path, new_name)


def _rename_bonus(draft: Draft, path: Path, name: str) -> None:
    reason = f"canonical calls the bonus for this scope {name}: under two names both would count"
    for field in ("scope", "bonus"):
        if (*path, field) in draft.decisions.by_path:
            draft.decisions.carry((*path, field), (*path[:-1], name, field), reason)
    draft.rename_key(path, name)


def _merge_bonus(draft: Draft, first: str, second: str) -> None:
    """Add the points of a second bonus for the same scope to the first, because both counted."""
    points: Path = (*_BONUSES, first, "bonus")
    more: Path = (*_BONUSES, second, "bonus")
    decision = draft.decisions.by_path.get(points, Decision("carried", points))
    one, other = decision.after or draft.get(*points), draft.get(*more)
    draft.decisions.drop_below((*_BONUSES, second), f"{first} is for the same scope")
    if decision.to and is_number(one) and is_number(other):
        reason = "two bonuses for one scope both counted: this one has the points of both"
        draft.write(points, one + other)
        draft.decisions.change(points, decision.to, one + other, reason)
        draft.decisions.change(more, decision.to, one + other, reason)
