"""Settings of both sides, as rows with what is looser, and side by side by environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from change_review.directions import ENVIRONMENT, PIPELINE, PROJECT, tendency_of
from change_review.finding import draft
from change_review.model import Difference, Finding, Row
from change_review.templates import StackPair
from change_review.values import show
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings
from vectora_shared.config.section import read_file
from vectora_shared.errors import ConfigurationError

FILE = "config/environments.yaml"
# What is not of one environment.
PIPELINE_LABEL, PROJECT_LABEL = "pipeline", "project"
# Of these settings a mapping or a list of mappings is one value.
WHOLE = ("people", "windows")
Values = dict[str, Any]


@dataclass(frozen=True)
class SettingsOfSide:
    """Settings by label and key; `note` says why defaults are not filled in, `settings` are valid ones."""

    values: Mapping[str, Values]
    settings: Settings | None = None
    note: str = ""


def read_settings(name: str, body: bytes | None) -> SettingsOfSide:
    """Return the settings of a side; those that this release does not accept are compared as they are written."""
    if body is None:
        return SettingsOfSide({}, note=f"{name} has no {FILE}: its settings were not compared.")
    try:
        settings = read_file(Settings, FILE, body)
    except ConfigurationError as error:
        first = str(error).splitlines()[0]
        note = f"The settings of {name} do not fit this release and are compared as written ({first})"
        return SettingsOfSide(dict(_labelled(_raw(body))), note=note)
    return SettingsOfSide(dict(_labelled(settings.model_dump(mode="json"))), settings)


def _raw(body: bytes) -> Mapping[str, Any]:
    try:
        found = yaml.load(body, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _labelled(document: Mapping[str, Any]) -> Iterator[tuple[str, Values]]:
    environments = document.get("environments")
    for env in ENVIRONMENT_NAMES:
        yield env, dict(_flat(environments.get(env) if isinstance(environments, Mapping) else {}))
    yield PIPELINE_LABEL, dict(_flat(document.get("pipeline") or {}))
    rest = {key: value for key, value in document.items() if key not in ("environments", "pipeline")}
    yield PROJECT_LABEL, dict(_flat(rest))


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the values by their key; a missing value and none are the same."""
    if isinstance(value, Mapping) and not (path and path[-1] in WHOLE):
        for key, each in value.items():
            yield from _flat(each, (*path, str(key)))
    elif value not in (None, [], {}, ()):
        yield ".".join(path), value


def setting_rows(before: SettingsOfSide, after: SettingsOfSide) -> Iterator[Row]:
    """Yield a row for each setting that differs."""
    if not before.values or not after.values:
        return
    for label in after.values:
        old, new = before.values.get(label, {}), after.values[label]
        directions = {PIPELINE_LABEL: PIPELINE, PROJECT_LABEL: PROJECT}.get(label, ENVIRONMENT)
        for key in sorted({*old, *new}):
            if old.get(key) == new.get(key):
                continue
            yield Row(
                environments=(label,),
                name="setting",
                key=key,
                before=show(old.get(key)),
                after=show(new.get(key)),
                tendency=tendency_of(directions, key, old.get(key), new.get(key)),
            )


def findings_on_settings(rows: tuple[Row, ...]) -> Iterator[Finding]:
    """Yield a finding for each setting that is looser than before."""
    for row in rows:
        if row.tendency == "looser":
            place = StackPair(row.environments[0], "", "settings", {}, {})
            yield draft("gates", place, f"{row.key} {row.before} -> {row.after}", subject=row.key)


def differing_settings(before: SettingsOfSide, after: SettingsOfSide) -> Iterator[Difference]:
    """Yield the settings whose value is not the same in all environments."""
    by_env = {env: after.values.get(env, {}) for env in ENVIRONMENT_NAMES}
    for key in sorted({key for values in by_env.values() for key in values}):
        shown = tuple((env, show(values.get(key))) for env, values in by_env.items())
        if len({value for _, value in shown}) > 1:
            old = {env: before.values.get(env, {}).get(key) for env in ENVIRONMENT_NAMES}
            is_changed = bool(before.values) and any(old[env] != by_env[env].get(key) for env in ENVIRONMENT_NAMES)
            yield Difference(key=key, values=shown, is_changed=is_changed)
