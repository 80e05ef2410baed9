"""Command of `make audit` that checks the golden templates with checkov, and its findings against the answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tools.templates import GOLDEN_FOLDER, ROOT

CHECKOV = ROOT / ".venv-audit" / "bin" / "checkov"
ANSWERS = ROOT / "tools" / "checkov_answers.yaml"
OPTIONS = (
    "--framework",
    "cloudformation",
    "--quiet",
    "--compact",
    "--skip-download",
    "--soft-fail",
    "--output",
    "json",
)


class Answer(BaseModel):
    """Reason why findings of one check stay."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: str = Field(pattern=r"^CKV2?_AWS_\d+$")
    resources: tuple[str, ...] = Field(min_length=1)
    reason: str = Field(min_length=20)

    def covers(self, finding: Finding) -> bool:
        return self.check == finding.check and any(fnmatchcase(finding.resource, each) for each in self.resources)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Failed check of a resource, which is named by type and logical id."""

    check: str
    title: str
    template: str
    resource: str


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Result of checkov on a folder of templates."""

    resources: int
    findings: tuple[Finding, ...]


def audit_of(report: Any, templates: int) -> Audit:
    """Return the audit in checkov's JSON report.

    Raises ValueError when the report covers no resource, or when checkov could not read one of the templates.
    """
    summary = report.get("summary", {}) if isinstance(report, dict) else {}
    if not summary.get("resource_count"):
        raise ValueError("checkov checked no resource")
    if summary["parsing_errors"]:
        raise ValueError(f"checkov could not read {summary['parsing_errors']} of {templates} templates")
    findings = tuple(
        Finding(
            check=found["check_id"],
            title=found["check_name"],
            template=found["file_path"].removeprefix("/"),
            resource=found["resource"],
        )
        for found in report["results"]["failed_checks"]
    )
    return Audit(resources=summary["resource_count"], findings=findings)


def problems_of(findings: Sequence[Finding], answers: Iterable[Answer]) -> list[str]:
    """Return a sentence for each finding without an answer, and for each answer without a finding."""
    known = tuple(answers)
    unanswered = [
        f"{each.template}: {each.resource}: {each.check}: {each.title}. Change the template, or add the reason to "
        f"{ANSWERS.relative_to(ROOT)}."
        for each in findings
        if not any(answer.covers(each) for answer in known)
    ]
    unused = [
        f"{ANSWERS.relative_to(ROOT)}: {answer.check} for {', '.join(answer.resources)} answers no finding: remove it."
        for answer in known
        if not any(answer.covers(each) for each in findings)
    ]
    return unanswered + unused


def answers_of(text: str) -> tuple[Answer, ...]:
    """Return the answers in YAML text; raises ValidationError for one without check, resources or reason."""
    return TypeAdapter(tuple[Answer, ...]).validate_python(yaml.safe_load(text))


def main() -> None:
    folder = str(GOLDEN_FOLDER.relative_to(ROOT))
    done = subprocess.run(
        [str(CHECKOV), "--directory", folder, *OPTIONS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    try:
        audit = audit_of(json.loads(done.stdout), len(list(GOLDEN_FOLDER.rglob("*.yaml"))))
        answers = answers_of(ANSWERS.read_text(encoding="utf-8"))
    except ValidationError as error:
        sys.exit(f"{ANSWERS.relative_to(ROOT)} is wrong: {error}")
    except ValueError as error:
        sys.exit(f"checkov gave no usable report: {error}.\n{done.stderr.strip()}")
    problems = problems_of(audit.findings, answers)
    if problems:
        sys.exit("\n".join(problems))
    print(f"checkov: {audit.resources} resources checked, {len(audit.findings)} findings, each with an answer.")


if __name__ == "__main__":
    main()
