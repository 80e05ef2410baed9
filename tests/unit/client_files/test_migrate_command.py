"""`./vectora client migrate`: output, protection of existing files, and one sentence for bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration

OLD = Path(__file__).parent / "old"
Run = Callable[..., Result]
Change = Callable[..., Path]
V4, V6 = OLD / "lai_weekly_v4.yaml", OLD / "lai_weekly_v6.yaml"
TEXT = V4.read_text(encoding="utf-8")


@pytest.fixture
def empty(config: Path) -> Path:
    """Return the configuration folder without the client's file."""
    (config / "clients" / "lai_weekly.yaml").unlink()
    return config


def test_old_files_become_one_file_of_the_client(run: Run, empty: Path) -> None:
    result = run("migrate", V4, V6)
    assert result.exit_code == 0, result.output
    found = load_configuration(FolderContent(empty), "lai_weekly").client
    assert found.client_profile.version == "7.0.0"
    for text in ("lai_weekly_v4.yaml: ", "superseded by those of lai_weekly_v6", "lai_weekly 7.0.0 is written to"):
        assert text in result.output
    assert sorted(path.name for path in (empty / "clients").iterdir()) == ["canary.yaml", "lai_weekly.yaml"]


def test_the_report_has_field_line_outcome_and_reason(run: Run, empty: Path) -> None:
    lines = run("migrate", V6).output.splitlines()
    row = next(line for line in lines if line.startswith("client_profile.voice"))
    number = next(n for n, line in enumerate(V6.read_text().splitlines(), 1) if "voice" in line)
    assert row.split()[1] == str(number)
    assert "dropped" in row
    assert "no release used a voice" in row


def test_json_lists_every_field(run: Run, empty: Path) -> None:
    result = run("migrate", V6, "--json")
    document = json.loads(result.stdout)
    assert document["written"] is True
    assert (document["client_id"], document["version"], document["problems"]) == ("lai_weekly", "7.0.0", [])
    assert document["output"] == str(empty / "clients" / "lai_weekly.yaml")
    assert {"path", "line", "reason", "file", "value"} <= set(document["dropped"][0])
    assert {"carried", "changed", "added", "dropped", "kept_as_comments", "superseded"} <= set(document)


def test_an_existing_file_is_kept_without_replace(run: Run, config: Path) -> None:
    path = config / "clients" / "lai_weekly.yaml"
    before = path.read_bytes()
    result = run("migrate", V6)
    assert result.exit_code == 1
    assert "--replace" in result.output
    assert "--output" in result.output
    assert path.read_bytes() == before
    assert run("migrate", V6, "--replace").exit_code == 0
    found = load_configuration(FolderContent(config), "lai_weekly").client
    assert found.client_profile.version == f"{int(_major(before)) + 1}.0.0"
    assert {entry.version for entry in found.metadata.changelog} >= {"7.0.0", "6.0.0"}


def _major(body: bytes) -> str:
    return body.decode().split('  version: "', 1)[1].split(".", 1)[0]


def test_a_dry_run_writes_nothing(run: Run, config: Path) -> None:
    before = {path: path.read_bytes() for path in config.rglob("*") if path.is_file()}
    result = run("migrate", V6, "--dry-run")
    assert result.exit_code == 0
    assert "would be written to" in result.output
    assert "give --replace" in result.output
    assert {path: path.read_bytes() for path in config.rglob("*") if path.is_file()} == before


def test_the_output_may_be_a_file_or_a_folder(run: Run, config: Path, tmp_path: Path) -> None:
    assert run("migrate", V6, "--output", tmp_path / "new.yaml").exit_code == 0
    assert run("migrate", V6, "--output", tmp_path, "--client-id", "other_weekly").exit_code == 0
    assert {path.name for path in tmp_path.glob("*.yaml")} == {"new.yaml", "other_weekly.yaml"}


def test_neither_an_old_file_nor_another_clients_file_is_overwritten(run: Run, config: Path, changed: Change) -> None:
    path = changed("lai_weekly_v6.yaml")
    result = run("migrate", path, "--output", path, "--replace")
    assert (result.exit_code, path.read_bytes()) == (1, V6.read_bytes())
    result = run("migrate", path, "--output", config / "clients" / "canary.yaml", "--replace")
    assert result.exit_code == 1
    assert "is the file of canary" in result.output


def test_files_of_different_clients_need_a_common_id(run: Run, empty: Path) -> None:
    result = run("migrate", V6, OLD / "tech_weekly_template.yaml")
    assert result.exit_code == 1
    assert "different clients" in result.output
    assert run("migrate", V6, OLD / "tech_weekly_template.yaml", "--client-id", "lai_weekly").exit_code == 0


