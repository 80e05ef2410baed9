"""Error messages on the page of troubleshooting exist in the code, in these words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.repository import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
SOURCES = ("lambda_src", "cli", "client_files", "stacks", "constructs", "rehearsal", "tools", "checkout", "terminal")
FIRST_CELL = re.compile(r"^\| `([^`]+)`", re.MULTILINE)
# Messages of AWS and the CDK are not this repository's.
FOREIGN = re.compile(r"^Of CloudFormation and the CDK:$.*?^## ", re.MULTILINE | re.DOTALL)
PLACEHOLDER = "…"


def listed_messages() -> list[str]:
    return FIRST_CELL.findall(FOREIGN.sub("## ", PAGE.read_text(encoding="utf-8")))


def texts_of(module: str) -> Iterator[str]:
    """Yield each string of a module; parts of f-strings that vary are placeholders."""
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else PLACEHOLDER for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.fixture(scope="module")
def texts_in_code() -> list[str]:
    files = (file for source in SOURCES for file in (ROOT / source).rglob("*.py"))
    return [text for file in files for text in texts_of(file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("message", listed_messages())
def test_a_listed_message_is_one_of_the_code(message: str, texts_in_code: list[str]) -> None:
    words = re.compile(".*?".join(map(re.escape, message.split(PLACEHOLDER))), re.DOTALL)

    assert any(words.search(text) for text in texts_in_code), (
        f"No message of the code has the words '{message}': correct {PAGE.relative_to(ROOT)}."
    )


def test_the_page_lists_messages() -> None:
    assert len(listed_messages()) > 50
