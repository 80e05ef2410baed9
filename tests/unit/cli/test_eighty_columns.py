"""`status`, `release list` and `promote explain` fit 80 columns with long names, and cut nothing that matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cli import decision, needs, output, release, status
from cli.checkout import Comparison
from cli.environment_status import ClientStatus, EnvironmentStatus, FunctionStatus, StackStatus
from terminal.console import Terminal
from tests.unit.ops.pages import overviews
from vectora_ops.names import FUNCTION_TASKS, LAYERS, OPERATIONS_TASKS, STACK_LAYERS, Names
from vectora_ops.records import LedgerEntry

WIDTH = 80
NAMES = Names(project="vectora-inbox-of-the-institute", env="stage")
NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
DIGEST, CONTENT, COMMIT = "ab" * 32, "cd" * 32, "ef" * 20
SNAPSHOT = "before_release_with_a_long_label_of_its_own_20260130_115900"
STATUS = EnvironmentStatus(
    env="stage",
    release_digest=DIGEST,
    release_version="12.34.567",
    release_since=None,
    release_commit=COMMIT,
    verified=True,
    held=True,
    promotion=("Held: promotion is held since 2026-01-30 12:00 UTC because the smoke test failed; " + "why " * 30,),
    stacks=tuple(
        StackStatus(NAMES.stack(layer), "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", NOON.isoformat())
        for layer in STACK_LAYERS
    ),
    functions=tuple(
        FunctionStatus(
            NAMES.function(task),
            "python3.13",
            "q" * 44,
            NOON.isoformat(),
            tuple(f"{NAMES.layer(layer)}:{number}" for number, layer in enumerate(LAYERS, 97)),
        )
        for task in (*FUNCTION_TASKS, *OPERATIONS_TASKS)
    ),
    clients=(ClientStatus("c" * 25, "10.11.12", True, "edited in the bucket since it was published"),),
    drift=("clients/lai_weekly.yaml: edited in the bucket since it was published.",),
    config_bucket=NAMES.bucket("config"),
    old_clients=(),
    release_content_digest=CONTENT,
    checkout=Comparison(state="differs", reason="it has 3 commits more"),
    delivery="Sends newsletters by e-mail to the readers in the clients' files.",
)


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make standard output a terminal of 80 columns."""
    monkeypatch.setattr(Terminal, "is_terminal", True)
    monkeypatch.setattr(output.out, "width", WIDTH)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > WIDTH] == []
    assert "…" not in "".join(lines)
    return lines


def test_status_fits_and_shows_every_name_status_and_layer_version(capsys: pytest.CaptureFixture[str]) -> None:
    status._show_status(STATUS, overviews.cost("stage"))
    shown = "".join("".join(_lines(capsys)).split())
    for stack in STATUS.stacks:
        assert stack.name in shown
    for function in STATUS.functions:
        assert function.name in shown
    for layer in STATUS.functions[0].layers:
        assert shown.count(layer) == len(STATUS.functions)
    assert shown.count("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS") == len(STATUS.stacks)
    assert "editedinthebucket" in shown


def test_status_of_a_quiet_environment_fits(capsys: pytest.CaptureFixture[str]) -> None:
    stacks = tuple(replace(each, status="UPDATE_COMPLETE") for each in STATUS.stacks)
    status._show_status(replace(STATUS, stacks=stacks, drift=()), overviews.cost("stage"))
    assert "  Cost in 2026-11: $3.53 so far, $4.14 at its end, 7% of $60." in _lines(capsys)


@pytest.mark.parametrize("state", overviews.STATES)
def test_what_needs_a_person_fits_in_each_state(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    overview = overviews.STATES[state]()
    needs.show_needs(overview)
    lines = _lines(capsys)
    commands = [f"  {each.command}" for each in overview.needs]
    assert [line for line in lines if line in commands] == commands


def test_a_release_list_fits_and_shows_digests_commit_snapshot_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    entry = LedgerEntry(
        kind="release",
        digest=DIGEST,
        content_digest=CONTENT,
        version="12.34.567",
        at=NOON,
        commit=COMMIT,
        snapshot=SNAPSHOT,
        bypassed=("soak", "runs", "end-to-end"),
        bypass_reason="the feed parser crashes on each page of the largest publisher",
    )
    release._show_ledger("stage", (entry, entry), DIGEST)
    lines = _lines(capsys)
    shown = " ".join(" ".join(lines).split())
    for part in (DIGEST[:12], CONTENT[:12], COMMIT[:12], SNAPSHOT, "bypassed soak, runs, end-to-end", "publisher"):
        assert shown.count(part) == 2
    assert sum("current" in line for line in lines) == 1


def _decision(*refusing: str) -> dict[str, object]:
    verdicts: list[dict[str, object]] = [
        {
            "gate": gate,
            "outcome": "fail" if gate in refusing else "pass",
            "bypassed": gate == "runs",
            "reason": f"the {gate} of this content lasted 0.3 of 14 days on stage since a failed run of a client",
            "numbers": {},
        }
        for gate in ("hold", "in-progress", "client-versions", "soak", "runs")
    ]
    return {
        "source": "stage",
        "target": "prod",
        "digest": DIGEST,
        "verdicts": verdicts,
        "bypass_reason": "a crash of the parser",
        "outcome": "fail" if refusing else "pass",
        "sentence": "not shown",
    }


def test_explain_fits_and_says_each_thing_once(capsys: pytest.CaptureFixture[str]) -> None:
    decision.show_decision(_decision("soak", "client-versions", "runs"))
    shown = " ".join(" ".join(_lines(capsys)).split())
    for gate in ("hold", "in-progress", "client-versions", "soak", "runs"):
        assert shown.count(f"the {gate} of this content lasted") == 1
    assert shown.count("a crash of the parser") == 1
    assert shown.endswith(
        f"Release {DIGEST[:12]} may not go from stage to prod yet, because of client-versions, soak. "
        "Bypassed: runs (a crash of the parser)."
    )


def test_explain_of_a_release_that_passes_ends_with_that(capsys: pytest.CaptureFixture[str]) -> None:
    decision.show_decision({**_decision(), "verdicts": []})
    assert _lines(capsys)[-1] == f"Release {DIGEST[:12]} may go from stage to prod."