def test_a_file_of_the_current_form_is_refused(run: Run, config: Path) -> None:
    result = run("migrate", config / "clients" / "lai_weekly.yaml")
    assert result.exit_code == 1
    assert "already has the current form" in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize("content", [TEXT.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + TEXT.encode()])
def test_windows_line_ends_and_a_byte_order_mark_are_read(
    run: Run, empty: Path, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "lai_weekly_v4.yaml"
    path.write_bytes(content)
    assert run("migrate", path).exit_code == 0
    written = (empty / "clients" / "lai_weekly.yaml").read_bytes()
    run("migrate", V4, "--output", tmp_path / "plain.yaml")
    assert written == (tmp_path / "plain.yaml").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: the file is empty"),
        (b"# only a comment\n", "line 1: the file is empty"),
        (b"just a text\n", "mapping of keys"),
        (b"- a\n- b\n", "mapping of keys"),
        (TEXT.replace("  language", "\tlanguage").encode(), "not valid YAML"),
        (TEXT.replace('  voice: "concise"', '  name: "again"').encode(), "line "),
        (TEXT.replace("client_profile:\n", "client_profile: [\n").encode(), "line "),
        (TEXT.replace("concise", "conc\xefse").encode("latin-1", "ignore"), "is not UTF-8"),
        (bytes(range(256)) * 4, "is not UTF-8"),
        (b"PK\x03\x04\x00\x00\x00\x00", "line 1, column 3: U+0003 (a control character) is not allowed"),
        (b"a: 1\n---\nb: 2\n", "line "),
        (b"other: 1\n", "there is no client_profile.client_id"),
        (b"client_profile: [1]\n", "there is no client_profile.client_id"),
        (b"client_profile: {client_id: 7}\n", "there is no client_profile.client_id"),
        (b"client_profile: {client_id: x_v1}\nwatch_domains: {a: 1}\n", "a list is required"),
        (b"client_profile: {client_id: x_v1}\nwatch_domains: [a]\n", "a mapping of keys is required"),
        (b"client_profile: {client_id: x_v1}\nmetadata: text\n", "a mapping of keys is required"),
        (b"client_profile: {client_id: x_v1}\n", "is missing: a newsletter needs at least one domain"),
        (b"a: &x [*x]\nclient_profile: {client_id: x_v1}\n", "line 1"),
        (b"? [a, b]\n: c\n", "line 1"),
        (b"a: !!python/object:os.system x\n", "line 1"),
        (b"[" * 5000, "nested more than"),
        (b"<<: {a: 1}\nclient_profile: {client_id: x_v1}\n", "line 1"),
        (
            "client_profile:\n  client_id: x\u2028y\n".encode(),
            "line 2, column 15: U+2028 (LINE SEPARATOR) is an invisible line end",
        ),
    ],
)
def test_bad_input_is_one_sentence_with_the_file_and_nothing_is_written(
    run: Run, empty: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "old.yaml"
    path.write_bytes(content)
    result = run("migrate", path)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert str(path) in result.output
    assert message in result.output
    assert "Traceback" not in result.output
    assert [entry.name for entry in (empty / "clients").iterdir()] == ["canary.yaml"]


@pytest.mark.parametrize(
    ("name", "reason"), [("missing.yaml", " is missing: add the file."), (".", " cannot be read (Is a directory): ")]
)
def test_a_missing_file_is_named(run: Run, empty: Path, tmp_path: Path, name: str, reason: str) -> None:
    result = run("migrate", tmp_path / name)
    assert result.exit_code == 1
    assert f"{tmp_path / name}{reason}" in result.output


def test_a_missing_folder_is_named(run: Run, empty: Path, tmp_path: Path) -> None:
    result = run("migrate", V6, "--output", tmp_path / "no" / "such.yaml")
    assert result.exit_code == 1
    assert "cannot be written: No such file or directory" in result.output


def test_with_problems_nothing_is_written_and_the_json_has_them(run: Run, empty: Path, changed: Change) -> None:
    path = changed("lai_weekly_v6.yaml", ('"lai_keywords"', '"lai_keyword"'))
    result = run("migrate", path)
    assert result.exit_code == 1
    assert "did you mean 'lai_keywords'?" in result.output
    assert "Nothing was written." in result.output
    result = run("migrate", path, "--json")
    assert result.exit_code == 1
    assert "lai_keyword" in json.loads(result.stdout)["problems"][0]
    assert [entry.name for entry in (empty / "clients").iterdir()] == ["canary.yaml"]


def test_env_and_move_data_require_each_other(run: Run, empty: Path) -> None:
    for option in (["--move-data"], ["--env", "dev"]):
        result = run("migrate", V6, *option)
        assert result.exit_code == 1
        assert "both --env and --move-data" in result.output
