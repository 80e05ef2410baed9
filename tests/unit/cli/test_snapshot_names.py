"""Names of snapshots on the command line: `latest`, lists of several environments, and the question of prune."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import app
from cli.profiles import GIVEN
from cli.snapshot import commands, latest, listing
from vectora_ops.snapshots.catalog import SnapshotSummary
from vectora_shared.errors import VectoraError

OLD, NEW = "old_20260101_000000", "new_20260202_000000"


def _summary(name: str, state: Any = "complete") -> SnapshotSummary:
    return SnapshotSummary(
        name=name,
        state=state,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        occasion="operator",
        release_version=None,
        release_digest=None,
        entries=3,
        bytes=10,
        copied_bytes=10,
        pinned=False,
        locked_until=None,
    )


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the environment and its vault; return the environments and snapshots that were used, in order."""
    found: list[str] = []

    def open_target(env: str) -> Any:
        if env == "stage":
            raise VectoraError("no access to stage")
        found.append(f"{env} {' '.join(GIVEN.get())}".strip())
        settings = SimpleNamespace(backup=None, snapshots=SimpleNamespace(keep_last=1, minimum_age_days=1))
        return SimpleNamespace(names=SimpleNamespace(env=env), account=None, settings=settings)

    def pin(vault: Any, name: str, reason: str) -> Any:
        found.append(name)
        return SimpleNamespace(model_dump=lambda mode: {"snapshot": name, "reason": reason})

    for module in (commands, listing):
        monkeypatch.setattr(module, "open_target", open_target)
    for each in (commands, listing, latest):
        monkeypatch.setattr(each, "Vault", lambda account, names: None)
    listed = (_summary(OLD), _summary(NEW, "incomplete"))
    monkeypatch.setattr(listing, "list_snapshots", lambda vault: listed)
    monkeypatch.setattr(latest, "list_snapshots", lambda vault: listed)
    monkeypatch.setattr(latest, "newest_rollback_target", lambda vault: SimpleNamespace(name=OLD))
    monkeypatch.setattr(commands, "pin_snapshot", pin)
    return found


def _run(*words: str) -> Result:
    return CliRunner().invoke(app, ["snapshot", *words])


def test_latest_is_the_newest_that_a_rollback_would_use(used: list[str]) -> None:
    result = _run("pin", "latest", "--env", "dev", "--reason", "fair", "--json")
    assert json.loads(result.stdout) == {"snapshot": OLD, "reason": "fair"}
    assert used == ["dev", OLD]


def test_latest_to_resume_is_the_newest_interrupted_snapshot(used: list[str]) -> None:
    target: Any = SimpleNamespace(account=None, names=SimpleNamespace(env="dev"))
    assert latest.interrupted_name(target, "latest") == NEW
    assert latest.interrupted_name(target, OLD) == OLD


def test_the_list_begins_with_the_newest_and_counts_files(used: list[str]) -> None:
    document = json.loads(_run("list", "--env", "dev", "--json").stdout)
    assert [(each["name"], each["files"]) for each in document["snapshots"]] == [(NEW, 3), (OLD, 3)]
    text = _run("list", "--env", "dev").stdout
    assert text.index(NEW) < text.index(OLD)


def test_every_environment_is_listed_with_its_profile_and_one_that_fails_stops_no_other(
    used: list[str],
) -> None:
    result = _run("list", "--json", "--profile", "admin")
    found = json.loads(result.stdout)["environments"]
    assert [each["env"] for each in found] == ["dev", "stage", "prod"]
    assert found[1]["problem"] == "no access to stage"
    assert sorted(used) == ["dev admin", "prod admin"]
    assert "stage cannot be read: no access to stage" in _run("list").stdout


def test_prune_deletes_nothing_without_a_confirmation(used: list[str]) -> None:
    result = _run("prune", "--env", "dev")
    assert (result.exit_code, "Add --yes to prune" in result.output) == (1, True)
