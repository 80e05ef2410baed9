"""Stack selection of `cdk`: all stacks when none is named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.cdk_command import JSII_PACKAGES, OPTIONS_WITH_VALUE, cli_environment, names_a_stack

CDK = Path(sys.executable).parent / "cdk"


@pytest.mark.parametrize(
    "arguments",
    [
        "--context env=stage",
        "-c env=stage --require-approval never",
        "--context=env=stage --outputs-file out.json",
        "--profile vectora --context env=prod --verbose",
        "",
    ],
)
def test_options_and_their_values_are_not_stack_names(arguments: str) -> None:
    assert not names_a_stack(arguments.split())


@pytest.mark.parametrize(
    "arguments",
    [
        "vectora-inbox-s0-core-stage --context env=stage",
        "--context env=stage vectora-inbox-s0-core-stage",
        "--verbose 'vectora-inbox-s1-*'",
    ],
)
def test_any_other_word_is_a_stack_name(arguments: str) -> None:
    assert names_a_stack(arguments.split())


def _options_with_value(command: str) -> set[str]:
    """Return the options that the CLI's help shows as string, array or number."""
    text = subprocess.run([CDK, command, "--help"], capture_output=True, encoding="utf-8", check=True).stdout
    entries = re.split(r"\n(?=  {1,3}-)", text.partition("Options:")[2])
    taking = [entry for entry in entries if re.search(r"\[(string|array|number)\]", entry)]
    return {name for entry in taking for name in re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", _names_column(entry))}


def _names_column(entry: str) -> str:
    # The help is a table: long names continue in the first column of the next line.
    lines = entry.splitlines()
    first = re.match(r"\s*-.*?\S(?=\s{2,}\S|$)\s*", lines[0])
    assert first, entry
    return "".join(line[: first.end()].strip() for line in lines).replace(",", ", ")


def test_the_table_of_options_is_that_of_the_pinned_cli() -> None:
    of_the_cli = {name for command in ("deploy", "diff", "synth", "destroy") for name in _options_with_value(command)}
    assert of_the_cli == OPTIONS_WITH_VALUE, "correct OPTIONS_WITH_VALUE in tools/cdk_command.py"


def test_the_users_own_folder_for_the_librarys_packages_has_priority() -> None:
    variable = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"
    assert cli_environment(["synth"], {})[variable] == str(JSII_PACKAGES)
    assert cli_environment(["synth"], {variable: "/elsewhere"})[variable] == "/elsewhere"


def test_a_build_with_a_new_home_folder_does_not_unpack_the_library_again(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("JSII_RUNTIME_PACKAGE_CACHE_ROOT", None)
    subprocess.run([CDK, "list", "--context", "env=dev"], env=environment, capture_output=True, check=True)
    assert list(JSII_PACKAGES.glob("aws-cdk-lib/*"))
    assert not list(tmp_path.rglob("aws-cdk-lib"))


def test_without_an_environment_the_app_is_the_pipeline() -> None:
    result = subprocess.run([CDK, "list"], capture_output=True, encoding="utf-8", check=True)
    first, *others = result.stdout.splitlines()
    assert first.split()[0] == "vectora-inbox-pipeline"
    assert all(each.startswith("vectora-inbox-pipeline/") for each in others)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["deploy", "--context", "env=qa"], "There is no environment 'qa': choose one of dev, stage, prod."),
        (["synth", "--context", "env=dev", "--context", "lambda-platform=x86"], "choose lambda (the default) or host"),
    ],
)
def test_an_unknown_environment_is_reported_in_one_sentence(arguments: list[str], sentence: str) -> None:
    result = subprocess.run([CDK, *arguments], capture_output=True, encoding="utf-8", check=False)
    assert result.returncode != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
