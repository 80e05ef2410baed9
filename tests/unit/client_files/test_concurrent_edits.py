"""Concurrent edits: commands wait for each other, and no edit is overwritten."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import Result

from client_files.bump import bump_file
from client_files.migration import output_file
from client_files.migration.migrate import migrate
from client_files.write import edited
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_client
from vectora_shared.errors import ConfigurationError

Run = Callable[..., Result]
TODAY = date(2026, 11, 25)
OLD = Path(__file__).parent / "old"
PROCESSES = 4
BUMP = """
import sys
from datetime import date
from pathlib import Path
from client_files.bump import bump_file
bump_file(Path(sys.argv[1]), "minor", sys.argv[2], date(2026, 11, 25))
"""
# Only a limit for a test that hangs.
HANGS_AFTER_SECONDS = 600
CHANGED = "was changed by another program meanwhile: nothing was written, run the command again."


def _bump(path: Path, number: int) -> None:
    bump_file(path, "minor", f"edit {number}", TODAY)


def test_bumps_of_several_processes_at_the_same_time_all_count(config: Path) -> None:
    path = config / "clients/lai_weekly.yaml"
    before = load_client(FolderContent(config), "lai_weekly")
    processes = [
        subprocess.Popen([sys.executable, "-c", BUMP, str(path), f"edit {number}"]) for number in range(PROCESSES)
    ]
    assert [process.wait(HANGS_AFTER_SECONDS) for process in processes] == [0] * PROCESSES
    after = load_client(FolderContent(config), "lai_weekly")
    major, minor, _ = map(int, before.client_profile.version.split("."))
    assert after.client_profile.version == f"{major}.{minor + PROCESSES}.0"
    stories = [entry.changes for entry in after.metadata.changelog]
    assert sorted(stories[:PROCESSES]) == [f"edit {number}" for number in range(PROCESSES)]
    assert [entry.name for entry in (config / "clients").iterdir() if entry.suffix != ".yaml"] == []


def test_bumps_of_several_threads_all_count(config: Path) -> None:
    path = config / "clients/canary.yaml"
    count = len(load_client(FolderContent(config), "canary").metadata.changelog)
    threads = [threading.Thread(target=_bump, args=(path, number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANGS_AFTER_SECONDS)
    assert len(load_client(FolderContent(config), "canary").metadata.changelog) == count + 4


def test_a_change_saved_by_an_editor_is_not_overwritten(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config / "clients/lai_weekly.yaml"
    saved = path.read_bytes() + b"# saved by an editor\n"
    flush = os.fsync

    def save(descriptor: int) -> None:
        flush(descriptor)
        path.write_bytes(saved)

    monkeypatch.setattr(os, "fsync", save)
    result = run("bump", "lai_weekly", "--minor", "-m", "x")
    assert result.exit_code == 1
    assert result.output == f"{path} {CHANGED}\n"
    assert path.read_bytes() == saved
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["canary.yaml", "lai_weekly.yaml"]


def test_a_file_removed_meanwhile_is_not_written_again(config: Path) -> None:
    path = config / "clients/canary.yaml"
    with edited(path) as edit:
        path.unlink()
        with pytest.raises(ConfigurationError, match=CHANGED):
            edit.write(b"new")
    assert not path.exists()


def test_a_new_file_does_not_overwrite_one_created_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    with edited(path) as edit:
        assert edit.before is None
        path.write_bytes(b"of another program")
        with pytest.raises(ConfigurationError, match=CHANGED):
            edit.write(b"ours")
    assert path.read_bytes() == b"of another program"


def test_a_file_created_just_before_the_write_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new.yaml"
    with edited(path) as edit:
        monkeypatch.setattr(edit, "_require_unchanged", lambda: path.write_bytes(b"of another program"))
        with pytest.raises(ConfigurationError, match=CHANGED):
            edit.write(b"ours")
    assert path.read_bytes() == b"of another program"
    assert [entry.name for entry in tmp_path.iterdir()] == ["new.yaml"]


def test_a_migration_does_not_replace_a_file_saved_meanwhile(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = config / "clients/lai_weekly.yaml"
    old = next(path for path in sorted(OLD.iterdir()) if path.name.startswith("lai_weekly_v7"))

    def slowly(*arguments: object, **options: object) -> object:
        target.write_bytes(b"# saved by an editor\n")
        return migrate(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(output_file, "migrate", slowly)
    result = run("migrate", old, "--replace", "--client-id", "lai_weekly")
    assert result.exit_code == 1
    assert CHANGED in result.output
    assert target.read_bytes() == b"# saved by an editor\n"


def test_a_command_waits_for_the_edit_of_another(config: Path) -> None:
    path = config / "clients/canary.yaml"
    order: list[str] = []

    def second() -> None:
        _bump(path, 2)
        order.append("second")

    waiting = threading.Thread(target=second)
    with edited(path) as edit:
        waiting.start()
        waiting.join(0.2)
        order.append("first")
        edit.write(edit.read() + b"# first\n")
    waiting.join(HANGS_AFTER_SECONDS)
    assert order == ["first", "second"]
    assert b"# first\n" in path.read_bytes()


def test_a_link_is_kept_and_its_target_edited(config: Path, tmp_path: Path) -> None:
    path = config / "clients/canary.yaml"
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    count = len(load_client(FolderContent(config), "canary").metadata.changelog)
    _bump(link, 1)
    assert link.is_symlink()
    assert len(load_client(FolderContent(config), "canary").metadata.changelog) == count + 1


def test_circular_links_are_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    with pytest.raises(ConfigurationError, match=r"a\.yaml cannot be read"):
        _bump(tmp_path / "a.yaml", 1)


def test_the_mode_of_a_file_is_kept(config: Path) -> None:
    path = config / "clients/canary.yaml"
    path.chmod(0o640)
    _bump(path, 1)
    assert path.stat().st_mode & 0o777 == 0o640
