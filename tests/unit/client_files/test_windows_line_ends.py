"""A checkout by a git of Windows has the same bytes, and client files may have the line ends of Windows."""

from __future__ import annotations

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from client_files.bump import bump_file
from tests.repository import ROOT
from vectora_shared.config.changes import changes_between
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_file

FILE = "config/clients/lai_weekly.yaml"
# As Git for Windows sets it by default.
CONVERTING = ("-c", "core.autocrlf=true")


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def windows_file(tmp_path: Path) -> Path:
    path = tmp_path / "my clients" / Path(FILE).name
    path.parent.mkdir()
    path.write_bytes((ROOT / FILE).read_bytes().replace(b"\n", b"\r\n"))
    return path


def test_a_clone_that_would_convert_line_ends_has_the_same_bytes_in_a_path_with_spaces(tmp_path: Path) -> None:
    original, clone = tmp_path / "original", tmp_path / "my work" / "vectora inbox"
    names = (".gitattributes", "vectora", "Makefile", FILE, "docs/images/newsletter.png")
    for name in names:
        (original / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, original / name)
    git(original, "init", "--quiet")
    git(original, *CONVERTING, "add", "--all")
    git(original, "commit", "--quiet", "--message", "first")
    clone.parent.mkdir()
    git(tmp_path, "clone", "--quiet", *CONVERTING, str(original), str(clone))
    assert [name for name in names if (clone / name).read_bytes() != (ROOT / name).read_bytes()] == []


def test_line_ends_of_windows_change_nothing_in_a_client_file(windows_file: Path) -> None:
    ours, theirs = (read_file(ClientConfig, FILE, path.read_bytes()) for path in (ROOT / FILE, windows_file))
    assert changes_between(ours, theirs) == ()


def test_raising_the_version_keeps_the_line_ends_of_the_file(windows_file: Path) -> None:
    bumped = bump_file(windows_file, "minor", "from Windows", date(2026, 11, 26))
    content = windows_file.read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert read_file(ClientConfig, FILE, content).client_profile.version == bumped.after
