"""Changes of the pipeline's stages and actions in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vectora_review.lines import CHANGES, LOOSENS, Line, shown

# Actions without which something is promoted that was refused or saved before.
GUARDS = ("gate-", "approval-", "snapshot-", "smoke-test-", "record-")
Action = Mapping[str, Any]


def pipeline_lines(before: Any, after: Any) -> Sequence[Line]:
    """Return the lines on a changed pipeline."""
    if before is None or after is None:
        return (Line(LOOSENS, f"the pipeline is {'new' if before is None else 'removed'}"),)
    old, new = before.get("Properties") or {}, after.get("Properties") or {}
    return (*_stages(_actions(old), _actions(new)), *_settings(old, new))


def _actions(properties: Mapping[str, Any]) -> dict[str, Action]:
    return {
        f"{stage['Name']}: {action['Name']}": action
        for stage in properties.get("Stages") or ()
        for action in stage["Actions"]
    }


def _stages(old: Mapping[str, Action], new: Mapping[str, Action]) -> Iterator[Line]:
    for name in sorted(set(old) - set(new)):
        guards = is_guard(name.partition(": ")[2])
        yield Line(LOOSENS if guards else CHANGES, f"{_env(name)}: the action {_action(name)} is removed")
        if "approval-" in name:
            yield Line(LOOSENS, f"{_env(name)}: no approval is needed any more (was: needed)")
    for name in sorted(set(new) - set(old)):
        yield Line(CHANGES, f"{_env(name)}: the action {_action(name)} is new")
    both = sorted(set(new) & set(old))
    for env in sorted({_env(name) for name in both if old[name].get("RunOrder") != new[name].get("RunOrder")}):
        yield Line(CHANGES, f"{env}: its actions run in another order, or at other numbers")
    for name in both:
        for key in sorted({*old[name], *new[name]} - {"RunOrder"}):
            before, after = old[name].get(key), new[name].get(key)
            if before != after:
                text = f"the action {_action(name)} changes {key} from {shown(before)} to {shown(after)}"
                yield Line(CHANGES, f"{_env(name)}: {text}")


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Line]:
    for key in sorted({*old, *new} - {"Stages"}):
        if old.get(key) != new.get(key):
            yield Line(CHANGES, f"the pipeline changes {key} from {shown(old.get(key))} to {shown(new.get(key))}")
    order = [[stage["Name"] for stage in each.get("Stages") or ()] for each in (old, new)]
    if order[0] != order[1]:
        yield Line(CHANGES, f"the pipeline's stages become {', '.join(order[1])}")


def is_guard(action: str) -> bool:
    """Return whether an action judges or saves; CDK Pipelines names a step before a stack `{stack}.{step}`."""
    return action.rpartition(".")[2].startswith(GUARDS)


def _env(name: str) -> str:
    return name.partition(": ")[0]


def _action(name: str) -> str:
    return name.partition(": ")[2]
