"""The profile of a rehearsal sums its actions by kind, and shows which became slower since the last one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rehearsal.codepipeline import ActionReport, ExecutionReport
from rehearsal.profile import FILE, Profile, StepTime, compared, kind_of, profile_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def execution(*actions: tuple[str, float]) -> ExecutionReport:
    reports = tuple(
        ActionReport(
            "dev", name, "Build", "CodeBuild", 1, "Succeeded", None, NOON, NOON + timedelta(seconds=seconds), None
        )
        for name, seconds in actions
    )
    return ExecutionReport("p", "e", 1, "Succeeded", None, NOON, NOON, 0.0, reports)


def profile(*actions: tuple[str, float]) -> Profile:
    return profile_of(10.0, [StepTime(name="Started", seconds=1.0)], [("A commit", execution(*actions))], "inbox")


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("Synth", "Synth"),
        ("FileAsset12", "assets"),
        ("smoke-test-stage", "smoke-test"),
        ("inbox-s0-core-dev.Deploy", "s0-core.Deploy"),
        ("inbox-operations-prod.snapshot-prod", "operations.snapshot"),
    ],
)
def test_the_kind_of_an_action_is_its_name_without_project_environment_and_number(action: str, kind: str) -> None:
    assert kind_of(action, "inbox") == kind


def test_actions_are_summed_by_kind_and_the_slowest_kind_comes_first() -> None:
    found = profile(("Synth", 4.0), ("smoke-test-dev", 3.0), ("smoke-test-stage", 5.0))
    assert [(each.kind, each.count, each.seconds, each.longest) for each in found.kinds] == [
        ("smoke-test", 2, 8.0, 5.0),
        ("Synth", 1, 4.0, 4.0),
    ]
    assert (found.actions[0].commit, found.actions[0].action) == ("A commit", "Synth")


def test_a_kind_that_became_slower_since_the_last_rehearsal_is_named(tmp_path: Path) -> None:
    assert compared(profile(("Synth", 4.0), ("record-dev", 1.0)), tmp_path).slower == ()
    slower = compared(profile(("Synth", 8.0), ("record-dev", 1.2)), tmp_path).slower
    assert slower == ("Synth: 8.0 s, 4.0 s in the last rehearsal",)


def test_a_rehearsal_of_more_commits_is_compared_action_by_action(tmp_path: Path) -> None:
    compared(profile(("Synth", 4.0)), tmp_path)
    assert compared(profile(("Synth", 4.0), ("Synth", 4.0), ("Synth", 4.0)), tmp_path).slower == ()


@pytest.mark.parametrize("kept", ["", "[]", '{"kinds": 1}', '{"kinds": [{"kind": "Synth", "seconds": 1, "count": 0}]}'])
def test_a_profile_that_cannot_be_read_is_replaced(tmp_path: Path, kept: str) -> None:
    (tmp_path / FILE).write_text(kept, encoding="utf-8")
    found = compared(profile(("Synth", 4.0)), tmp_path)
    assert found.slower == ()
    assert json.loads((tmp_path / FILE).read_bytes())["kinds"][0]["kind"] == "Synth"
