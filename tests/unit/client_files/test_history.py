"""The history of client files: a git that refuses, or a history that is cut, is never taken for no history."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from checkout.git import Git
from cli.checkout import Checkout
from client_files.history import History
from stacks.assets.release import Releases
from stacks.assets.version import version_of
from vectora_shared.errors import VectoraError

FILE = "config/clients/a.yaml"
OTHERS = "GIT_TEST_ASSUME_DIFFERENT_OWNER"
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "protocol.file.allow=always")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.strip()


def write(folder: Path, text: str, path: str = FILE) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")


def commit(folder: Path, text: str) -> str:
    write(folder, text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", text)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def commits() -> list[str]:
    return []


@pytest.fixture
def checkout(tmp_path: Path, commits: list[str]) -> Path:
    folder = tmp_path / "check out"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "CHANGELOG.md").write_text("## [1.2.3]\n", encoding="utf-8")
    commits += [commit(folder, text) for text in ("one", "two")]
    return folder


def refusal(checkout: Path, branch: str = "main") -> str:
    with pytest.raises(VectoraError) as caught:
        History(checkout).base_commit(branch)
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    return said


# Shell commands that damage a repository, and a part of what is said about it.
DAMAGES = {
    "HEAD is empty": (": > .git/HEAD", "not a git repository"),
    "HEAD names a lost commit": ("printf %040d 1 > .git/HEAD", "names no commit"),
    "HEAD names a lost branch": ("git symbolic-ref HEAD refs/heads/x", "names no commit"),
    "the folder is empty": ("rm -r .git && mkdir .git", "not a git repository"),
    "a link to nothing": ("rm -r .git && ln -s nowhere .git", "not a git repository"),
    "a worktree whose repository is gone": ("rm -r .git && echo gitdir: /no/where > .git", "not a git repository"),
    "the settings are damaged": ("echo '[core' > .git/config", "bad config line 1"),
    "the index is damaged": ("printf %099d 1 > .git/index", "index"),
    "a bare repository": ("git config core.bare true", "work tree"),
    "another work tree": ("git config core.worktree /", "takes / for the top"),
    "objects are lost": ("rm -r .git/objects", "not a git repository"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_repository_that_git_does_not_read_fails_the_check_with_the_reason(checkout: Path, name: str) -> None:
    damage, part = DAMAGES[name]
    subprocess.run(["sh", "-c", damage], cwd=checkout, check=True)
    assert part in refusal(checkout)


def test_a_checkout_of_another_owner_fails_the_check_with_gits_advice(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OTHERS, "1")
    said = refusal(checkout)
    assert "detected dubious ownership in repository" in said
    assert "git config --global --add safe.directory" in said


def test_a_trusted_owner_is_no_refusal(checkout: Path, commits: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OTHERS, "1")
    settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    for variable, value in settings.items():
        monkeypatch.setenv(variable, value)
    assert History(checkout).base_commit("main") == commits[0]


def test_without_git_the_check_fails(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(checkout) == "git is missing: install it (on Debian and Ubuntu: apt-get install git)."
    command = tmp_path / "git"
    command.write_text("#!/no/such/interpreter\n", encoding="utf-8")
    command.chmod(stat.S_IRWXU)
    assert refusal(checkout).startswith("git ")


def test_a_folder_that_is_no_repository_has_no_base(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = checkout / "build" / "source"
    write(inner, "one")
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))
    assert History(inner).base_commit("main") is None


def test_before_the_first_commit_there_is_no_base(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    assert History(tmp_path).base_commit("main") is None


def test_the_first_commit_has_no_base(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path, "one")
    assert History(tmp_path).base_commit("main") is None


@pytest.mark.parametrize("branch", ["nowhere", "", "-x", "--all", "origin/nowhere", "main..main", "main:config"])
def test_an_unknown_base_fails_the_check(checkout: Path, branch: str) -> None:
    assert f"no branch or commit '{branch}'" in refusal(checkout, branch)


def test_a_base_without_a_common_commit_fails_the_check(checkout: Path) -> None:
    git(checkout, "switch", "--quiet", "--orphan", "other")
    commit(checkout, "other")
    assert "no branch or commit 'main' that this checkout is based on" in refusal(checkout)


def test_a_shallow_clone_names_the_way_to_compare(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", checkout.as_uri(), "shallow")
    history = History(tmp_path / "shallow")
    assert history.base_commit("main") is None
    assert "versions were not compared with main" in history.why_no_base("main")
    assert "git fetch --unshallow" in history.why_no_base("main")
    assert "git fetch --unshallow" in refusal(tmp_path / "shallow", "nowhere")
    write(tmp_path / "shallow", "three")
    assert History(tmp_path / "shallow").base_commit("main") == git(checkout, "rev-parse", "HEAD")


def test_a_cut_history_is_not_searched_for_a_common_commit(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "switch", "--quiet", "--create", "edit", "HEAD^")
    commit(checkout, "three")
    git(tmp_path, "clone", "--quiet", "--no-single-branch", "--depth=2", checkout.as_uri(), "cut")
    assert "is not sure: fetch the whole history" in refusal(tmp_path / "cut")
    git(tmp_path / "cut", "fetch", "--quiet", "--unshallow")
    assert History(tmp_path / "cut").base_commit("main") == git(checkout, "merge-base", "main", "edit")


def test_variables_of_a_hook_do_not_lead_to_another_repository(
    checkout: Path, commits: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet", "other")
    commit(tmp_path / "other", "other")
    for variable, value in {"GIT_DIR": ".git", "GIT_WORK_TREE": ".", "GIT_INDEX_FILE": ".git/index"}.items():
        monkeypatch.setenv(variable, str(tmp_path / "other" / value))
    assert History(checkout).base_commit("main") == commits[0]


def test_a_worktree_and_a_submodule_have_their_history(
    checkout: Path, commits: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(checkout, "worktree", "add", "--quiet", "-b", "edit", str(tmp_path / "worktree"))
    assert History(tmp_path / "worktree").base_commit("main") == commits[0]
    git(tmp_path, "init", "--quiet", "super")
    git(tmp_path / "super", "submodule", "--quiet", "add", checkout.as_uri(), "inner")
    assert History(tmp_path / "super" / "inner").base_commit("main") == commits[0]


def test_another_command_that_holds_the_index_is_no_failure(checkout: Path, commits: list[str]) -> None:
    (checkout / ".git" / "index.lock").touch()
    assert History(checkout).base_commit("main") == commits[0]
    os.utime(checkout / FILE, (1, 1))
    assert History(checkout).base_commit("main") == commits[0]


def test_settings_of_the_user_change_no_answer(
    checkout: Path, commits: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings"
    settings.write_text(
        "[color]\nui = always\n[column]\nui = always\n[log]\nshowSignature = true\n[status]\nbranch = true\n"
        "[core]\nquotePath = true\npager = false\nautocrlf = true\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    for tag in ("v1.3.0", "v1.4.0"):
        git(checkout, "tag", tag)
    write(checkout, "new", "config/clients/été.yaml")
    git(checkout, "add", "--all")
    last = commit(checkout, "three")
    assert History(checkout).base_commit("main") == commits[1]
    assert History(checkout).commits_of(FILE) == [last, commits[1], commits[0]]
    assert dict(History(checkout).clients_of_commit(last)) == {"a": b"three", "été": b"new"}
    git(checkout, "switch", "--quiet", "--detach", commits[1])
    assert version_of(checkout) == "1.4.0"


def test_a_file_is_read_through_a_link_inside_the_repository(checkout: Path) -> None:
    clients = checkout / "config" / "clients"
    write(checkout, "shared", "shared/b.yaml")
    (clients / "b.yaml").symlink_to("../../shared/b.yaml")
    (clients / "c.yaml").symlink_to("/etc/hostname")
    (clients / "d.yaml").symlink_to("nothing.yaml")
    last = commit(checkout, "links")
    assert dict(History(checkout).clients_of_commit(last)) == {"a": b"links", "b": b"shared"}
    assert History(checkout).file(last, "config/clients/none.yaml") is None


def test_content_that_git_has_lost_is_no_new_file(checkout: Path) -> None:
    last = git(checkout, "rev-parse", "HEAD")
    blob = git(checkout, "rev-parse", f"HEAD:{FILE}")
    (checkout / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(VectoraError, match=f"git has lost the content of {FILE}"):
        list(History(checkout).clients_of_commit(last))


def test_git_that_refuses_is_the_reason_wherever_a_checkout_is_compared(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OTHERS, "1")
    here = Checkout(root=checkout, version="1.2.3", releases=Releases(version="1.2.3", digests={"dev": "a" * 64}))
    compared = here.compare("dev", digest="b" * 64, version="1.2.3", commit="f" * 40)
    assert "dubious ownership" in compared.sentence
    with pytest.raises(VectoraError, match="dubious ownership"):
        version_of(checkout)


def test_an_answer_of_no_is_told_from_a_failure(checkout: Path) -> None:
    assert Git(checkout).answer("rev-parse", "--verify", "--quiet", "none") is None
    with pytest.raises(VectoraError, match=r"git cat-file failed in .*: Not a valid object name none"):
        Git(checkout).answer("cat-file", "-p", "none")
