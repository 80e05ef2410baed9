"""`./vectora promote approve`, `reject` and `retry`: they answer and retry what waits in the pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import approval, pipeline_stage, promote, retry_stage
from cli.__main__ import app
from cli.exit_codes import ExitCode
from tests.repository import ROOT
from tests.unit.cli.hostile import HOSTILE, is_harmless
from tests.unit.cli.pipeline_in_memory import COMMIT, CONTENT, DIGEST, EXECUTION, NOON, TOKEN, MemoryPipeline
from vectora_ops.records import Bypass, Hold, ReleaseId
from vectora_ops.settings import load_settings
from vectora_shared.errors import VectoraError

CALLER = "arn:aws:sts::111111111111:assumed-role/Approver/bob"
Vectora = Callable[..., Result]


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> MemoryPipeline:
    """Return a pipeline in which a release waits for the approval of prod, and let the commands use it."""
    memory = MemoryPipeline()
    caller = SimpleNamespace(get_caller_identity=lambda: {"Arn": CALLER})
    account = SimpleNamespace(
        account_id="111111111111",
        region="eu-west-3",
        client=lambda service: {"codepipeline": memory, "sts": caller}[service],
    )
    settings = load_settings(ROOT)
    target = SimpleNamespace(account=account, names=settings.names("prod"), settings=settings)
    people = settings.pipeline.model_copy(update={"people": {"ann@example.org": "ann"}})
    settings = settings.model_copy(update={"pipeline": people})
    decision = {
        "source": "stage",
        "target": "prod",
        "digest": DIGEST,
        "bypass_reason": None,
        "outcome": "pass",
        "verdicts": [{"gate": "soak", "outcome": "pass", "bypassed": False, "reason": "soaked 14 days", "numbers": {}}],
    }

    def explain(account: Any, names: Any, task: str, event: dict[str, Any], on_continuation: Any) -> dict[str, Any]:
        memory.explained.append(event)
        return {"decision": decision}

    monkeypatch.setattr(pipeline_stage, "open_account", lambda settings, where: account)
    monkeypatch.setattr(approval, "load_settings", lambda root: settings)
    monkeypatch.setattr(approval, "open_target", lambda env: target)
    monkeypatch.setattr(approval, "run_remotely", explain)
    monkeypatch.setattr(retry_stage, "open_target", lambda env: target)
    monkeypatch.setattr(retry_stage, "Records", lambda account, names: SimpleNamespace(hold=lambda: None))
    return memory


def vectora(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["promote", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Vectora:
    """Return the command on a terminal, at which the first argument is typed."""
    monkeypatch.setattr("cli.confirmation.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))

    def call(text: str, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["promote", *arguments], input=f"{text}\n")

    return call


def test_an_approval_answers_the_request_that_was_shown(pipeline: MemoryPipeline) -> None:
    result = vectora("approve", "--to", "prod", "--yes", "--reason", "read the changes")
    assert result.exit_code == 0, result.output
    assert pipeline.answers == [
        {
            "pipelineName": "vectora-inbox-pipeline",
            "stageName": "prod",
            "actionName": "approval-prod",
            "token": TOKEN,
            "result": {"summary": "read the changes", "status": "Approved"},
        }
    ]
    assert f"Approved: execution {EXECUTION} goes on" in result.output


def test_it_shows_release_commit_changes_link_bypasses_and_verdicts_before_it_asks(
    pipeline: MemoryPipeline, typed: Vectora
) -> None:
    pipeline.variables |= {"bypassed": "soak, runs", "bypass_reason": "a crash"}
    result = typed("no", "approve", "--to", "prod")
    assert (result.exit_code, pipeline.answers) == (ExitCode.ERROR, [])
    for part in (
        f"Release 1.4.2, digest {DIGEST[:12]} waits for the approval of prod since 2026-01-30 12:00 UTC",
        f"Commit {COMMIT[:12]} by ann@example.org: Add a source",
        "Changes: prod has 1.4.1.",
        "Review: Stop and read: 1 data or replacement.",
        "Report: https://eu-west-3.console.aws.amazon.com/s3/object/artifacts?",
        "Gates bypassed: soak, runs (a crash).",
        "soaked 14 days",
    ):
        assert part in result.stdout
    assert "of stage" not in result.stdout
    assert "Type prod to approve release 1.4.2" in result.stderr
    assert pipeline.explained == [{"operation": "explain", "digest": CONTENT}]


def test_typing_the_environment_confirms(pipeline: MemoryPipeline, typed: Vectora) -> None:
    assert typed("prod", "reject", "--to", "prod", "--reason", "not today").exit_code == 0
    assert pipeline.answers[0]["result"] == {"summary": "not today", "status": "Rejected"}


def test_a_script_without_yes_changes_nothing(pipeline: MemoryPipeline) -> None:
    result = vectora("approve", "--to", "prod")
    assert (result.exit_code, pipeline.answers) == (ExitCode.ERROR, [])
    assert "Add --yes to approve release" in result.stderr


def test_json_is_one_document_with_the_release_the_verdicts_and_the_answer(pipeline: MemoryPipeline) -> None:
    document = json.loads(vectora("reject", "--to", "prod", "--reason", "not today", "--yes", "--json").stdout)
    assert (document["env"], document["answer"], document["execution"]) == ("prod", "Rejected", EXECUTION)
    assert (document["commit"], document["content_digest"], document["version"]) == (COMMIT, CONTENT, "1.4.2")
    assert document["decision"]["outcome"] == "pass"


@pytest.mark.parametrize("reason", ["", " ", "x" * 513])
def test_a_rejection_without_a_reason_that_codepipeline_accepts_is_a_wrong_call(
    pipeline: MemoryPipeline, reason: str
) -> None:
    assert vectora("reject", "--to", "prod", "--yes", "--reason", reason).exit_code == ExitCode.USAGE
    assert vectora("reject", "--to", "prod", "--yes").exit_code == ExitCode.USAGE
    assert pipeline.answers == []


def test_a_reason_of_512_characters_is_accepted(pipeline: MemoryPipeline) -> None:
    assert vectora("reject", "--to", "prod", "--yes", "--reason", "x" * 512).exit_code == 0


@pytest.mark.parametrize(
    ("status", "statuses", "sentence"),
    [
        (None, {}, "No execution has reached prod yet."),
        ("Succeeded", {"approval-prod": "Succeeded"}, "The last execution there is"),
        ("InProgress", {"gate-prod": "InProgress"}, "is at gate-prod"),
        ("Failed", {"gate-prod": "Failed"}, "failed at gate-prod: see ./vectora promote explain --to prod"),
    ],
)
@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_when_nothing_waits_it_says_what_the_stage_does(
    pipeline: MemoryPipeline, answer: str, status: str | None, statuses: dict[str, str], sentence: str
) -> None:
    pipeline.status, pipeline.statuses = status, statuses
    result = vectora(answer, "--to", "prod", "--yes", "--reason", "x")
    assert result.exit_code == ExitCode.NO
    assert "Nothing waits for an approval for prod." in result.stderr
    assert sentence in result.stderr


@pytest.mark.parametrize("code", ["InvalidApprovalTokenException", "ApprovalAlreadyCompletedException"])
def test_a_request_that_was_answered_meanwhile_is_refused_in_a_sentence(pipeline: MemoryPipeline, code: str) -> None:
    pipeline.errors["PutApprovalResult"] = code
    result = vectora("approve", "--to", "prod", "--yes")
    assert result.exit_code == ExitCode.NO
    assert "was answered or has ended meanwhile" in result.stderr


@pytest.mark.parametrize("operation", ["GetPipelineState", "ListActionExecutions", "PutApprovalResult"])
def test_a_denied_call_names_the_policy_that_permits_it(pipeline: MemoryPipeline, operation: str) -> None:
    pipeline.errors[operation] = "AccessDeniedException"
    result = vectora("approve", "--to", "prod", "--yes")
    assert (result.exit_code, pipeline.answers) == (ExitCode.ERROR, [])
    assert f"AWS denied {operation}. docs/reference/" in result.stderr
    assert ("approver-policy.json" in result.stderr) == (operation == "PutApprovalResult")


def test_a_missing_pipeline_is_one_sentence(pipeline: MemoryPipeline) -> None:
    pipeline.errors["GetPipelineState"] = "PipelineNotFoundException"
    assert "There is no pipeline vectora-inbox-pipeline with stage prod" in vectora("retry", "--to", "prod").stderr


def test_who_wrote_the_commit_cannot_approve_it_and_may_reject_it(
    pipeline: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval, "caller_arn", lambda account: CALLER.replace("bob", "ann"))
    refused = vectora("approve", "--to", "prod", "--yes")
    assert (refused.exit_code, pipeline.answers) == (ExitCode.NO, [])
    assert f"assumed-role/Approver/ann wrote commit {COMMIT[:12]}: someone else has to approve it" in refused.stderr
    assert vectora("reject", "--to", "prod", "--yes", "--reason", "my own mistake").exit_code == 0


def test_without_access_to_the_gates_an_approver_may_still_answer(
    pipeline: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_access(env: str) -> Any:
        raise VectoraError("No profile for stage.")

    monkeypatch.setattr(approval, "open_target", no_access)
    result = vectora("approve", "--to", "prod", "--yes")
    assert result.exit_code == 0
    assert "The verdicts of the gates are not shown: No profile for stage." in result.stderr


def test_a_release_whose_actions_are_not_listed_yet_can_be_approved(pipeline: MemoryPipeline) -> None:
    pipeline.listed = False
    result = vectora("approve", "--to", "prod", "--yes")
    assert result.exit_code == 0
    assert f"Release of execution {EXECUTION} waits" in result.stdout


def test_what_a_commit_says_does_not_control_the_terminal(pipeline: MemoryPipeline) -> None:
    pipeline.author = HOSTILE
    pipeline.variables |= {"changes": HOSTILE, "bypassed": HOSTILE, "bypass_reason": HOSTILE}
    for options in ((), ("--json",)):
        result = vectora("approve", "--to", "prod", "--yes", *options)
        assert is_harmless(result.output), ascii(result.output)


# --- retry


@pytest.mark.parametrize(
    ("failed", "options", "mode"),
    [
        ("gate-prod", (), "FAILED_ACTIONS"),
        ("report-prod", (), "FAILED_ACTIONS"),
        ("approval-prod", (), "FAILED_ACTIONS"),
        ("vectora-inbox-s0-core-prod.snapshot-prod", (), "FAILED_ACTIONS"),
        # Its change sets are stale after a rollback: docs/runbooks/a-deployment-was-rolled-back.md.
        ("smoke-test-prod", (), "ALL_ACTIONS"),
        ("gate-after-approval-prod", ("--all-actions",), "ALL_ACTIONS"),
    ],
)
def test_a_failed_stage_is_retried_from_where_it_can_go_on(
    pipeline: MemoryPipeline, failed: str, options: tuple[str, ...], mode: str
) -> None:
    pipeline.status, pipeline.statuses = "Failed", {failed: "Failed"}
    result = vectora("retry", "--to", "prod", *options)
    assert result.exit_code == 0, result.output
    assert pipeline.retries == [
        {
            "pipelineName": "vectora-inbox-pipeline",
            "stageName": "prod",
            "pipelineExecutionId": EXECUTION,
            "retryMode": mode,
        }
    ]
    assert f"Execution {EXECUTION} is tried again" in result.stdout


@pytest.mark.parametrize(
    ("code", "exit_code", "sentence"),
    [
        ("NotLatestPipelineExecutionException", ExitCode.NO, "Push the commit again"),
        ("StageNotRetryableException", ExitCode.NO, "Push the commit again"),
        ("ConflictException", ExitCode.WAITING, "try again in a minute"),
        ("AccessDeniedException", ExitCode.ERROR, "operator-policy.json"),
    ],
)
def test_what_codepipeline_refuses_is_a_sentence_with_the_next_step(
    pipeline: MemoryPipeline, code: str, exit_code: ExitCode, sentence: str
) -> None:
    pipeline.status, pipeline.statuses = "Failed", {"gate-prod": "Failed"}
    pipeline.errors["RetryStageExecution"] = code
    result = vectora("retry", "--to", "prod")
    assert (result.exit_code, sentence in result.stderr) == (exit_code, True)


@pytest.mark.parametrize(
    ("status", "statuses", "exit_code", "sentence"),
    [
        (None, {}, ExitCode.NO, "No execution has reached prod yet"),
        ("Succeeded", {}, ExitCode.NO, "did not fail"),
        ("InProgress", {"gate-prod": "InProgress"}, ExitCode.WAITING, "is in prod now at gate-prod"),
        ("InProgress", {"approval-prod": "InProgress"}, ExitCode.WAITING, "./vectora promote approve --to prod"),
    ],
)
def test_a_stage_that_did_not_fail_is_not_retried(
    pipeline: MemoryPipeline, status: str | None, statuses: dict[str, str], exit_code: ExitCode, sentence: str
) -> None:
    pipeline.status, pipeline.statuses = status, statuses
    result = vectora("retry", "--to", "prod")
    assert (result.exit_code, sentence in result.stderr, pipeline.retries) == (exit_code, True, [])
    document = json.loads(vectora("retry", "--to", "prod", "--json").stdout)
    assert (document["retried"], sentence in document["reason"]) == (False, True)


def test_a_held_environment_is_not_retried_before_its_hold_is_released(
    pipeline: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = Hold(state="held", reason="the smoke test failed", at=NOON)
    monkeypatch.setattr(retry_stage, "Records", lambda account, names: SimpleNamespace(hold=lambda: hold))
    pipeline.status, pipeline.statuses = "Failed", {"smoke-test-prod": "Failed"}
    result = vectora("retry", "--to", "prod")
    assert (result.exit_code, pipeline.retries) == (ExitCode.NO, [])
    assert "prod is held: promotion is held since 2026-01-30" in result.stderr
    assert "./vectora promote release-hold --env prod" in result.stderr


@pytest.mark.parametrize("command", ["approve", "retry", "reject"])
def test_nothing_is_promoted_into_dev(pipeline: MemoryPipeline, command: str) -> None:
    reason = ("--reason", "x") if command == "reject" else ()
    result = vectora(command, "--to", "dev", *reason)
    assert (result.exit_code, "Nothing is promoted into dev" in result.stderr) == (ExitCode.ERROR, True)


# --- bypass


@pytest.fixture
def bypassed(pipeline: MemoryPipeline, monkeypatch: pytest.MonkeyPatch) -> list[Bypass]:
    """Return the recorded bypasses of prod, whose gate refused the release that stage has."""
    recorded: list[Bypass] = []
    pipeline.status, pipeline.statuses = "Failed", {"gate-prod": "Failed"}
    caller = SimpleNamespace(get_caller_identity=lambda: {"Arn": CALLER})
    account = SimpleNamespace(client=lambda service: caller)
    target = SimpleNamespace(account=account, names=load_settings(ROOT).names("prod"))
    monkeypatch.setattr(promote, "open_preceding", lambda to: target)
    monkeypatch.setattr(promote, "open_target", lambda env: target)
    monkeypatch.setattr(promote, "find_release", lambda account, names, digest: ReleaseId(DIGEST, CONTENT))
    monkeypatch.setattr(promote, "records_clock", lambda account, names: lambda: NOON)
    monkeypatch.setattr(promote, "Records", lambda account, names: SimpleNamespace(write_bypass=recorded.append))
    return recorded


BYPASS = ("bypass", "--to", "prod", "--gate", "soak", "--reason", "a crash")


def test_a_bypass_is_recorded_and_retries_the_stage(pipeline: MemoryPipeline, bypassed: list[Bypass]) -> None:
    result = vectora(*BYPASS)
    assert result.exit_code == 0, result.output
    assert [(each.content_digest, each.gates) for each in bypassed] == [(CONTENT, ("soak",))]
    assert [each["pipelineExecutionId"] for each in pipeline.retries] == [EXECUTION]
    assert f"Release {CONTENT[:12]} may go into prod without soak." in result.stdout
    assert f"Execution {EXECUTION} is tried again: gate-prod." in result.stdout


def test_a_bypass_without_a_retry_names_the_command_for_it(pipeline: MemoryPipeline, bypassed: list[Bypass]) -> None:
    result = vectora(*BYPASS, "--no-retry")
    assert (len(bypassed), pipeline.retries) == (1, [])
    assert "To try it now: ./vectora promote retry --to prod." in result.stdout


def test_a_bypass_before_the_release_arrives_says_why_nothing_was_retried(
    pipeline: MemoryPipeline, bypassed: list[Bypass]
) -> None:
    pipeline.status, pipeline.statuses = "Succeeded", {}
    document = json.loads(vectora(*BYPASS, "--json").stdout)
    assert (len(bypassed), document["gates"]) == (1, ["soak"])
    assert "there is nothing to retry" in document["retry"]
