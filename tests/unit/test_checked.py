"""A check that passed runs again as soon as something that it reads has changed, and a failed one always."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.checked import KEPT, VERDICTS, check

COUNT = "from pathlib import Path; f = Path('build/runs'); f.write_text(f.read_text() + 'x')"
COMMAND = (sys.executable, "-c", COUNT)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "runs").write_text("", encoding="utf-8")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("a = 1", encoding="utf-8")
    return tmp_path


def _runs(root: Path) -> int:
    return len((root / "build" / "runs").read_text(encoding="utf-8"))


def test_the_same_content_is_checked_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [check(root, "types", COMMAND) for _ in range(3)] == [0, 0, 0]
    assert _runs(root) == 1
    assert "types: passed before" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["code/a.py", "code/new.py", ".gitignore", "docs/page.md"])
def test_any_changed_or_new_file_is_checked(root: Path, name: str) -> None:
    check(root, "types", COMMAND)
    file = root / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("changed", encoding="utf-8")
    check(root, "types", COMMAND)
    assert _runs(root) == 2


def test_a_file_that_is_moved_or_removed_is_checked(root: Path) -> None:
    check(root, "types", COMMAND)
    (root / "code" / "a.py").rename(root / "code" / "b.py")
    check(root, "types", COMMAND)
    (root / "code" / "b.py").unlink()
    check(root, "types", COMMAND)
    assert _runs(root) == 3


def test_results_of_builds_are_no_content(root: Path) -> None:
    check(root, "types", COMMAND)
    for folder in ("build", "cdk.out", "code/__pycache__", ".mypy_cache", ".import_linter_cache", ".git"):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "result").write_text("new", encoding="utf-8")
    check(root, "types", COMMAND)
    assert _runs(root) == 1


def test_a_verdict_is_stored_although_another_check_writes_its_first_cache_meanwhile(root: Path) -> None:
    beside = "Path('.import_linter_cache').mkdir(exist_ok=True); Path('.import_linter_cache/a').write_text('new')"
    command = (sys.executable, "-c", f"{COUNT}; {beside}")
    assert [check(root, "types", command) for _ in range(2)] == [0, 0]
    assert _runs(root) == 1


def test_the_content_of_an_earlier_commit_is_still_known(root: Path) -> None:
    check(root, "types", COMMAND)
    (root / "code" / "a.py").write_text("a = 2", encoding="utf-8")
    check(root, "types", COMMAND)
    (root / "code" / "a.py").write_text("a = 1", encoding="utf-8")
    check(root, "types", COMMAND)
    assert _runs(root) == 2


def test_another_command_or_another_check_is_run(root: Path) -> None:
    check(root, "types", COMMAND)
    check(root, "template-rules", COMMAND)
    check(root, "types", (*COMMAND, "--strict"))
    assert _runs(root) == 3


def test_a_failed_check_fails_each_time(root: Path) -> None:
    failing = (sys.executable, "-c", f"{COUNT}; raise SystemExit(3)")
    assert [check(root, "types", failing) for _ in range(2)] == [3, 3]
    assert _runs(root) == 2


def test_a_file_that_changes_during_the_check_gives_no_verdict(root: Path) -> None:
    changing = (sys.executable, "-c", f"{COUNT}; Path('code/a.py').write_text('a = ' + f.read_text())")
    check(root, "types", changing)
    check(root, "types", changing)
    assert _runs(root) == 2


def test_old_verdicts_are_removed(root: Path) -> None:
    for number in range(KEPT + 3):
        (root / "code" / "a.py").write_text(f"a = {number}", encoding="utf-8")
        check(root, "types", (sys.executable, "-c", ""))
    assert len((root / VERDICTS / "types").read_text(encoding="ascii").split()) == KEPT
