"""The rehearsal shows untrusted texts of actions, commits and pages without interpreting them."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rehearsal.account_loss import AccountLossResult
from rehearsal.acts import CommitResult, EnvironmentResult
from rehearsal.codepipeline import ActionReport, ExecutionReport, StateChange
from rehearsal.disaster import DisasterResult
from rehearsal.gaps.table import BEHAVIOUR_GAPS
from rehearsal.model import Statistics
from rehearsal.monitoring.act import MonitoringResult
from rehearsal.monitoring.proof import AlarmProof
from rehearsal.profile import KindTime, Profile
from rehearsal.result import RehearsalResult
from rehearsal.run import _approver, _Steps
from rehearsal.summary import show_summary
from rehearsal.view import PipelineView, progress_of
from terminal.console import Terminal
from tests.unit.cli.hostile import HOSTILE, is_harmless, shows_markup

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
ONE_LINE = HOSTILE.partition("\r")[0]


def _terminal() -> tuple[Terminal, io.StringIO]:
    file = io.StringIO()
    return Terminal(file=file, width=400), file


def test_the_live_view_shows_a_failing_actions_message_as_text() -> None:
    terminal, file = _terminal()
    with progress_of(terminal) as progress:
        view = PipelineView(progress)
        for kind, state in (("stage", "STARTED"), ("action", "STARTED"), ("action", "FAILED"), ("pipeline", "STOPPED")):
            view(StateChange(kind, "p", ONE_LINE, 1, ONE_LINE, ONE_LINE, state, HOSTILE, NOON, NOON, NOON))  # type: ignore[arg-type]
    assert is_harmless(file.getvalue()), ascii(file.getvalue())
    assert shows_markup(file.getvalue())


def test_a_step_and_a_request_for_approval_are_shown_as_text() -> None:
    terminal, file = _terminal()
    with progress_of(terminal) as progress:
        with _Steps(progress)(HOSTILE):
            pass
        approve = _approver(SimpleNamespace(ask=False), progress)  # type: ignore[arg-type]
        assert approve(HOSTILE, HOSTILE)
    assert is_harmless(file.getvalue()), ascii(file.getvalue())
    assert shows_markup(file.getvalue())


def _summarized() -> tuple[RehearsalResult, ExecutionReport]:
    names: dict[str, Any] = dict.fromkeys(CommitResult.__dataclass_fields__, HOSTILE)
    commit = CommitResult(**names | {"proofs": (HOSTILE,), "seconds": 1.0, "overhead_percent": 1.0})
    numbers = {"entries": 1, "bytes": 1, "differences": 1, "objects_written": 1, "rollback_seconds": 1.0}
    lists = {"broken": (HOSTILE,), "stacks_changed": (), "resources_recreated": ()}
    texts: dict[str, Any] = dict.fromkeys(DisasterResult.__dataclass_fields__, HOSTILE)
    disaster = DisasterResult(**texts | numbers | lists)
    stages = dict.fromkeys(("ingested", "normalized", "matched", "selected"), 1)
    run = SimpleNamespace(
        client_id=HOSTILE,
        analyzers={HOSTILE: 1},
        items=stages,
        files=(f"{ONE_LINE}.html",),
        troubled_sources={HOSTILE: HOSTILE},
    )
    seconds: dict[str, Any] = dict.fromkeys(("recovery_seconds", "deploy_seconds", "restore_seconds"), 1.0)
    environment = EnvironmentResult(env=HOSTILE, stacks=(), runs=(run,), disaster=disaster)  # type: ignore[arg-type]
    kind = KindTime(kind=HOSTILE, count=1, seconds=1.0, longest=1.0)
    counts = dict.fromkeys(("deployed_unmodified", "completed_by_api", "left_out"), 1)
    proof = AlarmProof(env=HOSTILE, alarm=HOSTILE, event=HOSTILE, happened=False)
    drawing = Path(f"/{ONE_LINE}.svg")
    monitored = MonitoringResult(env=HOSTILE, metrics=1, proofs=(proof,), dashboards={HOSTILE: drawing})
    result = RehearsalResult(
        environments=(environment,),
        commits=(commit,),
        resources=counts,
        calls=HOSTILE,
        monitored=(monitored,),
        status_page=Path(f"/{ONE_LINE}/status.html"),
        account_loss=AccountLossResult(**dict.fromkeys(AccountLossResult.__dataclass_fields__, HOSTILE) | seconds),
        model=Statistics(),
        messages=(Path(f"/{HOSTILE}/1.eml"),),
        profile=Profile(seconds=1.0, steps=(), actions=(), kinds=(kind,), slower=(HOSTILE,)),
        seconds=1.0,
    )
    action = ActionReport(ONE_LINE, ONE_LINE, "Build", "CodeBuild", 1, "Failed", HOSTILE, NOON, NOON, None)
    return result, ExecutionReport("p", "e", 1, "Failed", HOSTILE, NOON, NOON, 0.0, (action,))


def test_the_summary_shows_commits_sources_and_disasters_as_text() -> None:
    terminal, file = _terminal()
    result, report = _summarized()
    show_summary(result, [report], Path("/"), terminal)
    assert is_harmless(file.getvalue()), ascii(file.getvalue())
    assert shows_markup(file.getvalue())


def test_the_summary_ends_with_what_to_do_next_and_one_line_of_gaps() -> None:
    terminal, file = _terminal()
    result, report = _summarized()
    show_summary(result, [report], Path("/"), terminal)
    lines = file.getvalue().splitlines()
    begin = lines.index("What to do next:")
    assert "./vectora rehearse --keep" in "".join(lines[begin:])
    assert "status.html" in "".join(lines[begin:])
    assert lines[-1] == (
        f"{len(BEHAVIOUR_GAPS)} behaviours of AWS that the emulator lacks were checked otherwise: --verbose lists them."
    )


def test_with_verbose_the_summary_lists_each_gap_after_what_to_do_next() -> None:
    terminal, file = _terminal()
    result, report = _summarized()
    show_summary(result, [report], Path("/"), terminal, verbose=True)
    end = file.getvalue().partition("What to do next:")[2]
    assert all(gap.difference in end for gap in BEHAVIOUR_GAPS)
