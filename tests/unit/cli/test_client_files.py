"""Commands on client files without an environment: list, show, validate, diff."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.client import client_file, diff, show, validate
from tests.repository import ROOT

VERSION = (ROOT / "config/clients/lai_weekly.yaml").read_text(encoding="utf-8").partition('version: "')[2][:5]
Run = Callable[..., Result]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with this configuration in its first commit, which the commands use."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    for module in (client_file, show):
        monkeypatch.setattr(module, "CONFIG", tmp_path / "config")
    for module in (client_file, validate):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    _git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    _commit(tmp_path, "first")
    return tmp_path


@pytest.fixture
def client(checkout: Path) -> Run:
    app = typer.Typer()
    app.command("list")(show.list_clients)
    app.command()(show.show)
    app.command()(validate.validate)
    app.command()(diff.diff)

    def call(command: str, *arguments: str) -> Result:
        config = ("--config", str(checkout / "config")) if command != "diff" else ()
        result = CliRunner().invoke(app, [command, *arguments, *config])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, encoding="utf-8"
    ).stdout.strip()


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", message)


def _edit(checkout: Path, old: str, new: str, file: str = "lai_weekly") -> None:
    path = checkout / "config/clients" / f"{file}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_clients_are_listed_and_described(client: Run) -> None:
    listed = client("list")
    assert "lai_weekly" in listed.output
    assert "canary" in listed.output
    document = json.loads(client("list", "--json").stdout)
    assert [each["client_id"] for each in document["clients"]] == ["canary", "lai_weekly"]
    shown = client("show", "lai_weekly").output
    for words in ("LAI Intelligence Weekly", "lai_press_mvp", "Long-acting injectables", "Job offers", "Other Signals"):
        assert words in shown
    assert "Sweden" in shown, "the sources' notes are shown"
    assert json.loads(client("show", "lai_weekly", "--json").stdout)["client_profile"]["client_id"] == "lai_weekly"


def test_an_unknown_client_is_reported_with_the_closest_name(client: Run) -> None:
    refused = client("show", "lai_weekyl")
    assert refused.exit_code == 1
    assert "There is no client 'lai_weekyl' in config/: did you mean 'lai_weekly'?" in refused.output


def test_a_valid_configuration_is_reported_with_its_versions(client: Run) -> None:
    assert "Valid: canary 1." in client("validate").output
    document = json.loads(client("validate", "--json").stdout)
    assert (document["valid"], document["problems"], document["clients"]["lai_weekly"]) == (True, [], VERSION)


def test_all_problems_of_all_files_are_reported_together(client: Run, checkout: Path) -> None:
    _edit(checkout, "technology_scope: lai_keywords", "technology_scope: lai_keyword")
    _edit(checkout, "frequency: daily", "frequency: dayly", "canary")
    refused = client("validate")
    assert refused.exit_code == 3
    assert "names 'lai_keyword', which canonical/scopes/technologies.yaml does not have: did you mean" in refused.output
    assert "key 'client_profile.frequency' has the value 'dayly': did you mean 'daily'?" in refused.output
    document = json.loads(client("validate", "--json").stdout)
    assert (document["valid"], len(document["problems"])) == (False, 2)


def test_a_file_outside_config_is_reported_under_its_own_name(client: Run, checkout: Path) -> None:
    elsewhere = checkout / "draft.yaml"
    text = (checkout / "config/clients/lai_weekly.yaml").read_text(encoding="utf-8")
    elsewhere.write_text(text, encoding="utf-8")
    assert client("validate", str(elsewhere)).exit_code == 0
    elsewhere.write_text(text.replace("technology_scope: lai_", "technology_scope: lia_"), encoding="utf-8")
    assert f"{elsewhere}, line " in client("validate", str(elsewhere)).output.replace("\n", "")
    elsewhere.write_text(text.replace("sort_by: score_desc", "sort_by: score", 1), encoding="utf-8")
    refused = client("validate", str(elsewhere))
    assert refused.exit_code == 3
    assert f"{elsewhere}, line " in refused.output.replace("\n", "")
    missing = client("validate", str(checkout / "nothing.yaml"))
    assert missing.exit_code == 3
    assert "nothing.yaml is missing: add the file." in missing.output.replace("\n", "")


def test_a_client_id_that_is_too_long_for_a_schedule_is_reported_with_the_limit(client: Run, checkout: Path) -> None:
    clients = checkout / "config" / "clients"
    text = (clients / "lai_weekly.yaml").read_text(encoding="utf-8")
    longest = 36
    for length in (longest, longest + 1):
        client_id = "c" * length
        (clients / f"{client_id}.yaml").write_text(text.replace("lai_weekly", client_id), encoding="utf-8")
    result = client("validate", "--json")
    [problem] = json.loads(result.stdout)["problems"]
    assert result.exit_code == 3
    assert f"'{'c' * (longest + 1)}' has {longest + 1} characters" in problem
    assert f"at most 64. Use an id of at most {longest} characters." in problem


def test_a_changed_file_with_its_old_version_fails_against_the_base_branch(client: Run, checkout: Path) -> None:
    assert client("validate", "--base", "main").exit_code == 0
    _git(checkout, "switch", "--quiet", "--create", "edit")
    _edit(checkout, "      max_items: 6", "      max_items: 5")
    for committed in (False, True):
        refused = client("validate", "--base", "main")
        assert refused.exit_code == 3
        assert "clients/lai_weekly.yaml differs from main" in refused.output
        assert "--major" in refused.output
        if not committed:
            _commit(checkout, "smaller section")
    _edit(checkout, VERSION, "99.0.0")
    assert client("validate", "--base", "main").exit_code == 0


def test_on_the_base_branch_itself_the_last_two_commits_are_compared(client: Run, checkout: Path) -> None:
    _edit(checkout, "max_items_total: 20", "max_items_total: 19")
    _commit(checkout, "fewer items")
    refused = client("validate", "--base", "main")
    assert refused.exit_code == 3
    assert "--minor" in refused.output


def test_a_version_that_is_too_low_is_reported_with_the_required_one(client: Run, checkout: Path) -> None:
    _edit(checkout, "      max_items: 6", "      max_items: 5")
    major, _, _ = VERSION.split(".")
    _edit(checkout, VERSION, f"{major}.9.0")
    refused = client("validate", "--base", "main")
    assert f"must be {int(major) + 1}.0.0 or later" in refused.output


def test_without_history_a_note_says_that_versions_were_not_compared(client: Run, checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    result = client("validate", "--base", "main")
    assert result.exit_code == 0
    assert "versions were not compared with main" in result.output


def test_an_unknown_branch_is_reported(client: Run) -> None:
    refused = client("validate", "--base", "nowhere")
    assert refused.exit_code == 1
    assert "no branch or commit 'nowhere'" in refused.output


def test_a_difference_is_shown_with_the_required_bump(client: Run, checkout: Path) -> None:
    old = checkout / "old.yaml"
    shutil.copy(checkout / "config/clients/lai_weekly.yaml", old)
    assert "the files are the same" in client("diff", "lai_weekly", "--from", str(old)).output
    _edit(checkout, "# LAI Intelligence", "# The LAI Intelligence")
    assert "only comments, layout or the changelog differ" in client("diff", "lai_weekly", "--from", str(old)).output
    _edit(checkout, "      max_items: 6", "      max_items: 5")
    shown = client("diff", "lai_weekly", "--from", str(old)).output
    assert "newsletter_layout.sections.regulatory_updates.max_items" in shown
    assert "(major)" in shown
    document = json.loads(client("diff", "lai_weekly", "--from", str(old), "--json").stdout)
    assert (document["needed_bump"], document["identical"], len(document["changes"])) == ("major", False, 1)
    assert document["changes"][0]["before"] == 6


def test_versions_are_found_in_the_history(client: Run, checkout: Path) -> None:
    _edit(checkout, "max_items_total: 20", "max_items_total: 19")
    _edit(checkout, VERSION, "8.0.0")
    _commit(checkout, "8.0.0")
    shown = client("diff", "lai_weekly", "--from", VERSION, "--to", "8.0.0").output
    assert "max_items_total" in shown
    refused = client("diff", "lai_weekly", "--from", "1.2.3")
    assert refused.exit_code == 1
    assert f"No commit has version 1.2.3 of config/clients/lai_weekly.yaml; its versions: 8.0.0, {VERSION}." in (
        refused.output.replace("\n", "")
    )


@pytest.mark.parametrize("location", ["qa", "no/such/file.yaml"])
def test_an_unknown_location_is_reported_with_the_possible_ones(client: Run, location: str) -> None:
    refused = client("diff", "lai_weekly", "--from", location)
    assert refused.exit_code == 2
    assert "There is no location" in refused.output
