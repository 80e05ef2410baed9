"""Names of a downloaded list that the engine does not know are shown, and nothing is copied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.compare_link_rules import main


def test_only_unknown_names_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = {
        "data": [{"stripList": ["gclid", "newtracker"], "id": "ignored"}],
        "providers": {"x": {"rules": ["utm_id", "a(b)?"]}},
    }
    (tmp_path / "records.json").write_text(json.dumps(records), encoding="utf-8")
    (tmp_path / "list.go").write_text(
        'var known = map[string]bool{"fbclid": true, "other_one": true}', encoding="utf-8"
    )

    assert main([str(tmp_path / "records.json"), str(tmp_path / "list.go")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "records.json: 1 of 3 names are not in the engine's rules.",
        "  newtracker",
        "list.go: 1 of 2 names are not in the engine's rules.",
        "  other_one",
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "missing.json")]) == 1
    assert "missing.json cannot be read" in capsys.readouterr().err
