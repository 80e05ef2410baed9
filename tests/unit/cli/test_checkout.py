"""status compares each environment with this checkout: same, behind, ahead, or why that is not known."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cli import checkout
from cli.checkout import CACHE, INPUTS, Checkout, Comparison, read_checkout
from stacks.assets.release import Releases
from vectora_shared.errors import VectoraError

HERE, THERE = "a" * 64, "b" * 64
RELEASES = Releases(version="1.2.0", digests={"dev": HERE}, content_digest="c" * 64)
AUTHOR = {f"GIT_{who}_{what}": "somebody@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(root: Path, *arguments: str) -> str:
    environment = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, encoding="utf-8").stdout.strip()


def commit(root: Path, text: str) -> str:
    (root / "file").write_text(text, encoding="utf-8")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", text)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


def compared(
    root: Path, *, digest: str | None = THERE, version: str = "1.2.0", commit: str | None = None
) -> Comparison:
    here = Checkout(root=root, version="1.2.0", releases=RELEASES)
    return here.compare("dev", digest=digest, version=version, commit=commit)


def test_the_same_digest_is_the_same_release_whatever_commit_it_came_from(repository: Path) -> None:
    commit(repository, "one")
    assert compared(repository, digest=HERE, commit="f" * 40).sentence == "same as this checkout"


def test_an_ancestor_is_behind_by_so_many_commits(repository: Path) -> None:
    deployed = commit(repository, "one")
    commit(repository, "two")
    assert compared(repository, commit=deployed).sentence == "behind this checkout (1 commit)"
    commit(repository, "three")
    assert compared(repository, commit=deployed).sentence == "behind this checkout (2 commits)"


def test_a_descendant_is_ahead_by_so_many_commits(repository: Path) -> None:
    here = commit(repository, "one")
    deployed = commit(repository, "two")
    git(repository, "checkout", "--quiet", here)
    assert compared(repository, commit=deployed).sentence == "ahead of this checkout (1 commit)"


def test_a_commit_of_another_branch_differs(repository: Path) -> None:
    base = commit(repository, "one")
    deployed = commit(repository, "two")
    git(repository, "checkout", "--quiet", base)
    commit(repository, "other")
    assert (
        compared(repository, commit=deployed).sentence
        == "differs from this checkout (1 commits only here, 1 only there)"
    )


def test_changes_that_are_not_committed_are_named(repository: Path) -> None:
    deployed = commit(repository, "one")
    assert compared(repository, commit=deployed).state == "differs"
    (repository / "file").write_text("edited", encoding="utf-8")
    assert compared(repository, commit=deployed).sentence == "behind this checkout (changes that are not committed)"


def test_an_unknown_commit_is_to_be_fetched(repository: Path) -> None:
    commit(repository, "one")
    assert "commit ffffffffffff is not in this repository: git fetch" in compared(repository, commit="f" * 40).sentence


@pytest.mark.parametrize("hostile", ["--output=/tmp/x", "HEAD", "", "main", "[bold]"])
def test_what_is_no_commit_reaches_no_command(repository: Path, hostile: str) -> None:
    commit(repository, "one")
    assert compared(repository, commit=hostile).state == "differs"
    assert compared(repository, commit=hostile, version="1.1.0").state == "behind"


@pytest.mark.parametrize(
    ("version", "state"),
    [("1.1.9", "behind"), ("1.2.0-rc.1", "behind"), ("1.10.0", "ahead"), ("1.2.0", "differs"), ("nonsense", "differs")],
)
def test_without_git_versions_are_compared(tmp_path: Path, version: str, state: str) -> None:
    assert compared(tmp_path, version=version, commit="f" * 40).state == state


def test_what_is_not_known_is_said_with_its_reason(tmp_path: Path) -> None:
    assert compared(tmp_path, digest=None).sentence == "not compared with this checkout (no release is recorded)"
    here = Checkout(root=tmp_path, version="1.2.0", releases=None, problem="Node.js is missing: run make setup")
    unknown = here.compare("dev", digest=THERE, version="1.2.0", commit=None)
    assert unknown.sentence == "not compared with this checkout (Node.js is missing: run make setup)"


# --- the digests of this checkout


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose synthesis is counted instead of done."""
    for name in INPUTS:
        (tmp_path / name).write_text("1", encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text("## [1.2.0]\n", encoding="utf-8")
    monkeypatch.setattr(checkout, "_synthesized", lambda root: RELEASES)
    return tmp_path


def times_synthesized(root: Path) -> int:
    calls: list[None] = []
    assert read_checkout(root, lambda: calls.append(None)).releases == RELEASES
    return len(calls)


def test_a_checkout_is_synthesized_once_for_each_change(small: Path) -> None:
    assert [times_synthesized(small) for _ in range(2)] == [1, 0]
    for name in INPUTS:
        (small / name).write_text("2", encoding="utf-8")
        assert [times_synthesized(small) for _ in range(2)] == [1, 0], name
    (small / "README.md").write_text("new", encoding="utf-8")
    assert times_synthesized(small) == 0


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"inputs": "x"}', "\x00", '{"inputs": 1, "releases": []}'])
def test_a_damaged_cache_is_replaced(small: Path, damage: str) -> None:
    times_synthesized(small)
    (small / CACHE).write_text(damage, encoding="utf-8")
    assert [times_synthesized(small) for _ in range(2)] == [1, 0]


def test_a_folder_that_cannot_be_written_costs_a_synthesis_each_time(small: Path) -> None:
    (small / CACHE.parent).write_text("a file", encoding="utf-8")
    assert [times_synthesized(small) for _ in range(2)] == [1, 1]


def test_without_node_the_digests_are_unknown(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = read_checkout(small, lambda: pytest.fail("synthesized"))
    assert (found.version, found.releases) == ("1.2.0", None)
    assert found.problem == "Node.js is missing: run make setup"


def test_a_synthesis_that_fails_leaves_the_digests_unknown(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(root: Path) -> Releases:
        raise VectoraError("the synthesis failed: no space left on device")

    monkeypatch.setattr(checkout, "_synthesized", fail)
    assert read_checkout(small, lambda: None).problem == "the synthesis failed: no space left on device"
    assert not (small / CACHE).exists()


def test_the_digests_come_from_a_synthesis_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    script = tmp_path / "tools" / "release.py"
    document = {"version": "1.2.0", "digests": {"dev": HERE}, "content_digest": "c" * 64}
    script.write_text(f"print({json.dumps(document)!r})", encoding="utf-8")
    assert checkout._synthesized(tmp_path) == RELEASES
    script.write_text("import sys\nsys.exit('first line\\nconfig/environments.yaml is wrong')", encoding="utf-8")
    with pytest.raises(VectoraError, match="the synthesis failed: config/environments"):
        checkout._synthesized(tmp_path)
