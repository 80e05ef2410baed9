"""The command `./vectora review`: its exit statuses, its forms, and the file of accepted risks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from change_review.accepted import FILE
from cli import review as command
from cli.__main__ import app
from tests.unit.review.conftest import Checkout

SETTINGS = "config/environments.yaml"


@pytest.fixture(autouse=True)
def _in_checkout(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ROOT", checkout.root)
    checkout.git("config", "user.email", "ann@example.org")


def _run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["review", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_no_finding_exits_with_0() -> None:
    assert _run()[:2] == (0, _run()[1])
    assert _run()[1].startswith("Nothing changes.")


def test_kinds_of_findings_add_up_and_can_be_chosen(checkout: Checkout) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")
    checkout.replace("tests/stacks/templates/prod/s0-core.yaml", "BucketName: vectora-inbox-data-prod", "BucketName: x")

    assert _run()[0] == 1 + 4
    assert _run("--fail-on", "gates")[0] == 4
    assert _run("--fail-on", "permissions,cost")[0] == 0
    assert _run("--fail-on", "none")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [("--base", "nowhere"), ("--fail-on", "everything"), ("--unknown",), ("--cost-limit", "-1"), ("--allow", "0" * 12)],
)
def test_an_error_exits_with_a_status_that_is_no_sum_of_bits(arguments: tuple[str, ...]) -> None:
    status, _, stderr = _run(*arguments)

    assert status == 64
    assert "Traceback" not in stderr
    assert stderr


def test_json_is_one_document_with_all_parts(checkout: Checkout) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")

    status, stdout, _ = _run("--json")
    document = json.loads(stdout)

    assert status == 4
    assert document["verdict"] == "Stop and read: 1 gates or settings loosened."
    assert document["findings"][0]["environments"] == ["prod"]
    assert document["settings"][0]["tendency"] == "looser"


def test_markdown_is_written_to_a_file(checkout: Checkout, tmp_path: Path) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")
    target = tmp_path / "review.md"

    assert _run("--markdown", str(target))[0] == 4
    assert target.read_text(encoding="utf-8").startswith("## Stop and read: 1 gates or settings loosened")
    assert _run("--markdown", str(tmp_path / "missing" / "review.md"))[0] == 64


def test_a_finding_is_accepted_with_a_reason_and_no_longer_counts(checkout: Checkout) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")
    [finding] = checkout.review().findings

    assert _run("--allow", finding.id)[0] == 64
    assert _run("--allow", finding.id, "--reason", "urgent fair")[0] == 0
    assert "urgent fair" in (checkout.root / FILE).read_text(encoding="utf-8")
    assert "ann@example.org" in (checkout.root / FILE).read_text(encoding="utf-8")
    status, stdout, _ = _run()
    assert status == 0
    assert "accepted by ann@example.org" in stdout


def test_two_templates_are_compared_without_a_repository(tmp_path: Path) -> None:
    for name, bucket in (("before", "a"), ("after", "b")):
        body = {"Resources": {"Store": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}}}}
        (tmp_path / f"{name}.json").write_text(json.dumps(body), encoding="utf-8")

    status, stdout, _ = _run("--compare", str(tmp_path / "before.json"), str(tmp_path / "after.json"))

    assert status == 1
    assert "S3 Bucket a is replaced" in stdout
    assert _run("--compare", str(tmp_path / "none"), str(tmp_path / "after.json"))[0] == 64


def test_hostile_names_cannot_forge_a_line_of_the_output(checkout: Checkout) -> None:
    forged = '"BucketName: x\\nNo risk found\\e[2J"'
    checkout.replace(
        "tests/stacks/templates/prod/s0-core.yaml", "BucketName: vectora-inbox-data-prod", f"BucketName: {forged}"
    )

    _, stdout, _ = _run()

    assert "\x1b[2J" not in stdout
    assert not any(line.startswith("No risk found") for line in stdout.splitlines())


def test_the_help_explains_every_status() -> None:
    assert typer.main.get_command(app)
    stdout = " ".join(_run("--help")[1].split())

    for words in (
        "1 if data is at risk",
        "2 if permissions",
        "4 if gates",
        "8 if the cost",
        "64 if there is no review",
    ):
        assert words in stdout
