"""bump derives the next version from the changes in git's history, and refuses one that is too low."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from cli.client import bump
from tests.repository import ROOT

Run = Callable[..., Result]
FILE = Path("config/clients/lai_weekly.yaml")
VERSION = (ROOT / FILE).read_text(encoding="utf-8").partition('version: "')[2].partition('"')[0]
NEXT = int(VERSION.partition(".")[0]) + 1
# An edit of the file, and the part of the version that it moves.
EDITS = {
    "patch": ("# LAI Intelligence", "# The LAI Intelligence"),
    "minor": ("max_items_total: 20", "max_items_total: 19"),
    "major": ("      max_items: 6", "      max_items: 5"),
}
ORDER = list(EDITS)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@localhost", *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.strip()


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a change")


@pytest.fixture
def checkout(config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with this configuration in its first commit, which the command uses."""
    root = config.parent
    monkeypatch.setattr(bump, "ROOT", root)
    git(root, "init", "--quiet", "--initial-branch", "main")
    commit(root)
    return root


def edit(checkout: Path, kind: str) -> None:
    before, after = EDITS[kind]
    text = (checkout / FILE).read_text(encoding="utf-8")
    assert before in text
    (checkout / FILE).write_text(text.replace(before, after, 1), encoding="utf-8")


def versions(run: Run, *arguments: str) -> tuple[str, str, str]:
    result = run("bump", "lai_weekly", "-m", "A reason", "--json", *arguments)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    return document["bump"], document["from"], document["to"]


def refusal(run: Run, checkout: Path, *arguments: str) -> str:
    before = (checkout / FILE).read_bytes()
    result = run("bump", "lai_weekly", "-m", "A reason", *arguments)
    assert result.exit_code == 1, result.output
    assert (checkout / FILE).read_bytes() == before
    assert len(result.output.strip().splitlines()) == 1
    return result.output


@pytest.mark.parametrize("kind", ORDER)
@pytest.mark.parametrize("committed", [False, True])
def test_without_an_option_the_version_moves_as_far_as_the_changes_require(
    run: Run, checkout: Path, kind: str, committed: bool
) -> None:
    git(checkout, "switch", "--quiet", "--create", "work")
    edit(checkout, kind)
    if committed:
        commit(checkout)
    assert versions(run)[0] == kind


@pytest.mark.parametrize("kind", ORDER)
@pytest.mark.parametrize("wish", ORDER)
def test_a_lower_part_is_refused_with_the_reason_and_a_higher_one_is_allowed(
    run: Run, checkout: Path, kind: str, wish: str
) -> None:
    edit(checkout, kind)
    if ORDER.index(wish) >= ORDER.index(kind):
        assert versions(run, f"--{wish}")[0] == wish
        return
    said = refusal(run, checkout, f"--{wish}")
    assert f"it differs from the last commit, which has version {VERSION}, and the change is " in said
    assert f"or later: use --{kind}." in said


def test_the_refusal_names_the_keys_that_decide(run: Run, checkout: Path) -> None:
    edit(checkout, "minor")
    edit(checkout, "major")
    said = refusal(run, checkout, "--minor")
    assert f"newsletter_layout.sections.regulatory_updates.max_items; it must be {NEXT}.0.0 or later" in said
    assert "max_items_total" not in said


def test_changes_of_several_commits_count_together(run: Run, checkout: Path) -> None:
    git(checkout, "switch", "--quiet", "--create", "work")
    edit(checkout, "major")
    commit(checkout)
    edit(checkout, "patch")
    assert "it differs from main (" in refusal(run, checkout, "--patch")
    assert versions(run) == ("major", VERSION, f"{NEXT}.0.0")


def test_a_version_that_was_raised_far_enough_moves_no_further_than_needed(run: Run, checkout: Path) -> None:
    edit(checkout, "major")
    assert versions(run) == ("major", VERSION, f"{NEXT}.0.0")
    edit(checkout, "patch")
    assert versions(run) == ("patch", f"{NEXT}.0.0", f"{NEXT}.0.1")
    commit(checkout)
    edit(checkout, "minor")
    assert versions(run) == ("minor", f"{NEXT}.0.1", f"{NEXT}.1.0")


def test_a_file_without_a_change_needs_the_part_from_the_person(run: Run, checkout: Path) -> None:
    git(checkout, "switch", "--quiet", "--create", "work")
    assert "is as in the last commit: choose" in refusal(run, checkout)
    assert versions(run, "--minor")[0] == "minor"


def test_a_version_below_that_of_the_base_is_named(run: Run, checkout: Path) -> None:
    path = checkout / FILE
    path.write_text(path.read_text(encoding="utf-8").replace(VERSION, "5.0.0"), encoding="utf-8")
    older = path.read_text(encoding="utf-8").split('    - version: "')[:2]
    path.write_text('    - version: "'.join(older), encoding="utf-8")
    assert "would have version 6.0.0, but it differs" in refusal(run, checkout, "--major")
    assert f"set the version to {VERSION} first" in refusal(run, checkout)


def test_a_history_that_cannot_be_read_is_no_missing_history(
    run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(checkout, "major")
    assert "no branch or commit 'nowhere'" in refusal(run, checkout, "--patch", "--base", "nowhere")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert "dubious ownership" in refusal(run, checkout, "--patch")


def test_a_new_client_and_a_file_elsewhere_have_nothing_to_be_compared_with(
    run: Run, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "lai_weekly.yaml"
    elsewhere.write_bytes((checkout / FILE).read_bytes())
    result = run("bump", str(elsewhere), "-m", "A reason")
    assert "There is no earlier version to compare" in result.output
    assert run("bump", str(elsewhere), "--patch", "-m", "A reason").exit_code == 0


def test_an_earlier_file_of_another_schema_decides_nothing(run: Run, checkout: Path) -> None:
    text = (checkout / FILE).read_text(encoding="utf-8")
    (checkout / FILE).write_text(f"{text}old_key: 1\n", encoding="utf-8")
    commit(checkout)
    (checkout / FILE).write_text(text, encoding="utf-8")
    edit(checkout, "major")
    assert versions(run, "--patch")[0] == "patch"
