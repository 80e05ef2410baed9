"""Generated reference pages: current, complete, and the same on every machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cli.operator_policy import POLICY_FILE
from tests.repository import ROOT
from tools.completion_table import COMPLETION_TABLE
from tools.write_cli_reference import CLI_REFERENCE, POLICY_REFERENCE, commands, reference_pages


@pytest.mark.parametrize("path", [CLI_REFERENCE, POLICY_REFERENCE, COMPLETION_TABLE])
def test_a_page_is_that_of_the_code(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == reference_pages()[path], f"{path} is stale: run make templates"


def test_every_command_has_its_section_with_every_option() -> None:
    page = reference_pages()[CLI_REFERENCE]

    for command in commands():
        section = page.partition(f"# {command.words}\n")[2].partition("\n#")[0]
        assert f"```sh\n{command.words}" in section
        for parameter in command.command.params:
            assert parameter.opts[-1].replace("-", "_").upper() in section.replace("-", "_").upper()


def test_every_statement_of_the_policy_has_its_section() -> None:
    page = reference_pages()[POLICY_REFERENCE]
    policy = json.loads((ROOT / POLICY_FILE).read_text(encoding="utf-8"))

    assert [f"### {each['Sid']}" for each in policy["Statement"]] == [
        line for line in page.splitlines() if line.startswith("### ")
    ]


def test_pages_do_not_depend_on_the_terminal() -> None:
    program = "from tools.write_cli_reference import reference_pages; print(reference_pages(), end='')"
    environment = {**os.environ, "COLUMNS": "40", "TERM": "dumb"}

    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout

    assert printed == str(reference_pages())
