"""Audit of the golden templates: every finding needs an answer, and every answer a finding."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tools.audit_templates import ANSWERS, Answer, Finding, answers_of, audit_of, problems_of

REASON = "Its logs would record each delivery of a log."


def finding(check: str = "CKV_AWS_18", resource: str = "AWS::S3::Bucket.AccessLogsBucket") -> Finding:
    return Finding(check=check, title="Ensure access logging", template="dev/s0-core.yaml", resource=resource)


def answer(check: str = "CKV_AWS_18", *resources: str) -> Answer:
    return Answer(check=check, resources=resources or ("AWS::S3::Bucket.*LogsBucket",), reason=REASON)


def report(**summary: int) -> dict[str, Any]:
    failed = {
        "check_id": "CKV_AWS_18",
        "check_name": "Ensure access logging",
        "file_path": "/dev/s0-core.yaml",
        "resource": "AWS::S3::Bucket.AccessLogsBucket",
    }
    counts = {"resource_count": 7, "parsing_errors": 0, **summary}
    return {"summary": counts, "results": {"failed_checks": [failed]}}


def test_an_answered_finding_is_no_problem() -> None:
    assert problems_of([finding()], [answer()]) == []


@pytest.mark.parametrize(
    "other", [finding("CKV_AWS_21"), finding(resource="AWS::S3::Bucket.DataBucket"), finding(resource="Logs")]
)
def test_an_answer_covers_no_other_check_or_resource(other: Finding) -> None:
    [problem] = problems_of([finding(), other], [answer()])
    assert problem.startswith(f"dev/s0-core.yaml: {other.resource}: {other.check}: Ensure access logging.")
    assert "add the reason to tools/checkov_answers.yaml" in problem


def test_an_answer_without_a_finding_is_a_problem() -> None:
    [problem] = problems_of([finding()], [answer(), answer("CKV_AWS_33", "AWS::KMS::Key.*")])
    assert problem == "tools/checkov_answers.yaml: CKV_AWS_33 for AWS::KMS::Key.* answers no finding: remove it."


def test_findings_are_read_from_the_report() -> None:
    audit = audit_of(report(), 16)
    assert (audit.resources, audit.findings) == (7, (finding(),))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "checked no resource"),
        ([], "checked no resource"),
        (report(resource_count=0), "checked no resource"),
        (report(parsing_errors=2), "could not read 2 of 16 templates"),
    ],
)
def test_a_report_that_covers_too_little_is_no_pass(given: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        audit_of(given, 16)


@pytest.mark.parametrize("reason", ["reason: ''", "reason: accepted", ""])
def test_an_answer_needs_a_reason(reason: str) -> None:
    with pytest.raises(ValidationError):
        answers_of(f"- check: CKV_AWS_18\n  resources: ['*']\n  {reason}")


def test_the_answers_of_the_repository_are_valid() -> None:
    assert answers_of(ANSWERS.read_text(encoding="utf-8"))
