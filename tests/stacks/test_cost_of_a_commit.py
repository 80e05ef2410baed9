"""Cost of a commit that goes to prod, computed from the pipeline's template."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from stacks.synthesis import synthesized_pipeline

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "cost-and-sizing.md").read_text(encoding="utf-8")
LIMIT_USD = 0.20
# Dollars a minute; each build and each action is rounded up to a whole one (aws.amazon.com/codebuild/pricing and
# aws.amazon.com/codepipeline/pricing, found on 2026-11-25 in copies of these pages).
BUILD_MINUTE = {"BUILD_GENERAL1_SMALL": 0.005, "BUILD_GENERAL1_MEDIUM": 0.01}
ACTION_MINUTE = 0.002
# Assumed, because nothing was measured on AWS: the installation with 50 s of mypy and a synthesis beside it; npm ci and
# one command of the CDK CLI. All other actions end within a minute.
CHECK_MINUTES, DEPLOY_MINUTES = 4, 2


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    template, _ = synthesized_pipeline(ROOT)
    return list(template["Resources"].values())


def _of_type(resources: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in resources if each["Type"] == kind]


def _minutes(project: dict[str, Any]) -> int:
    return CHECK_MINUTES if "make build" in project["Source"]["BuildSpec"] else DEPLOY_MINUTES


def _builds_usd(resources: list[dict[str, Any]]) -> float:
    projects = _of_type(resources, "AWS::CodeBuild::Project")
    return sum(_minutes(each) * BUILD_MINUTE[each["Environment"]["ComputeType"]] for each in projects)


def _actions(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the actions with a price: a manual approval has none."""
    [pipeline] = _of_type(resources, "AWS::CodePipeline::Pipeline")
    actions = [action for stage in pipeline["Stages"] for action in stage["Actions"]]
    return [each for each in actions if each["ActionTypeId"]["Category"] != "Approval"]


def _actions_usd(resources: list[dict[str, Any]]) -> float:
    builds = [each for each in _actions(resources) if each["ActionTypeId"]["Provider"] == "CodeBuild"]
    projects = _of_type(resources, "AWS::CodeBuild::Project")
    assert len(builds) == len(projects), "one build of each project"
    minutes = len(_actions(resources)) - len(builds) + sum(map(_minutes, projects))
    return minutes * ACTION_MINUTE


def test_a_commit_costs_at_most_20_cents(resources: list[dict[str, Any]]) -> None:
    assert _builds_usd(resources) + _actions_usd(resources) <= LIMIT_USD


def test_only_the_build_that_checks_types_is_larger_than_the_smallest(resources: list[dict[str, Any]]) -> None:
    larger = [
        each["Source"]["BuildSpec"]
        for each in _of_type(resources, "AWS::CodeBuild::Project")
        if each["Environment"]["ComputeType"] != "BUILD_GENERAL1_SMALL"
    ]
    assert len(larger) == 1
    assert "make build" in larger[0]


def test_the_document_says_what_is_computed(resources: list[dict[str, Any]]) -> None:
    [(actions, actions_usd)] = re.findall(r"(\d+) actions, [^|]*: \$([\d.]+) \|", DOCUMENT)
    [builds_usd] = re.findall(r"10 minutes[^|]*: \$([\d.]+) \|", DOCUMENT)
    assert int(actions) == len(_actions(resources))
    assert float(actions_usd) == pytest.approx(_actions_usd(resources), abs=0.0005)
    assert float(builds_usd) == pytest.approx(_builds_usd(resources), abs=0.0005)
