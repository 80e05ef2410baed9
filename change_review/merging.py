"""Equal changes of several environments, merged into one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, Protocol, TypeVar

from change_review.model import ANY_ENVIRONMENT
from vectora_ops.settings import ENVIRONMENT_NAMES


class _OfEnvironments(Protocol):
    @property
    def environments(self) -> tuple[str, ...]: ...


T = TypeVar("T", bound=_OfEnvironments)


def merged(changes: Iterable[T], plain_names: dict[str, str]) -> tuple[T, ...]:
    """Return the changes with one entry for those that differ only in the name of their environment.

    Each change comes with one environment; `plain_names` are the names in its texts, by environment.
    """
    found: dict[Any, tuple[T, list[str]]] = {}
    for change in changes:
        [env] = change.environments
        merged_change = replace(neutral(change, plain_names.get(env, env)), environments=())
        found.setdefault(merged_change, (change, []))[1].append(env)
    return tuple(_of(key, change, envs, plain_names) for key, (change, envs) in found.items())


def _of(merged_change: Any, change: T, envs: list[str], plain_names: dict[str, str]) -> T:
    # What has one name in all of them, such as prod and an example of it, keeps it.
    has_one_name = len({plain_names.get(env, env) for env in envs}) == 1
    chosen: Any = change if has_one_name else merged_change
    result: T = replace(chosen, environments=ordered(envs))
    return result


def ordered(envs: Iterable[str]) -> tuple[str, ...]:
    """Return each environment once, in the order of promotion."""
    return tuple(sorted(dict.fromkeys(envs), key=_order))


def _order(env: str) -> tuple[int, str]:
    return (ENVIRONMENT_NAMES.index(env) if env in ENVIRONMENT_NAMES else len(ENVIRONMENT_NAMES)), env


def neutral(value: Any, env: str) -> Any:
    """Return a value in whose texts the environment's name is replaced."""
    if isinstance(value, str):
        return re.sub(rf"(?<![A-Za-z0-9]){re.escape(env)}(?![A-Za-z0-9])", ANY_ENVIRONMENT, value)
    if isinstance(value, tuple):
        return tuple(neutral(each, env) for each in value)
    if hasattr(value, "__dataclass_fields__"):
        names = (each.name for each in fields(value) if each.name != "environments")
        return replace(value, **{name: neutral(getattr(value, name), env) for name in names})
    return value


def plain_environment(environments: Iterable[str]) -> str:
    """Return the environment whose name the texts about labels such as `prod (a backup)` have; empty for several."""
    [first, *more] = dict.fromkeys(each.partition(" ")[0] for each in environments)
    return "" if more or first not in ENVIRONMENT_NAMES else first


def neutral_of(change: _OfEnvironments, text: str) -> str:
    """Return a text of one environment without its name, as texts of several are written already."""
    env = plain_environment(change.environments)
    return str(neutral(text, env)) if env else text


def named(text: str, environments: Iterable[str]) -> str:
    """Return a text with the name of its environment in place, if it is about one."""
    env = plain_environment(environments)
    return text.replace(ANY_ENVIRONMENT, env) if env else text
