"""The commands around promotions, on environments that the pipeline has deployed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import app
from cli.exit_codes import ExitCode
from tests.delivery.conftest import Played
from vectora_ops.records import Records

Vectora = Callable[..., Result]


@pytest.fixture
def vectora(played: Played, monkeypatch: pytest.MonkeyPatch) -> Vectora:
    """The command with the credentials of the local AWS, which it finds as it would find an operator's."""
    for name, value in played.delivery.tools_environment().items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(app, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


def test_status_shows_since_when_an_environment_has_its_release_and_that_it_was_verified(vectora: Vectora) -> None:
    shown = vectora("status", "--env", "stage")
    assert shown.exit_code == 0
    assert "Since 20" in shown.output
    assert "verified: the canary's newsletter came out with 3 items" in shown.output
    document = json.loads(vectora("status", "--env", "stage", "--json").stdout)["environments"][0]
    assert document["verified"] is True
    assert document["held"] is False
    assert len(document["release_commit"]) == 40


def test_status_reads_the_cost_the_gates_and_the_pipeline_of_every_environment(vectora: Vectora) -> None:
    document = json.loads(vectora("status", "--json").stdout)
    assert document["not_known"] == []
    assert all(each["cost"]["forecast_usd"] > 0 for each in document["environments"])
    shown = vectora("status").output
    assert shown.count("  Cost in ") == len(document["environments"])
    for need in document["needs"]:
        assert need["command"] in shown


def test_the_ledger_is_listed_with_what_is_current(played: Played, vectora: Vectora) -> None:
    first, _, fix = (commit.digests["stage"] for commit in played.result.commits)
    shown = vectora("release", "list", "--env", "stage")
    assert shown.exit_code == 0
    for digest in (first, fix):
        assert digest[:12] in shown.output
    assert shown.output.count("current") == 1
    document = json.loads(vectora("release", "list", "--env", "stage", "--json").stdout)
    assert [each["current"] for each in document["releases"]].count(True) == 1
    assert document["releases"][0]["current"]
    kinds = {each["kind"] for each in document["releases"]}
    assert kinds == {"release", "rollback"}, "the bad commit was rolled back"


def test_explain_prints_the_verdict_of_every_gate_and_fails_when_it_refuses(played: Played, vectora: Vectora) -> None:
    fresh = ("--digest", played.result.commits[-1].content_digest[:12])
    refused = vectora("promote", "explain", "--to", "prod", *fresh)
    for gate in ("hold", "smoke-test", "soak", "runs", "noise", "cost", "end-to-end", "client-versions"):
        assert gate in refused.output
    decision = json.loads(vectora("promote", "explain", "--to", "prod", *fresh, "--json").stdout)
    assert decision["outcome"] == "fail"
    soak = next(each for each in decision["verdicts"] if each["gate"] == "soak")
    assert (soak["outcome"], soak["bypassed"]) == ("fail", False)
    assert soak["numbers"]["days"] < 1
    # Other tests of this account may have replaced the release in stage, which then soaks no longer.
    refusing = [each for each in decision["verdicts"] if each["outcome"] != "pass"]
    waits = all(each["outcome"] == "inconclusive" or each["ready_at"] for each in refusing)
    assert refused.exit_code == (ExitCode.WAITING if waits else ExitCode.NO)
    passed = vectora("promote", "explain", "--to", "stage")
    assert passed.exit_code == 0
    assert "smoke test passed" in passed.output


def test_explain_is_what_the_gate_said(played: Played, vectora: Vectora) -> None:
    refusal = played.result.commits[-1].reason
    digest = played.result.commits[-1].digests["stage"]
    decision = json.loads(vectora("promote", "explain", "--to", "prod", "--digest", digest, "--json").stdout)
    in_prod = played.result.commits[-1].digests["prod"]
    assert f"Release {in_prod[:12]} may not go from stage to prod yet" in refusal
    assert f"Release {digest[:12]} may not go from stage to prod yet" in decision["sentence"]
    assert {each["gate"] for each in decision["verdicts"] if f"{each['gate']} {each['outcome']}" in refusal} >= {"soak"}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("promote", "explain", "--to", "dev"), ExitCode.ERROR, "Nothing is promoted into dev"),
        (("promote", "explain", "--to", "qa"), ExitCode.USAGE, "There is no environment 'qa'"),
        (
            ("promote", "bypass", "--to", "prod", "--gate", "hold", "--reason", "x"),
            ExitCode.USAGE,
            "There is no gate 'hold' to bypass",
        ),
        (
            ("promote", "bypass", "--to", "prod", "--gate", "soak", "--reason", " "),
            ExitCode.USAGE,
            "Say why (--reason)",
        ),
        (
            ("promote", "bypass", "--to", "prod", "--gate", "soak", "--reason", "x" * 201),
            ExitCode.USAGE,
            "at most 200 characters",
        ),
        (("promote", "release-hold", "--env", "dev"), ExitCode.ERROR, "Promotion into dev is not held"),
        (("promote", "unfreeze", "--env", "prod"), ExitCode.ERROR, "No freeze of prod is in force"),
        (
            ("promote", "freeze", "--env", "dev", "--until", "2030-01-01 10:00", "--reason", "x"),
            ExitCode.ERROR,
            "Nothing is promoted",
        ),
        (
            ("promote", "freeze", "--env", "prod", "--until", "soon", "--reason", "x"),
            ExitCode.ERROR,
            "is no local time",
        ),
        (("release", "list", "--env", "qa"), ExitCode.USAGE, "There is no environment 'qa'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    vectora: Vectora, arguments: tuple[str, ...], code: ExitCode, sentence: str
) -> None:
    refused = vectora(*arguments)
    assert refused.exit_code == code
    assert sentence in refused.output
    assert "Traceback" not in refused.output


