"""Question marks that may be lost text of CloudFormation, and genuine ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vectora_ops.cloudformation.lost_text import describe_lost_text, lost_text_paths, may_have_lost_text

TEMPLATES = Path(__file__).resolve().parents[2] / "stacks" / "templates"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "cron(0 6 ? * MON *)",
        "cron(0 3 * * ? *)",
        "cron(0/15 6-18 ? JAN-MAR,DEC 6#3 2026/2)",
        "cron(0 6 L * ? *)",
        '{"retry_at":"cron(0 7 * * ? *)"}',
        "cron(0 6 ? * MON *) and cron(0 3 * * ? *)",
    ],
)
def test_a_question_mark_in_a_schedule_expression_is_no_lost_text(text: str) -> None:
    assert not may_have_lost_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "R?le",
        "?",
        "Really?",
        "https://example.org/feed?a=1",
        "cron(0 6 ? * MON *)?",
        "cron(0 6 ? * ? *)",  # invalid, so one of the two is no field of a schedule
        "cron(0 ? * * MON *)",
        "cron(0 6 ?? * MON *)",
        "cron(0 6 ? * MON)",
    ],
)
def test_every_other_question_mark_may_have_been_another_character(text: str) -> None:
    assert may_have_lost_text(text)


def test_paths_are_found_in_values_lists_and_keys() -> None:
    template = {
        "Description": "R?le",
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Tags": [{"Key": "a", "Value": "b"}, {"Value": "?"}]}},
            "Rule": {"Properties": {"ScheduleExpression": "cron(0 6 ? * MON *)", "Cl?": 1, "N": 1, "F": None}},
        },
    }
    assert lost_text_paths(template) == (
        "Description",
        "Resources.Topic.Properties.Tags[1].Value",
        "Resources.Rule.Properties.Cl?",
    )


def test_only_the_first_of_many_paths_are_named() -> None:
    paths = tuple(f"Resources.R{number}" for number in range(7))
    sentence = describe_lost_text("a-stack", paths)
    assert "Stack a-stack has a question mark at Resources.R0, " in sentence
    assert "Resources.R4 and 2 more paths, where" in sentence


@pytest.mark.parametrize("file", sorted(TEMPLATES.rglob("*.yaml")), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_no_template_of_this_project_may_have_lost_text(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.isascii()
    paths = lost_text_paths(yaml.safe_load(text))
    # The approval links to an address of the S3 console with a query. No snapshot holds the stack of the pipeline.
    links = [path for path in paths if file.stem == "pipeline" and path.endswith(".Configuration.ExternalEntityLink")]
    assert len(links) == (file.stem == "pipeline")
    assert list(paths) == links
