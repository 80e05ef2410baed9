"""`./vectora promote approve`, `reject`, `retry` and `logs` on the stand-in for CodePipeline and the local AWS."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import approval, pipeline_stage, retry_stage
from cli.__main__ import app
from cli.exit_codes import ExitCode
from cli.logs.reading import lines_of_function
from cli.pipeline_stage import StageOfPipeline
from rehearsal.emulator import ACCOUNT
from tests.rehearsal.codepipeline.conftest import PATIENCE, REGION, Parts, World
from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.settings import load_settings
from vectora_shared.errors import VectoraError

NAMES = load_settings(ROOT).names("prod")
CONTENT = "cd" * 32
RELEASE = {"digest": "ab" * 32, "content_digest": CONTENT, "version": "1.4.2", "commit": "c0ffee"}


@pytest.fixture
def commands(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return `./vectora promote` with the account of the local AWS; nothing is held, and no function judges there."""

    class Nothing:
        def hold(self) -> None:
            return None

    def unreadable(env: str) -> Any:
        raise VectoraError(f"{env} is not deployed.")

    account = Account(ACCOUNT, REGION, world.emulator.session())
    monkeypatch.setattr(pipeline_stage, "open_account", lambda settings, where: account)
    monkeypatch.setattr(approval, "open_target", unreadable)
    target = type("Target", (), {"account": account, "names": NAMES})()
    monkeypatch.setattr(retry_stage, "open_target", lambda env: target)
    monkeypatch.setattr(retry_stage, "Records", lambda account, names: Nothing())

    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["promote", *arguments, "--to", "prod"])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


def _gate(parts: Parts) -> dict[str, Any]:
    parameters = {"do": "succeed", **RELEASE}
    configuration = {"FunctionName": "function", "UserParameters": json.dumps(parameters)}
    return parts.action("gate-prod", "Invoke", "Lambda", configuration=configuration, runOrder=1)


def test_a_rejected_release_is_retried_and_approved_by_commands(world: World, parts: Parts, commands: Any) -> None:
    manual = parts.action(
        "approval-prod",
        "Approval",
        "Manual",
        runOrder=2,
        configuration={"CustomData": "Release 1.4.2", "ExternalEntityLink": "https://git.example.org/compare"},
    )
    execution = world.create(NAMES.pipeline, parts.stage("prod", _gate(parts), manual))
    world.service.wait_for_action(NAMES.pipeline, execution, "prod", "approval-prod", PATIENCE)

    busy = commands("retry")
    assert (busy.exit_code, "waits for an approval" in busy.stderr) == (ExitCode.WAITING, True)
    rejected = commands("reject", "--yes", "--reason", "not today")
    assert rejected.exit_code == 0, rejected.output
    assert "Release 1.4.2, digest abababababab waits for the approval of prod" in rejected.stdout
    assert "Report: https://git.example.org/compare" in rejected.stdout
    assert "Commit c0ffee: The first commit" in rejected.stdout
    assert world.wait(NAMES.pipeline, execution) == "Failed"
    assert "not today" in world.error(NAMES.pipeline, execution, "approval-prod")
    assert commands("approve", "--yes").exit_code == ExitCode.NO

    assert commands("retry").exit_code == 0
    world.service.wait_for_action(NAMES.pipeline, execution, "prod", "approval-prod", PATIENCE)
    state = StageOfPipeline(Account(ACCOUNT, REGION, world.emulator.session()), NAMES).state()
    assert (state.running, state.failed) == (("approval-prod",), ())
    approved = commands("approve", "--yes", "--json")
    assert approved.exit_code == 0, approved.output
    assert json.loads(approved.stdout)["content_digest"] == CONTENT
    assert world.wait(NAMES.pipeline, execution) == "Succeeded"
    assert commands("retry").exit_code == ExitCode.NO


def test_the_lines_of_a_function_are_those_of_its_invocations(world: World) -> None:
    function = NAMES.function("smoke-test")
    lambda_ = world.aws("lambda")
    code = lambda_.get_function(FunctionName="function")["Configuration"]
    lambda_.create_function(
        FunctionName=function,
        Runtime=code["Runtime"],
        Handler="handler.lambda_handler",
        Role=code["Role"],
        Code={"ZipFile": _zipped("def lambda_handler(event, context):\n    print('a line', event)\n")},
    )
    before = datetime.now(UTC) - timedelta(minutes=1)
    for number in (1, 2):
        lambda_.invoke(FunctionName=function, Payload=json.dumps({"number": number}))
    account = Account(ACCOUNT, REGION, world.emulator.session())
    found = lines_of_function(account, NAMES, "smoke-test", before, datetime.now(UTC) + timedelta(minutes=1))
    messages = [line for line in found.lines if line.kind == "message"]
    assert [line.text for line in messages] == ["a line {'number': 1}", "a line {'number': 2}"]
    assert len({line.request for line in messages}) == 2
    assert [line.kind for line in found.lines].count("report") == 2


def _zipped(source: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("handler.py", source)
    return written.getvalue()
