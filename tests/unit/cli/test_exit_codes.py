"""Exit codes: each answer that the help of a command documents is one that it gives, and there are no others."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import client_files.sources.checking
import client_files.sources.trial
from cli import approval, approve_change, pipeline_stage, promote, promotion_options, retry_stage
from cli.__main__ import COMMANDS, app
from cli.change_approval import ReviewedChange
from cli.client import promote as client_promote
from cli.client import validate
from cli.doctor import examination
from cli.doctor.finding import Finding
from cli.exit_codes import ANSWERS, MEANINGS, ExitCode, sentence_on_answers
from cli.logs import command as logs_command
from cli.logs.reading import FoundLines
from cli.snapshot import commands
from cli.source import check, fetching, trial
from client_files.validate import Validation
from tests.repository import ROOT
from tests.unit.cli.pipeline_in_memory import DIGEST, MemoryPipeline
from vectora_ops.settings import load_settings
from vectora_ops.snapshots.compare import Change

Patch = pytest.MonkeyPatch
Prepare = Callable[[Patch], tuple[str, ...]]
# Time at which a gate can pass by itself.
READY_AT = "2026-02-13 12:00:00+00:00"


def _environment(patch: Patch, **pipeline: Any) -> None:
    """Replace the access to an environment and to the pipeline, whose last stage is as given."""
    caller = SimpleNamespace(get_caller_identity=lambda: {"Arn": "arn:aws:sts::111111111111:assumed-role/a/bob"})
    clients = {"codepipeline": MemoryPipeline(**pipeline), "sts": caller}
    account = SimpleNamespace(account_id="111111111111", region="eu-west-3", client=clients.__getitem__)
    target = SimpleNamespace(account=account, names=load_settings(ROOT).names("prod"), settings=None)
    for module in (promotion_options, approval, retry_stage, commands, client_promote, promote):
        patch.setattr(module, "open_target", lambda env: target)
    patch.setattr(pipeline_stage, "open_account", lambda settings, where: account)
    patch.setattr(approve_change, "open_account", lambda settings, where: account)
    patch.setattr(retry_stage, "Records", lambda account, names: SimpleNamespace(hold=lambda: None))


def _decision(outcome: str, gate: str = "runs", ready_at: str | None = None) -> dict[str, Any]:
    verdict = {"gate": gate, "outcome": outcome, "bypassed": False, "reason": "", "ready_at": ready_at}
    return {"source": "stage", "target": "prod", "digest": DIGEST, "outcome": outcome, "verdicts": [verdict]}


def _explain(outcome: str, gate: str = "runs", ready_at: str | None = None) -> Prepare:
    def prepare(patch: Patch) -> tuple[str, ...]:
        _environment(patch)
        patch.setattr(promote, "run_remotely", lambda *_: {"decision": _decision(outcome, gate, ready_at)})
        return "--to", "prod"

    return prepare


def _promote_client(outcome: str) -> Prepare:
    def prepare(patch: Patch) -> tuple[str, ...]:
        _environment(patch)
        file = {"client_id": "lai_weekly", "version": "9.0.0", "sha256": "0" * 64, "text": ""}
        answer = {"decision": _decision(outcome), "file": file}
        patch.setattr(client_promote, "run_in_function", lambda *_: answer)
        patch.setattr(client_promote, "is_unfinished", lambda *_: False)
        return "lai_weekly", "--from", "stage", "--to", "prod", "--json"

    return prepare


def _pipeline(*arguments: str, **pipeline: Any) -> Prepare:
    def prepare(patch: Patch) -> tuple[str, ...]:
        _environment(patch, **pipeline)
        return ("--to", "prod", *arguments)

    return prepare


def _approve_change(patch: Patch) -> tuple[str, ...]:
    _environment(patch)
    change = ReviewedChange("e", "d", "nothing", needs_approval=False)
    patch.setattr(approve_change, "reviewed_change", lambda *_: change)
    return "--execution", "e", "--reason", "x"


def _doctor(patch: Patch) -> tuple[str, ...]:
    patch.setattr(examination, "examine", lambda *_: (Finding("bootstrap", "fail", "it is missing"),))
    return ()


def _validate(patch: Patch) -> tuple[str, ...]:
    patch.setattr(validate, "validate_folder", lambda content: Validation({}, ("a.yaml is invalid.",)))
    return ()


def _logs(patch: Patch) -> tuple[str, ...]:
    names = load_settings(ROOT).names("prod")
    patch.setattr(logs_command, "open_target", lambda env: SimpleNamespace(account=None, names=names))
    patch.setattr(logs_command, "lines_of_function", lambda *_: FoundLines(()))
    return "--env", "prod", "--function", "ingest-v2"


def _diff(patch: Patch) -> tuple[str, ...]:
    _environment(patch)
    change = Change(component="clients", path="a", kind="changed", text=())
    patch.setattr(commands, "Vault", lambda *_: SimpleNamespace(manifest=lambda name: name))
    patch.setattr(commands, "between_snapshots", lambda *_: [change])
    return "a_20260101_000000", "b_20260101_000000", "--env", "dev", "--fail"


def _verify(patch: Patch) -> tuple[str, ...]:
    _environment(patch)
    found = {"snapshot": "a", "bytes": 1, "entries": 1, "problems": [{"kind": "damaged", "name": "a", "detail": "b"}]}
    patch.setattr(commands, "run_in_function", lambda *_: {"verifications": [found]})
    return "--env", "dev", "--remote", "--json"


@dataclass(frozen=True)
class _Tried:
    redirects: tuple[str, ...] = ()
    is_usable = False


@dataclass(frozen=True)
class _Checked:
    sources: tuple[str, ...] = ()
    failed = (SimpleNamespace(source_key="paper"),)


def _source(module: Any, name: str, result: object, *arguments: str) -> Prepare:
    def prepare(patch: Patch) -> tuple[str, ...]:
        patch.setattr(fetching, "page_reader", lambda content: None)
        for command in (check, trial):
            patch.setattr(command, "progress_display", lambda: nullcontext(SimpleNamespace(step=lambda text: None)))
        patch.setattr(module, name, lambda *_, **__: result)
        return (*arguments, "--json")

    return prepare


FAILED = {"status": "Failed", "statuses": {"gate-prod": "Failed"}}
# How each command comes to each of its answers.
SCENARIOS: dict[tuple[str, ExitCode], Prepare] = {
    ("client promote", ExitCode.NO): _promote_client("fail"),
    ("client promote", ExitCode.WAITING): _promote_client("inconclusive"),
    ("client validate", ExitCode.NO): _validate,
    ("doctor", ExitCode.NO): _doctor,
    ("logs", ExitCode.NO): _logs,
    ("promote approve", ExitCode.NO): _pipeline("--yes", **FAILED),
    ("promote approve-change", ExitCode.NO): _approve_change,
    ("promote explain", ExitCode.NO): _explain("fail"),
    ("promote explain", ExitCode.WAITING): _explain("fail", "soak", READY_AT),
    ("promote reject", ExitCode.NO): _pipeline("--yes", "--reason", "x", **FAILED),
    ("promote retry", ExitCode.NO): _pipeline(status="Succeeded", statuses={}),
    ("promote retry", ExitCode.WAITING): _pipeline(),
    ("snapshot diff", ExitCode.NO): _diff,
    ("snapshot verify", ExitCode.NO): _verify,
    ("source check", ExitCode.NO): _source(client_files.sources.checking, "check_sources", _Checked()),
    ("source try", ExitCode.NO): _source(
        client_files.sources.trial, "try_address", _Tried(), "https://example.com/feed"
    ),
}


def test_every_documented_answer_has_a_scenario_and_a_command() -> None:
    assert set(SCENARIOS) == {(words, code) for words, codes in ANSWERS.items() for code in codes}
    assert set(ANSWERS) <= {command.words for command in COMMANDS}


@pytest.mark.parametrize(("words", "code"), SCENARIOS, ids=lambda each: str(each))
def test_a_command_gives_the_answer_that_its_help_documents(words: str, code: ExitCode, monkeypatch: Patch) -> None:
    arguments = SCENARIOS[words, code](monkeypatch)
    result = CliRunner().invoke(app, [*words.split(), *arguments])
    assert result.exit_code == code, result.output or result.exception
    help_text = " ".join(CliRunner().invoke(app, [*words.split(), "--help"]).stdout.split())
    assert sentence_on_answers(words) in help_text
    assert f"with {code:d} if " in help_text


@pytest.mark.parametrize(
    ("outcome", "ready_at", "code"),
    [
        ("pass", None, ExitCode.YES),
        ("inconclusive", None, ExitCode.WAITING),
        ("fail", READY_AT, ExitCode.WAITING),
        # Such as a hold, or a soak that has not begun: time alone changes nothing.
        ("fail", None, ExitCode.NO),
    ],
)
def test_a_refusal_that_time_alone_ends_is_waiting(
    outcome: str, ready_at: str | None, code: ExitCode, monkeypatch: Patch
) -> None:
    arguments = _explain(outcome, "soak", ready_at)(monkeypatch)
    assert CliRunner().invoke(app, ["promote", "explain", *arguments]).exit_code == code


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_no_module_of_the_commands_exits_with_a_bare_number() -> None:
    bare = [
        f"{path.name}:{call.lineno}"
        for path in sorted((ROOT / "cli").rglob("*.py"))
        for name, call in _calls(path)
        if name in ("typer.Exit", "sys.exit")
        for argument in (*call.args, *(each.value for each in call.keywords))
        if any(isinstance(each, ast.Constant) and type(each.value) is int for each in ast.walk(argument))
    ]
    assert bare == []


def test_every_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)


def test_an_unknown_option_is_a_wrong_call() -> None:
    assert CliRunner().invoke(app, ["status", "--nothing"]).exit_code == ExitCode.USAGE
