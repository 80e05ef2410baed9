"""Audit of a release: known vulnerabilities of its locked packages, by pip-audit and npm audit.

A package that could not be looked up is not audited, for any reason: pip-audit itself succeeds when the index does
not know a package, or when a mirror answers in the place of the index.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from tools.supply_chain.inventory import LAYER_LOCK, NPM_LOCK, TOOLS_LOCKS
from tools.supply_chain.settings import SETTINGS_FILE, Answer

# One request for each package.
LONGEST_AUDIT_SECONDS, LONGEST_ANSWER_SECONDS = 300, 15
LONGEST_REASON = 200
State = Literal["audited", "not audited"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A known vulnerability of a locked package; `answer` is the reason why the release may have it."""

    ecosystem: Literal["pypi", "npm"]
    package: str
    version: str
    id: str
    aliases: tuple[str, ...] = ()
    fixed_in: tuple[str, ...] = ()
    answer: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        return (self.id, *self.aliases)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The result of all audits; `reasons` say why some packages were not audited."""

    findings: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        return "not audited" if self.reasons else "audited"

    @property
    def unanswered(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.answer is None)

    def as_json(self) -> str:
        return json.dumps({"state": self.state, **asdict(self)}, indent=2) + "\n"


def audit(root: Path, answers: Sequence[Answer], today: date) -> Audit:
    """Return what is known about the packages of all lock files that a release is built from."""
    both = (audit_of_python(root), audit_of_npm(root))
    findings = (finding for each in both for finding in each.findings)
    return Audit(
        findings=tuple(_answered(each, answers, today) for each in findings),
        reasons=tuple(reason for each in both for reason in each.reasons),
    )


def audit_of_python(root: Path) -> Audit:
    locks = [argument for lock in (LAYER_LOCK, *TOOLS_LOCKS) for argument in ("--requirement", lock)]
    with tempfile.TemporaryDirectory() as cache:
        # An answer of yesterday must not stand for one of today.
        options = (
            "--format=json",
            "--progress-spinner=off",
            f"--timeout={LONGEST_ANSWER_SECONDS}",
            f"--cache-dir={cache}",
        )
        command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", *options, *locks]
        answer = _output("pip-audit", command, root)
    if isinstance(answer, Audit):
        return answer
    dependencies = answer.get("dependencies")
    if not isinstance(dependencies, list) or not dependencies:
        return _not_audited("pip-audit", "its answer names no package")
    skipped = [str(each["skip_reason"]) for each in dependencies if "skip_reason" in each]
    findings = tuple(
        Finding(
            ecosystem="pypi",
            package=each["name"],
            version=each["version"],
            id=known["id"],
            aliases=tuple(known.get("aliases", ())),
            fixed_in=tuple(known.get("fix_versions", ())),
        )
        for each in dependencies
        for known in each.get("vulns", ())
    )
    reason = f"{len(skipped)} of {len(dependencies)} packages were skipped: {skipped[0]}" if skipped else ""
    return replace(_not_audited("pip-audit", reason) if skipped else Audit(), findings=findings)


def audit_of_npm(root: Path) -> Audit:
    npm = Path(sys.executable).parent / "npm"
    command = [str(npm), "audit", "--json", "--package-lock-only", "--include=dev", "--fetch-retries=1"]
    answer = _output("npm audit", command, root)
    if isinstance(answer, Audit):
        return answer
    if not isinstance(answer.get("vulnerabilities"), dict):
        return _not_audited("npm audit", str(answer.get("message") or answer.get("error") or "its answer has no list"))
    versions = _npm_versions(root)
    return Audit(
        findings=tuple(
            Finding(
                ecosystem="npm",
                package=name,
                version=versions.get(name, str(entry.get("range", ""))),
                id=str(known.get("url", known.get("source", ""))).rpartition("/")[2],
            )
            for name, entry in sorted(answer["vulnerabilities"].items())
            for known in entry.get("via", ())
            if isinstance(known, dict)
        )
    )


def _npm_versions(root: Path) -> dict[str, str]:
    packages = json.loads((root / NPM_LOCK).read_text(encoding="utf-8"))["packages"]
    return {path.rpartition("node_modules/")[2]: str(entry.get("version", "")) for path, entry in packages.items()}


def _output(tool: str, command: Sequence[str], root: Path) -> dict[str, Any] | Audit:
    """Return the JSON that a command prints, or why there is none: both tools fail when they find something, too."""
    try:
        result = subprocess.run(
            command, cwd=root, capture_output=True, encoding="utf-8", check=False, timeout=LONGEST_AUDIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return _not_audited(tool, f"it took longer than {LONGEST_AUDIT_SECONDS} seconds")
    try:
        document = json.loads(result.stdout)
    except ValueError:
        lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
        return _not_audited(tool, lines[-1] if lines else f"it printed nothing (exit code {result.returncode})")
    return document if isinstance(document, dict) else _not_audited(tool, "its answer is no JSON object")


def _not_audited(tool: str, reason: str) -> Audit:
    return Audit(reasons=(f"{tool}: {' '.join(reason.split())[:LONGEST_REASON]}",))


def _answered(finding: Finding, answers: Iterable[Answer], today: date) -> Finding:
    fitting = (each for each in answers if each.id in finding.ids and each.package == finding.package)
    valid = next((each for each in fitting if today <= each.last_day), None)
    return replace(finding, answer=f"{valid.reason} (until {valid.until})") if valid else finding


def sentences(result: Audit, answers: Sequence[Answer], today: date) -> Iterator[str]:
    """Yield what the audit found, for people: what stops the build first."""
    for each in result.unanswered:
        fixed = f"fixed in {', '.join(each.fixed_in)}" if each.fixed_in else "no version fixes it yet"
        expired = any(answer.id in each.ids and today > answer.last_day for answer in answers)
        otherwise = f"its answer in {SETTINGS_FILE} has expired" if expired else f"or answer it in {SETTINGS_FILE}"
        yield (
            f"{each.package} {each.version} ({each.ecosystem}) has the known vulnerability {each.id}, {fixed}: update "
            f"it (make lock), {otherwise}."
        )
    for each in result.findings:
        if each.answer:
            yield f"{each.package} {each.version} has {each.id}, which is answered: {each.answer}."
    for reason in result.reasons:
        yield f"Not audited: {reason}"
    if result.state == "audited":
        found = {known for each in result.findings for known in each.ids}
        for answer in answers:
            if answer.id not in found:
                yield f"{SETTINGS_FILE}: no locked package has {answer.id} any more: remove its answer."
