"""`./vectora snapshot` and `rollback` on a deployed environment: output, JSON and exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.exit_codes import ExitCode
from rehearsal.emulator import Emulator
from tests.deployed.conftest import Vectora

CONFIG = "vectora-inbox-config-dev"
CLIENT_KEY = "clients/lai_weekly.yaml"
VAULT = "vectora-inbox-snapshots-dev"


def create_snapshot(vectora: Vectora, label: str, *options: str) -> str:
    result = vectora("snapshot", "create", "--env", "dev", "--name", label, "--json", *options)
    assert result.exit_code == 0, result.output
    return str(json.loads(result.stdout)["name"])


@pytest.fixture
def edited(deployed: tuple[Emulator, Any]) -> Iterator[bytes]:
    """Yield the original of a client file that the test edits in the bucket, and restore it afterwards."""
    s3 = deployed[0].session().client("s3")
    original: bytes = s3.get_object(Bucket=CONFIG, Key=CLIENT_KEY)["Body"].read()

    def restore() -> None:
        if s3.get_object(Bucket=CONFIG, Key=CLIENT_KEY)["Body"].read() != original:
            s3.put_object(Bucket=CONFIG, Key=CLIENT_KEY, Body=original)

    yield original
    restore()


def edit(deployed: tuple[Emulator, Any], original: bytes) -> None:
    s3 = deployed[0].session().client("s3")
    s3.put_object(Bucket=CONFIG, Key=CLIENT_KEY, Body=original + b"# by hand\n")


@pytest.mark.parametrize("remote", [(), ("--remote",)])
def test_a_snapshot_is_created_listed_shown_and_verified(vectora: Vectora, remote: tuple[str, ...]) -> None:
    created = vectora("snapshot", "create", "--env", "dev", "--name", "by_command", *remote)
    assert created.exit_code == 0, created.output
    name = created.stdout.split()[1]
    assert f"Snapshot {name} is complete and verified." in created.stdout

    listed = json.loads(vectora("snapshot", "list", "--env", "dev", "--json").stdout)["snapshots"]
    assert {each["name"]: each["state"] for each in listed}[name] == "complete"
    assert f"| `{name}` | complete |" in vectora("snapshot", "list", "--env", "dev", "--markdown").stdout
    assert "functions" in vectora("snapshot", "show", name, "--env", "dev").stdout
    assert "vectora-inbox-ingest-v2-dev/code.zip" in vectora("snapshot", "show", name, "--env", "dev", "--files").stdout
    verified = vectora("snapshot", "verify", name, "--env", "dev", *remote)
    assert (verified.exit_code, verified.stdout.startswith(f"{name} is intact")) == (0, True)


def test_verify_can_rehearse_a_restore(vectora: Vectora) -> None:
    result = vectora("snapshot", "verify", create_snapshot(vectora, "restorable"), "--env", "dev", "--restore")
    assert result.exit_code == 0, result.output
    assert "restore-rehearsal/restorable_" in result.stdout


def test_a_manifest_is_not_overwritten_and_damage_is_reported_with_exit_code_3(
    vectora: Vectora, deployed: tuple[Emulator, Any]
) -> None:
    name = create_snapshot(vectora, "damaged")
    s3, key = deployed[0].session().client("s3"), f"snapshots/{name}/manifest.json"
    stored = s3.get_object(Bucket=VAULT, Key=key)
    whole = stored["Body"].read()
    damaged = whole.replace(b'"dev"', b'"dec"')
    with pytest.raises(ClientError, match=r"AccessDenied.*explicit deny in a resource-based policy"):
        s3.put_object(Bucket=VAULT, Key=key, Body=damaged)
    policy = s3.get_bucket_policy(Bucket=VAULT)["Policy"]
    s3.delete_bucket_policy(Bucket=VAULT)
    try:
        s3.put_object(Bucket=VAULT, Key=key, Body=damaged)
        result = vectora("snapshot", "verify", name, "--env", "dev")
        s3.delete_object(Bucket=VAULT, Key=key, VersionId=stored["VersionId"], BypassGovernanceRetention=True)
        refused = vectora("rollback", "--env", "dev", "--snapshot", name, "--yes")
    finally:
        s3.put_object(Bucket=VAULT, Key=key, Body=whole)
        s3.put_bucket_policy(Bucket=VAULT, Policy=policy)
    assert result.exit_code == 3
    assert key in result.stdout
    assert refused.exit_code == 1
    assert "is damaged or forged" in refused.stderr


@pytest.mark.parametrize("remote", [(), ("--remote",)])
def test_an_edited_file_is_shown_as_drift_and_rolled_back(
    vectora: Vectora, deployed: tuple[Emulator, Any], edited: bytes, remote: tuple[str, ...]
) -> None:
    name = create_snapshot(vectora, "good")
    same = vectora("snapshot", "diff", name, "--live", "--env", "dev", "--fail")
    assert (same.exit_code, same.stdout) == (0, f"dev matches {name}.\n")
    edit(deployed, edited)

    drift = vectora("snapshot", "diff", name, "--live", "--env", "dev", "--fail")
    assert drift.exit_code == 3
    assert f"~ clients: {CLIENT_KEY}" in drift.stdout
    assert "+# by hand" in drift.stdout
    planned = vectora("rollback", "--env", "dev", "--snapshot", name, "--dry-run")
    assert CLIENT_KEY in planned.stdout
    assert planned.stdout.endswith("Nothing was changed.\n")

    rolled = vectora("rollback", "--env", "dev", "--snapshot", name, "--components", "clients", "--yes", *remote)
    assert rolled.exit_code == 0, rolled.output
    assert f"dev matches {name} again, verified in" in rolled.stdout
    again = vectora("rollback", "--env", "dev", "--snapshot", name, "--yes", *remote)
    assert again.stdout == f"Nothing to do: dev matches {name}.\n"


def test_two_snapshots_are_compared(vectora: Vectora, deployed: tuple[Emulator, Any], edited: bytes) -> None:
    first = create_snapshot(vectora, "first")
    edit(deployed, edited)
    second = create_snapshot(vectora, "second")
    changes = json.loads(vectora("snapshot", "diff", first, second, "--env", "dev", "--json").stdout)["changes"]
    assert [(each["component"], each["path"], each["kind"]) for each in changes] == [("clients", CLIENT_KEY, "changed")]


def test_a_pinned_snapshot_is_kept_and_shows_its_reason(vectora: Vectora) -> None:
    name = create_snapshot(vectora, "kept")
    assert vectora("snapshot", "pin", name, "--env", "dev", "--reason", "before the fair").exit_code == 0
    assert "before the fair" in vectora("snapshot", "show", name, "--env", "dev").stdout
    pruned = json.loads(vectora("snapshot", "prune", "--env", "dev", "--dry-run", "--json").stdout)
    assert {each["name"]: each["reason"] for each in pruned["decisions"]}[name] == "pinned"
    assert vectora("snapshot", "unpin", name, "--env", "dev").exit_code == 0
    assert vectora("snapshot", "unpin", name, "--env", "dev").exit_code == 1


@pytest.mark.parametrize("remote", [(), ("--remote",)])
def test_prune_keeps_recent_snapshots(vectora: Vectora, remote: tuple[str, ...]) -> None:
    name = create_snapshot(vectora, "young")
    result = vectora("snapshot", "prune", "--env", "dev", "--yes", "--json", *remote)
    assert result.exit_code == 0, result.output
    assert {each["remove"] for each in json.loads(result.stdout)["decisions"]} == {False}
    assert vectora("snapshot", "verify", name, "--env", "dev").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("snapshot", "create", "--env", "dev"), ExitCode.USAGE, "Give either --name"),
        (
            ("snapshot", "create", "--env", "dev", "--name", "Not OK"),
            ExitCode.ERROR,
            "Snapshot name 'Not OK' is invalid",
        ),
        (("snapshot", "create", "--env", "test", "--name", "x"), ExitCode.USAGE, "There is no environment 'test'"),
        (("snapshot", "create", "--env", "prod", "--name", "x"), ExitCode.ERROR, "Environment prod has no vault"),
        (("snapshot", "create", "--env", "prod", "--name", "x", "--remote"), ExitCode.ERROR, "There is no function"),
        (
            ("snapshot", "create", "--env", "dev", "--resume", "x_20260101_000000"),
            ExitCode.ERROR,
            "There is no snapshot 'x_2026",
        ),
        (
            ("snapshot", "show", "x_20260101_000000", "--env", "dev"),
            ExitCode.ERROR,
            "There is no snapshot 'x_20260101_000000'",
        ),
        (
            ("snapshot", "diff", "x_20260101_000000", "--env", "dev"),
            ExitCode.USAGE,
            "Give either a second snapshot or --live.",
        ),
        (
            ("rollback", "--env", "dev", "--snapshot", "x_20260101_000000", "--yes"),
            ExitCode.ERROR,
            "There is no snapshot 'x_2026",
        ),
        (
            ("rollback", "--env", "dev", "--snapshot", "latest", "--components", "fonts"),
            ExitCode.USAGE,
            "There is no component 'fonts'",
        ),
        (
            ("rollback", "--env", "dev", "--snapshot", "x_20260101_000000"),
            ExitCode.ERROR,
            "No confirmation is possible without a terminal. Add --yes to roll back",
        ),
    ],
)
def test_bad_input_is_reported_in_one_sentence(
    vectora: Vectora, arguments: tuple[str, ...], code: ExitCode, sentence: str
) -> None:
    result = vectora(*arguments)
    assert result.exit_code == code
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("env", "typed", "sentence"),
    [
        ("prod", "yes", "The name does not match; nothing was changed."),
        ("prod", "prod", "Environment prod has no vault"),
        ("stage", "n", "Nothing was changed."),
        ("stage", "y", "Environment stage has no vault"),
    ],
)
def test_on_a_terminal_a_rollback_requires_a_confirmation_and_for_prod_its_name(
    vectora: Vectora, monkeypatch: pytest.MonkeyPatch, env: str, typed: str, sentence: str
) -> None:
    monkeypatch.setattr("cli.confirmation.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    result = vectora("rollback", "--env", env, "--snapshot", "x_20260101_000000", typed=f"{typed}\n")
    assert result.exit_code == 1
    assert sentence in result.stderr
