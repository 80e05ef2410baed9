"""Contents of the templates that this repository's settings decide; test_template_rules holds for any settings."""

from __future__ import annotations

import json

import pytest

from tests.repository import ROOT
from tests.stacks.deployed import Environment, resources_of
from tests.stacks.rules import statements_by_sid
from vectora_ops.settings import load_settings


@pytest.mark.parametrize(("env", "retained"), [("dev", False), ("stage", True), ("prod", True)])
def test_stage_and_prod_retain_buckets_and_logs(env: str, retained: bool, request: pytest.FixtureRequest) -> None:
    templates = request.getfixturevalue(env)
    for layer, logical_id, resource in resources_of((env, templates)):
        if resource["Type"] == "AWS::S3::Bucket" and layer == "s0-operations":
            continue
        if resource["Type"] in ("AWS::S3::Bucket", "AWS::Logs::LogGroup"):
            expected = ("RetainExceptOnCreate", "Retain") if retained else ("Delete", "Delete")
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == expected, logical_id


def test_the_model_grant_covers_the_profile_and_its_model_in_each_region_it_routes_to(environment: Environment) -> None:
    invoke = statements_by_sid(environment[1], "NormalizeScoreRole")["AskModel"]
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    regions = ("eu-north-1", "eu-west-3", "eu-south-1", "eu-south-2", "eu-west-1", "eu-central-1")
    assert invoke["Action"] == ["bedrock:InvokeModel"]
    assert invoke["Resource"] == [
        {"Fn::Sub": f"arn:aws:bedrock:eu-west-3:${{AWS::AccountId}}:inference-profile/eu.{model}"},
        *(f"arn:aws:bedrock:{region}::foundation-model/{model}" for region in regions),
    ]


@pytest.mark.parametrize(("env", "state"), [("dev", "DISABLED"), ("stage", "ENABLED"), ("prod", "ENABLED")])
def test_newsletters_are_scheduled_where_they_prove_a_release_and_where_people_read_them(
    env: str, state: str, request: pytest.FixtureRequest
) -> None:
    resources = request.getfixturevalue(env)["s1-runtime"]["Resources"]
    schedule = resources["LaiWeeklySchedule"]["Properties"]
    assert schedule["State"] == state
    assert schedule["ScheduleExpression"] == load_settings(ROOT).environment(env).schedule.weekly
    assert json.loads(schedule["Target"]["Input"]) == {"client_id": "lai_weekly"}
