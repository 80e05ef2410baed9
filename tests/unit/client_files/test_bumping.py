"""`./vectora client bump`: the next version and a changelog entry; nothing else changes."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import Result

from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_client
from vectora_shared.config.section import read_section
from vectora_shared.config.yaml_file import parse_yaml

Run = Callable[..., Result]


def client(config: Path) -> ClientConfig:
    return load_client(FolderContent(config), "lai_weekly")


@pytest.mark.parametrize(("how", "index"), [("--major", 0), ("--minor", 1), ("--patch", 2)])
def test_the_version_is_raised_in_all_three_fields(run: Run, config: Path, how: str, index: int) -> None:
    before = client(config).client_profile.version
    result = run("bump", "lai_weekly", how, "-m", "Deals of hybrid companies")
    assert result.exit_code == 0, result.output
    after = client(config)
    parts = [int(part) for part in before.split(".")]
    expected = [*parts[:index], parts[index] + 1, *[0] * (2 - index)]
    entry = after.metadata.changelog[0]
    assert entry.version == after.metadata.config_version == ".".join(map(str, expected))
    assert (entry.date, entry.changes) == (datetime.now(UTC).date().isoformat(), "Deals of hybrid companies")
    assert len(after.metadata.changelog) > 1
    assert before in result.output
    assert entry.version in result.output


@pytest.mark.parametrize("name", ["lai_weekly", "canary"])
def test_no_other_line_changes(run: Run, config: Path, name: str) -> None:
    path = config / "clients" / f"{name}.yaml"
    before = path.read_text().splitlines()
    assert run("bump", name, "--minor", "-m", 'Quotes " and: colons # here').exit_code == 0
    after = path.read_text().splitlines()
    changes = [line for line in difflib.ndiff(before, after) if line[0] in "-+"]
    keys = [(line[0], line[1:].split(":")[0].strip(" -")) for line in changes]
    raised = [("-", "version"), ("+", "version"), ("-", "config_version"), ("+", "config_version")]
    entry = [("+", "version"), ("+", "date"), ("+", "changes")]
    assert sorted(keys) == sorted([*raised, *entry])


def test_line_ends_and_unusual_layouts_are_kept(run: Run, config: Path, tmp_path: Path) -> None:
    text = (config / "clients" / "canary.yaml").read_text()
    text = text.replace("exclusion_scopes: [recruitment]", "exclusion_scopes: [recruitment,\n       people]   ")
    path = tmp_path / "odd.yaml"
    path.write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    before = path.read_bytes().split(b"\r\n")
    result = run("bump", str(path), "--patch", "-m", "x")
    assert result.exit_code == 0, result.output
    after = path.read_bytes().split(b"\r\n")
    assert len(after) == len(before) + 3
    assert sum(line not in after for line in before) == 2
    assert b"\n" not in b"".join(after)


def test_json_has_the_versions_and_the_file(run: Run, config: Path) -> None:
    before = client(config).client_profile.version
    result = run("bump", "lai_weekly", "--minor", "-m", "x", "--json")
    document = json.loads(result.stdout)
    assert document == {
        "client_id": "lai_weekly",
        "from": before,
        "to": client(config).client_profile.version,
        "bump": "minor",
        "file": str(config / "clients" / "lai_weekly.yaml"),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["lai_weekly", "-m", "x"],
            "lai_weekly.yaml with: choose the next version with exactly one of --major, --minor",
        ),
        (["lai_weekly", "--major", "--minor", "-m", "x"], "exactly one of --major, --minor and --patch"),
        (["lai_weekly", "--minor"], "Say what changed"),
        (["lai_weekly", "--minor", "-m", "  "], "Say what changed"),
        (["lai_weekly", "--minor", "-m", "one\ntwo"], "one line"),
        (["lai_weekli", "--minor", "-m", "x"], "lai_weekly"),
        (["missing.yaml", "--minor", "-m", "x"], "missing.yaml is missing: add the file."),
    ],
)
def test_bad_input_is_reported_in_one_sentence(run: Run, config: Path, arguments: list[str], message: str) -> None:
    before = (config / "clients" / "lai_weekly.yaml").read_bytes()
    result = run("bump", *arguments)
    assert result.exit_code == 1
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert (config / "clients" / "lai_weekly.yaml").read_bytes() == before


def test_an_invalid_file_is_named_and_not_changed(run: Run, config: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    body = (config / "clients" / "canary.yaml").read_text().replace("frequency: daily", "frequency: hourly")
    path.write_text(body)
    result = run("bump", path, "--minor", "-m", "x")
    assert result.exit_code == 1
    assert f"{path}, line" in result.output
    assert "frequency" in result.output
    assert path.read_text() == body
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["broken.yaml", "config"]


def test_a_changelog_in_brackets_gets_the_entry(run: Run, config: Path, tmp_path: Path) -> None:
    text = (config / "clients" / "canary.yaml").read_text()
    version = load_client(FolderContent(config), "canary").client_profile.version
    entry = f'{{version: "{version}", date: "2026-11-24", changes: First}}'
    path = tmp_path / "flow.yaml"
    path.write_text(
        f'{text[: text.index("metadata:")]}metadata: {{config_version: "{version}", changelog: [{entry}]}}\n'
    )
    assert run("bump", path, "--minor", "-m", "x").exit_code == 0
    after = read_section(ClientConfig, parse_yaml("x", path.read_bytes()))
    assert [entry.version for entry in after.metadata.changelog][1:] == [version]
