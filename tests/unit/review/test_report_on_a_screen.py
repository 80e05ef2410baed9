"""The report of a terminal: it fits a screen, names every finding, and says the worst first."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from typer.testing import CliRunner

from change_review.accepted import FILE
from change_review.brief import lines_of
from change_review.groups import groups_of
from change_review.model import Review
from change_review.review import Limits, review_templates
from change_review.short_words import braces, changed_part, short_text, short_where
from cli import review as command
from cli.__main__ import app
from tests.unit.review.conftest import Checkout

LIMITS = Limits(today=date(2026, 11, 26))
WIDTH, SCREEN = 80, 50
SETTINGS = "config/environments.yaml"
Resources = dict[str, dict[str, Any]]


def _reviewed(before: Resources, after: Resources) -> Review:
    """Return the review of a template of all environments; `{env}` stands for their names."""
    sides = []
    for resources in (before, after):
        body = json.dumps({"Resources": resources})
        sides.append(
            {f"{env}/s0-core.yaml": body.replace("{env}", env).encode("utf-8") for env in ("dev", "stage", "prod")}
        )
    return review_templates(sides[0], sides[1], LIMITS)


def _text(review: Review, width: int | None = WIDTH) -> str:
    return "\n".join(line.text for line in lines_of(review, width))


def _role(name: str, *actions: str, resource: str = "arn:aws:s3:::vectora-inbox-data-{env}/*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": f"vectora-inbox-{name}-{{env}}",
            "AssumeRolePolicyDocument": {"Statement": [trust]},
            "Policies": [{"PolicyName": "Access", "PolicyDocument": {"Statement": [statement]}}],
        },
    }


def _alarm(name: str, *actions: str) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": f"vectora-inbox-{name}-{{env}}",
            "AlarmActions": list(actions),
            "AlarmDescription": f"A text on {name} that is long enough to be cut. " * 4,
        },
    }


def _huge(action: str, *topics: str, path: str = "/") -> Resources:
    """Return hundreds of resources of many kinds, which all differ from those of another call."""
    found: Resources = {}
    for number in range(60):
        own = f"s3:Get{number}" if number % 2 else "s3:Get"
        found[f"Role{number}"] = _role(f"worker{number}", action, own)
        found[f"Alarm{number}"] = _alarm(f"alarm{number}", *topics)
        found[f"Queue{number}"] = {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": f"queue{number}{path.replace('/', '-')}{{env}}", "VisibilityTimeout": number},
        }
        found[f"Table{number}"] = {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {"TableName": f"table{number}-{{env}}", "DeletionProtectionEnabled": path == "/"},
        }
    return found


def test_a_huge_change_fits_a_screen_and_names_every_finding() -> None:
    review = _reviewed(_huge("s3:ListBucket", "a", "b"), _huge("s3:*", "a", path="/new/"))

    text = _text(review)
    lines = text.splitlines()

    assert len(review.findings) == 240
    assert len(lines) <= 75
    assert max(map(len, lines)) <= WIDTH
    words = "".join(text.split())
    for finding in review.findings:
        # What all names of a line begin and end with is written once.
        own = finding.subject.rpartition(" ")[2].removeprefix("vectora-inbox-").partition("-")[0]
        assert own in words


def test_an_ordinary_change_fits_a_screen_with_the_verdict_and_the_counts_first() -> None:
    before = {f"Role{number}": _role(f"worker{number}", "s3:GetObject") for number in range(12)}
    before |= {f"Alarm{number}": _alarm(f"alarm{number}", "a", "b") for number in range(41)}
    after = {f"Role{number}": _role(f"worker{number}", "s3:GetObject", "s3:PutObject") for number in range(12)}
    after |= {f"Alarm{number}": _alarm(f"alarm{number}", "a") for number in range(41)}

    lines = _text(_reviewed(before, after)).splitlines()

    assert lines[0] == "Stop and read: 12 permissions broadened, 41 gates or settings loosened."
    assert lines[1].startswith("resources: 53 changed")
    assert len(lines) <= SCREEN


def test_equal_changes_of_many_things_are_one_line() -> None:
    before = {f"Alarm{number}": _alarm(f"alarm{number}", "a", "b") for number in range(41)}
    after = {f"Alarm{number}": _alarm(f"alarm{number}", "a") for number in range(41)}

    review = _reviewed(before, after)
    found = [line for line in _text(review, None).splitlines() if line.startswith("GATES")]

    assert len(review.findings) == 41
    [line] = found
    assert line.startswith("GATES 41 alike: CloudWatch Alarm vectora-inbox-{alarm0, alarm1, ")
    assert 'AlarmActions ["a", "b"] -> ["a"] (all: s0-core)' in line


def test_the_same_statement_of_many_roles_is_one_line_with_what_it_may_do() -> None:
    names = ("smoke-test", "snapshot", "watch")
    before = {name.replace("-", ""): _role(name, "s3:GetObject") for name in names}
    after = {name.replace("-", ""): _role(name, "s3:GetObject", "s3:PutObject") for name in names}

    text = _text(_reviewed(before, after), None)

    assert (
        "PERMISSIONS 3 alike: role vectora-inbox-{smoke-test, snapshot, watch}-{env}: "
        "gains s3:PutObject on arn:...:vectora-inbox-data-{env}/* (all: s0-core)"
    ) in text


def test_the_worst_of_each_kind_comes_first_and_its_marks_are_never_cut() -> None:
    names = [f"worker{number}" for number in range(40)]
    before = {name: _role(name, "s3:GetObject") for name in names}
    after = {name: _role(name, "s3:GetObject", f"s3:Put{name}") for name in names[:-1]}
    after[names[-1]] = _role(names[-1], "iam:PassRole", resource="*")

    found = [line for line in _text(_reviewed(before, after)).splitlines() if line.startswith("PERMISSIONS")]

    assert found[0].startswith("PERMISSIONS (CAN RAISE ACCESS, WILDCARD) role vectora-inbox-worker39-{env}")


def test_lost_data_comes_before_what_holds_none() -> None:
    before = {
        "Maker": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "maker"}},
        "Store": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "store"}},
    }
    after = {
        "Maker": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "maker2"}},
        "Store": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "store2"}},
    }

    found = [line for line in _text(_reviewed(before, after)).splitlines() if line.startswith("DATA")]

    assert found[0].startswith("DATA S3 Bucket store is replaced")
    assert found[1].startswith("DATA Lambda Function maker is replaced")


def test_the_id_of_a_line_accepts_all_findings_of_it(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ROOT", checkout.root)
    checkout.git("config", "user.email", "ann@example.org")
    for env in ("dev", "stage", "prod"):
        checkout.replace(
            f"tests/stacks/templates/{env}/s0-operations.yaml", "EnableKeyRotation: true", "EnableKeyRotation: false"
        )
    for name in ("data", "newsletters"):
        checkout.replace(
            "tests/stacks/templates/prod/s0-core.yaml", f"BucketName: vectora-inbox-{name}-prod", f"BucketName: {name}2"
        )
    review = checkout.review()
    groups = [each for each in groups_of(review.findings) if len(each.findings) > 1]
    text = _text(review)

    for group in groups:
        assert group.id in text
        assert group.id not in {each.id for each in review.findings}
    ids = [option for group in groups_of(review.findings) for option in ("--allow", group.id)]
    result = CliRunner().invoke(app, ["review", *ids, "--reason", "known"])

    assert result.exit_code == 0
    accepted = (checkout.root / FILE).read_text(encoding="utf-8")
    assert all(each.id in accepted for each in review.findings)
    assert checkout.review().bits() == 0
    assert _text(checkout.review()).count("ACCEPTED") >= 1


def test_a_report_for_a_file_has_whole_lines(checkout: Checkout) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")

    text = _text(checkout.review(), None)

    assert "GATES promotion.soak_days 14 -> 7 (prod: settings)" in text


def test_names_are_written_with_what_they_share_once() -> None:
    assert braces(["vectora-inbox-a-prod", "vectora-inbox-b-prod"]) == "vectora-inbox-{a, b}-prod"
    assert braces(["role A", "role B", "role A"]) == "role {A, B}"
    assert braces(["one"]) == "one"
    assert braces(["one", "two"]) == "one, two"
    assert braces(["runs-aborted-x", "runs-slow-x", "cost-x"]) == "{runs-{aborted, slow}, cost}-x"
    # Nothing is left of a name that is the beginning of another one.
    assert braces(["log-a", "log-a-b"]) == "log-{a, a-b}"


def test_statements_are_short_and_show_what_writes_before_what_reads() -> None:
    condition = '{"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}}'

    assert short_text(f"gains kms:Decrypt on * under {condition}; gains a") == (
        "gains kms:Decrypt on * under aws:SourceAccount = this account; gains a"
    )
    assert short_text("gains s3:GetObject, s3:PutObject on x") == "gains s3:{PutObject, GetObject} on x"
    assert short_text("on arn:aws:ssm:eu-west-3:${AWS::AccountId}:parameter/a") == "on arn:...:parameter/a"
    # Another account is never left out.
    other = "on arn:aws:ssm:eu-west-3:111111111111:parameter/a"
    assert short_text(other) == other
    assert short_text("under {no JSON") == "under {no JSON"


def test_of_long_values_the_part_that_differs_is_shown() -> None:
    text = "A model that costs much. " * 4

    assert changed_part("7", "14") == "7 -> 14"
    shown = changed_part(f"{text}Run: status{text}", f"{text}Run: logs{text}")
    assert "Run: status" in shown
    assert "Run: logs" in shown
    assert len(shown) < 2 * len(text)


def test_places_are_short_and_drop_examples_that_change_alike() -> None:
    everywhere = ("dev", "stage", "prod", "prod (a backup)")

    assert short_where(everywhere, ["s0-core"]) == "all: s0-core"
    assert short_where(("prod (a backup)",), ["backup"]) == "prod (a backup): backup"
    assert short_where(("pipeline", "pipeline (several accounts)"), ["pipeline"]) == "pipeline"
    assert short_where(("dev", "prod"), ["a", "b", "c"]) == "dev, prod: 3 stacks"


def test_the_pipeline_keeps_its_name_in_the_words_on_its_examples() -> None:
    sides = []
    for name in ("a", "b"):
        properties: dict[str, Any] = {"Name": "vectora-inbox-pipeline", "RoleArn": name, "Stages": []}
        pipeline = {"Type": "AWS::CodePipeline::Pipeline", "Properties": properties}
        body = json.dumps({"Resources": {"Pipeline": pipeline}}).encode("utf-8")
        sides.append({"pipeline.yaml": body, "with-accounts/pipeline.yaml": body})

    review = review_templates(sides[0], sides[1], LIMITS)

    [change] = review.resources
    assert change.environments == ("pipeline", "pipeline (several accounts)")
    assert change.name == "vectora-inbox-pipeline"
