"""The commands on machines of other people: links, variables of other projects, other shells, other checkouts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rehearsal.repository import Repository
from tests.repository import ROOT

# Prints what it was started as, with which arguments, and the variables that it has.
PYTHON = '#!/bin/sh\nprintf "%s\\n" "$0" "$*"\nenv\n'
FOREIGN = {
    "CDPATH": "/tmp:/",
    "PYTHONHOME": "/nowhere",
    "PYTHONINSPECT": "1",
    "PYTHONOPTIMIZE": "2",
    "PYTHONPLATLIBDIR": "lib64",
    "PYTHONSAFEPATH": "1",
    "PYTHONSTARTUP": "/nowhere.py",
    "PYTHONUSERBASE": "/nowhere",
    "VIRTUAL_ENV": "/nowhere",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a path with spaces, with a Python that prints how it was started."""
    folder = tmp_path / "check out"
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    shutil.copy(ROOT / "vectora", folder)
    shutil.copy(ROOT / "tools" / "cdk", commands)
    (commands / "python").write_text(PYTHON, encoding="utf-8")
    (commands / "python").chmod(0o755)
    (folder / ".venv" / ".ready").touch()
    return folder


def started(command: list[str], folder: Path, **variables: str) -> list[str]:
    environment = {"PATH": os.defpath, **variables}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def assert_is_of(checkout: Path, lines: list[str], *, arguments: str = "-P -m cli a b") -> None:
    assert lines[:2] == [str(checkout.resolve() / ".venv" / "bin" / "python"), arguments]


def test_the_command_runs_from_any_folder(checkout: Path, tmp_path: Path) -> None:
    assert_is_of(checkout, started(["./vectora", "a", "b"], checkout))
    assert_is_of(checkout, started(["check out/vectora", "a", "b"], tmp_path, CDPATH=f"{tmp_path}:/"))
    assert_is_of(checkout, started(["sh", "vectora", "a", "b"], checkout, CDPATH="/"))
    assert_is_of(checkout, started(["vectora", "a", "b"], tmp_path, PATH=f"{checkout}:{os.defpath}"))


def test_the_command_runs_through_links(checkout: Path, tmp_path: Path) -> None:
    commands, elsewhere = tmp_path / "my bin", tmp_path / "far" / "away"
    commands.mkdir()
    elsewhere.mkdir(parents=True)
    (commands / "vectora").symlink_to(checkout / "vectora")
    (elsewhere / "relative").symlink_to("../../check out/vectora")
    (tmp_path / "near").symlink_to("far/away")
    # Through a folder that is a link: its `..` is another than that of its path.
    (commands / "-chain").symlink_to("../near/relative")
    assert_is_of(checkout, started(["vectora", "a", "b"], tmp_path, PATH=f"{commands}:{os.defpath}"))
    assert_is_of(checkout, started(["near/relative", "a", "b"], tmp_path, CDPATH="/tmp"))
    assert_is_of(checkout, started(["./-chain", "a", "b"], commands))
    (tmp_path / "folder").symlink_to(checkout)
    assert_is_of(checkout, started(["folder/vectora", "a", "b"], tmp_path))


@pytest.mark.parametrize("command", ["vectora", ".venv/bin/cdk"])
def test_variables_of_another_project_reach_no_python(checkout: Path, command: str) -> None:
    lines = started([str(checkout / command)], checkout, HOME="/h", PYTHONPATH="/nowhere", PYTHONUTF8="1", **FOREIGN)
    found = {line.partition("=")[0] for line in lines[2:]}
    assert found & {*FOREIGN, "PYTHONPATH"} == {"CDPATH"}
    assert {"HOME", "PYTHONUTF8"} <= found


def test_the_cdk_runs_through_a_link_and_in_a_checkout_with_a_linked_environment(
    checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "cdk").symlink_to("check out/.venv/bin/cdk")
    program = checkout.resolve() / "tools" / "cdk_command.py"
    assert_is_of(checkout, started(["./cdk", "ls"], tmp_path), arguments=f"{program} ls")
    other = tmp_path / "other"
    other.mkdir()
    (other / ".venv").symlink_to(checkout / ".venv")
    lines = started([str(other / ".venv/bin/cdk"), "ls"], tmp_path)
    assert lines[:2] == [str(other / ".venv/bin/python"), f"{other}/tools/cdk_command.py ls"]


