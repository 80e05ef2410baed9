"""Rules of the repository that no tool checks."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import ROOT

LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-emulator.txt",
    "requirements-bench.txt",
    "lambda_src/requirements.txt",
)


def test_a_package_file_in_constructs_stops_the_tests_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "constructs").mkdir()
    (tmp_path / "constructs" / "__init__.py").touch()
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(tmp_path / "tests"),
        "--rootdir",
        str(tmp_path),
        "-p",
        "no:cacheprovider",
    ]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "constructs/__init__.py exists: it hides the package" in result.stdout + result.stderr


@pytest.mark.parametrize("name", LOCKS)
def test_locks_have_hashes_and_no_registry(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9.\[\]_-]+==", text, flags=re.MULTILINE | re.IGNORECASE)
    blocks = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(pins) == len(blocks)
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text


def test_the_cdk_cli_is_pinned_to_its_own_line() -> None:
    package = (ROOT / "package.json").read_text(encoding="utf-8")
    assert re.search(r'"aws-cdk": "2\.1\d{3}\.\d+"', package), "npm's latest tag is an accidental 3.0.0"
    assert "://" not in (ROOT / "package-lock.json").read_text(encoding="utf-8")


def test_no_folder_of_tests_is_a_package() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("folder", [ROOT, ROOT / "docs"])
def test_the_environment_imports_our_packages_without_hiding_the_library(folder: Path) -> None:
    program = (
        "import constructs, vectora_constructs; print(constructs.__file__, vectora_constructs.__file__, sep='\\n')"
    )
    command = [sys.executable, "-I", "-c", program]
    printed = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=True).stdout
    library, ours = printed.splitlines()
    assert "site-packages" in library
    assert Path(ours).is_relative_to(ROOT / "constructs")
