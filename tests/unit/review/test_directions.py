"""Directions of settings: every setting has one, and those that let more pass are marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from change_review.directions import ENVIRONMENT, PIPELINE, PROJECT, Compare, Neutral, tendency_of
from change_review.settings import WHOLE
from vectora_ops.settings import EnvironmentSettings, Pipeline, Settings


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)


def _keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is None or name in WHOLE:
            yield ".".join((*path, name))
        else:
            yield from _keys(inner, (*path, name))


@pytest.mark.parametrize(
    ("model", "directions", "parts"),
    [
        (EnvironmentSettings, ENVIRONMENT, ()),
        (Pipeline, PIPELINE, ()),
        (Settings, PROJECT, ("environments.", "pipeline.")),
    ],
)
def test_every_setting_has_a_direction_or_a_reason_to_have_none(
    model: type[BaseModel], directions: Mapping[str, Compare | Neutral], parts: tuple[str, ...]
) -> None:
    keys = {key for key in _keys(model) if not parts or not key.startswith(parts)}

    assert keys == set(directions)
    assert all(each.reason for each in directions.values() if isinstance(each, Neutral))


@pytest.mark.parametrize(
    ("key", "looser", "stricter"),
    [
        ("promotion.soak_days", 7, 14),
        ("promotion.requires_approval", False, True),
        ("promotion.maximum_run_cost_usd", None, 0.5),
        ("promotion.maximum_noise_percent", 30.0, 10.0),
        ("promotion.watch_hours", 0, 48),
        ("promotion.windows", [], [{"open": ["MON-FRI"]}]),
        ("removal_policy", "destroy", "retain"),
        ("snapshots.keep_last", 7, None),
        ("snapshots.minimum_age_days", 1, 90),
        ("snapshots.daily", False, True),
        ("alarms.noise_percent", 30, 10),
        ("alarms.failed_runs", 3, 1),
        ("logs.retention_days", 14, 365),
        ("backup.region", None, "eu-central-1"),
        ("delivery.mode", "recipients", "redirect"),
        ("monthly_budget_usd", 100, 60),
        ("operators", ["a@example.org"], ["a@example.org", "b@example.org"]),
        ("model.routes_to", ["eu-west-1", "eu-west-3"], ["eu-west-3"]),
    ],
)
def test_a_setting_that_lets_more_pass_is_looser(key: str, looser: Any, stricter: Any) -> None:
    assert tendency_of(ENVIRONMENT, key, stricter, looser) == "looser"
    assert tendency_of(ENVIRONMENT, key, looser, stricter) == "stricter"


def test_a_setting_that_this_release_does_not_know_and_a_neutral_one_only_change() -> None:
    assert tendency_of(ENVIRONMENT, "another", 1, 2) == "changed"
    assert tendency_of(ENVIRONMENT, "model.id", "a", "b") == "changed"
    assert tendency_of(ENVIRONMENT, "alarms.failed_runs", "one", 2) == "changed"
