"""Stored findings of cfn-lint are those of the same template and the same release only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cfnlint.api
import pytest

from tests.stacks.linting import findings

GOOD: dict[str, Any] = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
BAD: dict[str, Any] = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicNam": "t"}}}}


def _count_lints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    linted: list[str] = []
    original = cfnlint.api.lint

    def counted(text: str, **options: Any) -> Any:
        linted.append(text)
        return original(text, **options)

    monkeypatch.setattr(cfnlint.api, "lint", counted)
    return linted


def test_a_template_that_was_linted_is_not_linted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linted = _count_lints(monkeypatch)
    assert findings(GOOD, tmp_path) == findings(GOOD, tmp_path) == []
    assert len(linted) == 1


def test_a_changed_template_and_another_release_are_linted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    findings(GOOD, tmp_path)
    linted = _count_lints(monkeypatch)
    assert findings(BAD, tmp_path)
    findings(GOOD, tmp_path, release="another")
    assert len(linted) == 2


def test_a_finding_is_found_each_time(tmp_path: Path) -> None:
    first = findings(BAD, tmp_path)
    assert "TopicNam" in first[0]
    assert findings(BAD, tmp_path) == first


def test_a_file_that_was_cut_short_is_replaced(tmp_path: Path) -> None:
    findings(BAD, tmp_path)
    [file] = tmp_path.iterdir()
    file.write_text("[", encoding="utf-8")
    assert findings(BAD, tmp_path)
    assert file.read_text(encoding="utf-8") != "["
