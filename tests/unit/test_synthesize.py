"""An assembly is copied when everything that it depends on is as before, and synthesized otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from checkout.git import environment_of_git
from tools.synthesize import ASSEMBLIES, DEFAULTS, KEPT, synthesize

# Counts its runs beside the checkout, and writes an assembly with the content of a file.
PROGRAM = """
import pathlib, sys
folder = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
folder.mkdir(exist_ok=True)
content = pathlib.Path("code.txt").read_text()
(folder / "manifest.json").write_text(content)
runs = pathlib.Path("build") / "runs"
runs.write_text(runs.read_text() + "x")
sys.exit(content == "bad")
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root, home = tmp_path / "checkout", tmp_path / "home"
    (root / "build").mkdir(parents=True)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (root / "build" / "runs").write_text("", encoding="utf-8")
    (root / "code.txt").write_text("first", encoding="utf-8")
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## [1.0.0] - 2026-01-01\n", encoding="utf-8")
    return root


def _synthesize(root: Path, *arguments: str) -> str:
    """Return the assembly, in a folder of its own."""
    output = root.parent / f"assembly-{len(list(root.parent.iterdir()))}"
    assert synthesize(root, [sys.executable, "-c", PROGRAM, *arguments], output) == 0
    return (output / "manifest.json").read_text(encoding="utf-8")


def _runs(root: Path) -> int:
    return len((root / "build" / "runs").read_text(encoding="utf-8"))


def test_the_same_content_is_synthesized_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [_synthesize(root) for _ in range(3)] == ["first"] * 3
    assert _runs(root) == 1
    assert "was synthesized before" in capsys.readouterr().out


def test_other_content_is_synthesized_and_earlier_content_is_still_known(root: Path) -> None:
    _synthesize(root)
    (root / "code.txt").write_text("second", encoding="utf-8")
    assert _synthesize(root) == "second"
    (root / "code.txt").write_text("first", encoding="utf-8")
    assert _synthesize(root) == "first"
    assert _runs(root) == 2


def test_each_setting_of_the_cli_has_its_own_assembly(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _synthesize(root)
    _synthesize(root, "--context", "env=dev")
    (root.parent / "home" / DEFAULTS).write_text('{"context": {"lambda-platform": "host"}}', encoding="utf-8")
    _synthesize(root)
    monkeypatch.setenv("CDK_CONTEXT_JSON", "{}")
    _synthesize(root)
    cli = root / "node_modules" / "aws-cdk" / "package.json"
    cli.parent.mkdir(parents=True)
    cli.write_text('{"version": "2.0.0"}', encoding="utf-8")
    _synthesize(root)
    assert _runs(root) == 5


def test_a_tag_of_the_commit_names_another_version_and_is_synthesized(root: Path) -> None:
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    environment = environment_of_git()
    for command in (["init", "--quiet"], ["add", "code.txt"], ["commit", "--quiet", "--message", "First"]):
        subprocess.run([*git, *command], env=environment, check=True)
    _synthesize(root)
    subprocess.run([*git, "tag", "v2.0.0"], env=environment, check=True)
    _synthesize(root)
    assert _runs(root) == 2


def test_a_failed_synthesis_fails_each_time(root: Path) -> None:
    (root / "code.txt").write_text("bad", encoding="utf-8")
    command = [sys.executable, "-c", PROGRAM]
    assert [synthesize(root, command, root.parent / "assembly") for _ in range(2)] == [1, 1]
    assert _runs(root) == 2
    assert list((root / ASSEMBLIES).iterdir()) == []


def test_an_assembly_that_a_reader_changes_is_whole_the_next_time(root: Path) -> None:
    output = root.parent / "assembly"
    for _ in range(3):
        assert synthesize(root, [sys.executable, "-c", PROGRAM], output) == 0
        assert (output / "manifest.json").read_text(encoding="utf-8") == "first"
        (output / "manifest.json").write_text("changed", encoding="utf-8")


def test_the_assemblies_that_were_not_used_for_longest_are_removed(root: Path) -> None:
    for number in range(KEPT + 2):
        (root / "code.txt").write_text(str(number), encoding="utf-8")
        _synthesize(root)
    assert len(list((root / ASSEMBLIES).iterdir())) == KEPT
    _synthesize(root)
    assert _runs(root) == KEPT + 2


def test_content_that_changes_during_the_synthesis_is_not_stored(root: Path) -> None:
    changing = PROGRAM.replace("runs =", "pathlib.Path('code.txt').write_text('later')\nruns =")
    assert synthesize(root, [sys.executable, "-c", changing], root.parent / "assembly") == 0
    assert list((root / ASSEMBLIES).iterdir()) == []