@pytest.mark.parametrize(
    ("damage", "advice"),
    [(".venv/.ready", "is not set up yet: run 'make setup' in"), (".venv/bin/python", "run 'make clean setup' in")],
)
def test_a_checkout_that_is_not_set_up_says_what_to_do_and_where(checkout: Path, damage: str, advice: str) -> None:
    (checkout / damage).unlink()
    done = subprocess.run([str(checkout / "vectora")], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(f"{advice} {checkout.resolve()}{' first' if 'yet' in advice else ''}.\n")


def test_make_gives_no_variable_of_another_project_to_its_commands(tmp_path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (tmp_path / "Makefile").write_text(f"{makefile}\nshown:\n\t@env\n", encoding="utf-8")
    environment = {"PATH": os.defpath, "PYTHONPATH": "/nowhere", **FOREIGN}
    done = subprocess.run(
        ["make", "shown"], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=True
    )
    found = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert found & {*FOREIGN, "PYTHONPATH"} == {"CDPATH"}


def test_the_checks_of_ci_run_in_the_checkout_from_any_folder(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci")
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "$1 $PWD"\n', encoding="utf-8")
    make.chmod(0o755)
    expected = [f"check {checkout.resolve()}", f"test {checkout.resolve()}"]
    (tmp_path / "link").symlink_to(checkout / ".ci")
    for command, folder in ((".ci/run", checkout), ("../link/run", checkout), ("./run", checkout / ".ci")):
        assert started(["bash", command], folder, PATH=f"{tmp_path}:{os.defpath}", CDPATH=f"{tmp_path}:/") == expected


def test_a_real_command_runs_through_a_link_beside_modules_of_the_same_names(tmp_path: Path) -> None:
    for name in ("cli", "typer", "yaml"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')", encoding="utf-8")
    (tmp_path / "vectora").symlink_to(ROOT / "vectora")
    environment = {"PATH": os.defpath, "PYTHONPATH": str(tmp_path), "LC_ALL": "C", "TERM": "dumb", **FOREIGN}
    command = [str(tmp_path / "vectora"), "client", "list", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"lai_weekly"' in done.stdout


def test_a_rehearsal_within_a_hook_commits_to_its_own_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, hook = tmp_path / "root", tmp_path / "hook"
    root.mkdir()
    (root / "file").write_text("1", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(hook)], check=True)
    for variable, path in {"GIT_DIR": ".git", "GIT_WORK_TREE": "", "GIT_INDEX_FILE": ".git/index"}.items():
        monkeypatch.setenv(variable, str(hook / path))
    repository = Repository(root, tmp_path / "copy")
    assert (tmp_path / "copy" / ".git" / "HEAD").exists()
    assert len(repository.push("again", lambda folder: None)) == 40
    assert [path.name for path in hook.iterdir()] == [".git"]
    assert not (hook / ".git" / "index").exists()


def _tracked() -> list[str]:
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.rstrip("\0").split("\0")


def test_no_two_paths_differ_only_by_case_or_notation() -> None:
    """File systems of macOS and Windows have one file for such paths, and Windows refuses some characters and names."""
    tracked = _tracked()
    folders = {str(parent) for path in tracked for parent in Path(path).parents}
    every = sorted({*tracked, *folders})
    assert len({path.casefold() for path in every}) == len(every)
    assert [path for path in every if not path.isascii() or set(path) & set('<>:"|?*\\') or path.endswith(" ")] == []
    reserved = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
    assert [path for path in every if Path(path).stem.casefold() in reserved] == []


def test_every_checkout_has_the_same_bytes_whatever_git_is_told_about_line_ends(tmp_path: Path) -> None:
    """Git for Windows sets core.autocrlf; digests of releases depend on the bytes."""
    kinds = {Path(path).suffix or path: path for path in _tracked() if (ROOT / path).is_file()}
    source = tmp_path / "source"
    for path in {".gitattributes", *kinds.values()}:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, source / path)
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "all")):
        subprocess.run(["git", "-C", str(source), *identity, *arguments], check=True, capture_output=True)
    for number, setting in enumerate(("core.autocrlf=true", "core.eol=crlf", "core.autocrlf=input")):
        clone = tmp_path / f"clone {number}"
        command = ["git", "-c", setting, "clone", "--quiet", "-c", setting, str(source), str(clone)]
        subprocess.run(command, check=True, capture_output=True)
        for path in kinds.values():
            assert (clone / path).read_bytes() == (ROOT / path).read_bytes(), (path, setting)
