"""`./vectora doctor`: output and exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ReadTimeoutError
from typer.testing import CliRunner, Result

from cli.__main__ import app
from cli.doctor import examination
from cli.doctor.examination import checks
from cli.doctor.finding import Check, Finding
from cli.doctor.subject import Subject
from tests.unit.cli.doctor.conftest import Run

LONG = "arn:aws:iam::000000000000:role/" + "a-name-without-end-" * 8
FINDINGS = (
    Finding("credentials", "pass", LONG),
    Finding("connection", "unknown", "you may not call GetConnection", "attach docs/reference/operator-policy.json"),
    Finding("buckets of stage", "fail", "[bold]a[/bold] is taken :key:", "choose another name [/x]"),
)


def _call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments])


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Return the findings of the examination, which a test may change."""
    found = list(FINDINGS)
    monkeypatch.setattr(examination, "examine", lambda root, settings, env: tuple(found))
    return found


def test_the_table_fits_80_columns_with_all_text(findings: list[Finding]) -> None:
    result = _call("--env", "stage")
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    shown = "".join(result.stdout.split())
    for finding in findings:
        for text in (finding.check, finding.found, finding.advice):
            assert "".join(text.split()) in shown
    assert "1 pass, 1 fail, 1 unknown." in result.stdout


def test_texts_from_aws_do_not_control_the_terminal(findings: list[Finding]) -> None:
    findings.append(Finding("connection", "unknown", "red \x1b[31malert"))
    assert "\x1b" not in _call().stdout


def test_a_failure_ends_with_3(findings: list[Finding]) -> None:
    assert _call().exit_code == 3


def test_an_unknown_finding_does_not_fail(findings: list[Finding]) -> None:
    findings.pop()
    result = _call()
    assert result.exit_code == 0
    assert "1 pass, 0 fail, 1 unknown." in result.stdout


def test_json_is_one_document(findings: list[Finding]) -> None:
    result = _call("--env", "stage", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 3
    assert document["env"] == "stage"
    assert document["counts"] == {"pass": 1, "fail": 1, "unknown": 1}
    assert document["findings"][1] == {
        "check": "connection",
        "verdict": "unknown",
        "found": "you may not call GetConnection",
        "advice": "attach docs/reference/operator-policy.json",
        "where": "",
    }


def test_an_unknown_environment_is_one_sentence() -> None:
    result = _call("--env", "production")
    assert result.exit_code == 2
    sentence = "There is no environment 'production': did you mean 'prod'? Choose one of dev, stage, prod."
    assert result.stderr.strip() == sentence


@pytest.mark.parametrize("variable", ["AWS_PROFILE", None])
def test_without_credentials_all_checks_are_listed_and_nothing_is_raised(
    monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    if variable:
        monkeypatch.setenv(variable, "missing")
    result = _call("--json")
    verdicts = {each["check"]: each["verdict"] for each in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 3
    assert verdicts["credentials"] == "fail"
    assert {verdicts[check.name] for check in checks(with_pipeline=True)} == {"unknown"}


def test_a_check_that_raises_is_unknown_and_keeps_its_earlier_findings(run: Run) -> None:
    def function(subject: Subject) -> Iterator[Finding]:
        yield Finding("first", "pass", "found")
        raise KeyError("Quota")

    assert run(Check("it", function)) == [
        Finding("first", "pass", "found"),
        Finding("it", "unknown", "the answer cannot be read (KeyError: 'Quota')"),
    ]


def test_a_timeout_is_unknown(run: Run) -> None:
    def function(subject: Subject) -> Iterator[Finding]:
        yield from ()
        raise ReadTimeoutError(endpoint_url="https://bedrock.eu-west-3.amazonaws.com")

    [finding] = run(Check("it", function))
    assert finding.verdict == "unknown"
    assert finding.found.startswith("AWS did not answer: Read timeout on endpoint URL")


def test_connection_branch_and_builds_are_checked_for_the_pipeline_only() -> None:
    names = {with_pipeline: {check.name for check in checks(with_pipeline)} for with_pipeline in (True, False)}
    assert names[True] - names[False] == {"connection", "branch protection", "CodeBuild builds"}