def test_a_bypass_is_recorded_for_one_release_with_its_reason_and_name(played: Played, vectora: Vectora) -> None:
    records = Records(played.delivery.account(), played.delivery.names("prod"))
    before = records.bypass()
    digest = "f" * 64
    try:
        said = vectora(
            "promote",
            "bypass",
            "--to",
            "prod",
            "--gate",
            "soak",
            "--gate",
            "runs",
            "--reason",
            "a crash",
            "--digest",
            digest,
            "--no-retry",
        )
        assert said.exit_code == 0, said.output
        bypass = records.bypass()
        assert bypass is not None
        operator = "assumed-role/vectora-inbox-operator/rehearsal"
        assert (bypass.content_digest, bypass.gates, bypass.reason, bypass.by) == (
            digest,
            ("soak", "runs"),
            "a crash",
            operator,
        )
        assert "may come without soak, runs: a crash (assumed-role/" in vectora("status", "--env", "prod").output
        decision = json.loads(vectora("promote", "explain", "--to", "prod", "--digest", digest, "--json").stdout)
        assert {each["gate"] for each in decision["verdicts"] if each["bypassed"]} == {"soak", "runs"}
    finally:
        if before:
            records.write_bypass(before)


def test_a_freeze_refuses_promotions_and_shows_in_status_until_it_is_ended(vectora: Vectora) -> None:
    said = vectora("promote", "freeze", "--env", "prod", "--until", _in_two_days(), "--reason", "an audit")
    try:
        assert said.exit_code == 0, said.output
        decision = json.loads(vectora("promote", "explain", "--to", "prod", "--json").stdout)
        [window] = [each for each in decision["verdicts"] if each["gate"] == "window"]
        assert window["outcome"] == "fail"
        assert "(an audit; assumed-role/vectora-inbox-operator/rehearsal)" in window["reason"]
        assert "Closed to promotions: prod is frozen until" in vectora("status", "--env", "prod").output
    finally:
        ended = vectora("promote", "unfreeze", "--env", "prod")
    assert ended.exit_code == 0, ended.output
    decision = json.loads(vectora("promote", "explain", "--to", "prod", "--json").stdout)
    assert "window" not in {each["gate"] for each in decision["verdicts"]}


def _in_two_days() -> str:
    return f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d} 12:00"


@pytest.mark.parametrize(
    "command", [(), ("explain",), ("approve",), ("retry",), ("bypass",), ("freeze",), ("unfreeze",), ("release-hold",)]
)
def test_every_command_has_help_with_an_example(vectora: Vectora, command: tuple[str, ...]) -> None:
    shown = vectora("promote", *command, "--help")
    assert shown.exit_code == 0
    if command:
        assert "Example: ./vectora promote" in shown.output
