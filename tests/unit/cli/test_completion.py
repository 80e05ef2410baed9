"""Completion of command lines by a shell, and the version."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.__main__ import app
from cli.complete import TABLE, completions
from cli.shell_completion import BASH, SCRIPTS
from stacks.assets.version import version_of
from tests.repository import ROOT

CONFIG = ROOT / "config"
COMMAND_LINE = json.loads(TABLE.read_text(encoding="utf-8"))
# Calls the function of the script as bash does: with the words of the line and the position of the cursor.
PRESS_TAB = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
$(complete -p vectora | sed 's/.*-F \\([^ ]*\\) .*/\\1/') "$1"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def _completed(*words: str) -> list[str]:
    return completions(COMMAND_LINE, words, CONFIG)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("sta",), ["status"]),
        (("snapshot", "p"), ["pin", "prune"]),
        (("snapshot", "show", ""), ["latest"]),
        (("status", "--e"), ["--env"]),
        (("status", "--env", ""), ["dev", "stage", "prod"]),
        (
            (
                "status",
                "--env=s",
            ),
            ["--env=stage"],
        ),
        (("status", "--env", "=", "s"), ["--env=stage"]),
        (("client", "promote", "lai_weekly", "--from", "stage", "--to", "p"), ["prod"]),
        (("run", "lai"), ["lai_weekly"]),
        (("run", "--env", "dev", "lai"), ["lai_weekly"]),
        (("rollback", "--components", "stacks,fu"), ["stacks,functions"]),
        (("rollback", "--snapshot", ""), ["latest"]),
        (("source", "check", "--source", "press_sector__fierceb"), ["press_sector__fiercebiotech"]),
        (("newsletter", "open", "lai_weekly", "--format", "e"), ["eml"]),
        (("unknown", ""), []),
        (("snapshot", "unknown", "--"), []),
    ],
)
def test_a_word_is_completed(words: tuple[str, ...], expected: list[str]) -> None:
    assert _completed(*words) == expected


def test_the_first_word_is_a_command() -> None:
    assert _completed("") == list(COMMAND_LINE["commands"])


@settings(deadline=None)
@given(st.lists(st.sampled_from(["run", "snapshot", "show", "--env", "--env=", "=", "-", "--", "dev", ""]) | st.text()))
def test_any_words_are_completed_without_an_error(words: list[str]) -> None:
    assert all(isinstance(each, str) for each in _completed(*words))


def test_the_program_completes_without_importing_commands() -> None:
    program = "import runpy, sys; runpy.run_module('cli.complete', run_name='__main__'); print('MODULES', *sys.modules)"
    command = [sys.executable, "-P", "-c", program, "run", "lai"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    found, _, modules = output.partition("MODULES")
    assert found == "lai_weekly\n"
    assert {"typer", "boto3", "botocore", "pydantic", "aws_cdk", "rich"}.isdisjoint(modules.split())


def test_a_checkout_that_cannot_be_read_completes_nothing_and_prints_no_error(tmp_path: Path) -> None:
    program = tmp_path / "complete.py"
    shutil.copy(ROOT / "cli/complete.py", program)
    run = subprocess.run([sys.executable, str(program), ""], capture_output=True, encoding="utf-8", check=True)
    assert (run.stdout, run.stderr) == ("", "")


@pytest.mark.parametrize("is_link", [False, True])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("status", "--env", "st"), ["stage"]),
        (("status", "--env", "=", "st"), ["stage"]),
        (("client", "show", "lai"), ["lai_weekly"]),
        (("nonsense", ""), [""]),
    ],
)
def test_bash_completes_the_launcher_and_a_link_to_it(
    tmp_path: Path, words: tuple[str, ...], expected: list[str], is_link: bool
) -> None:
    script, program = tmp_path / "completion.bash", ROOT / "vectora"
    script.write_text(BASH, encoding="utf-8")
    if is_link:
        program = tmp_path / "bin with space" / "vectora"
        program.parent.mkdir()
        program.symlink_to(ROOT / "vectora")
    command = ["bash", "--norc", "-c", PRESS_TAB, "bash", str(script), str(program), *words]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert (run.stdout.splitlines(), run.stderr) == (expected, "")


def test_a_program_that_is_gone_completes_nothing_and_prints_no_error(tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(BASH, encoding="utf-8")
    command = ["bash", "--norc", "-c", PRESS_TAB, "bash", str(script), "~/no/vectora", "sta"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env={**os.environ})
    assert (run.stdout.strip(), run.stderr) == ("", "")


@pytest.mark.parametrize("shell", [shell for shell in SCRIPTS if shutil.which(shell)])
def test_an_installed_shell_accepts_its_script(shell: str) -> None:
    printed = CliRunner().invoke(app, ["completion", shell])
    assert printed.exit_code == 0
    subprocess.run([shell, "-n"], input=printed.stdout, encoding="utf-8", check=True)


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_calls_the_typed_program_and_hides_its_errors(shell: str) -> None:
    printed = CliRunner().invoke(app, ["completion", shell]).stdout
    assert "__complete" in printed
    assert "2>/dev/null" in printed
    assert str(ROOT) not in printed


def test_an_unknown_shell_is_refused_with_the_known_ones() -> None:
    result = CliRunner().invoke(app, ["completion", "fsh"])
    assert (result.exit_code, result.stderr.strip()) == (
        2,
        "There is no shell 'fsh': did you mean 'fish'? Choose one of bash, zsh, fish.",
    )


def test_the_version_is_that_of_the_checkout() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Vectora Inbox {version_of(ROOT)}")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("statsu",), "There is no command 'statsu': did you mean 'status'?"),
        (("snapshot", "sohw"), "There is no command 'sohw': did you mean 'show'?"),
        (("status", "--evn", "dev"), "There is no option '--evn': did you mean '--env'?"),
        (("--versoin",), "There is no option '--versoin': did you mean '--version'?"),
    ],
)
def test_an_unknown_command_or_option_is_answered_with_the_closest(words: tuple[str, ...], sentence: str) -> None:
    result = CliRunner().invoke(app, list(words))
    assert (result.exit_code, sentence in result.output) == (2, True)
