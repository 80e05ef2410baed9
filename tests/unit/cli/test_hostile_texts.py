"""Untrusted text in the output of every command: shown, but never interpreted by the terminal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from adoption.adopt import Adoption
from adoption.announcements import (
    Announcement,
    ChangedConfiguration,
    ChangedFunction,
    ChangedLogGroup,
    RemovedResource,
    StackChanges,
)
from adoption.recording import StackRecord
from cli import adopt, decision, output, promote, promotion_options, release, rollback, run, status
from cli.checkout import Comparison
from cli.client import client_file, diff, migrate, preview, show, validate
from cli.environment_status import ClientStatus, EnvironmentStatus, FunctionStatus, StackStatus
from cli.snapshot import listing, tables
from cli.snapshot.drill import RestoreRehearsal
from client_files.migration.migrate import Migration
from client_files.migration.move_data import Left, MovedFrom
from client_files.migration.outcomes import Addition, FieldOutcome
from client_files.migration.output_file import MigrationResult
from client_files.preview.model import ItemChange, Preview
from tests.repository import ROOT
from tests.unit.cli.hostile import HOSTILE, MARKUP, is_harmless, shows_markup
from vectora_ops.cloudformation.definition import ResourceChange, StackDefinition
from vectora_ops.cloudformation.imports import ImportableResource
from vectora_ops.names import Names
from vectora_ops.plain_text import one_line
from vectora_ops.records import ClientPromotion, LedgerEntry
from vectora_ops.rollback.plan import RollbackPlan, StackPlan
from vectora_ops.runs import RunOutcome
from vectora_ops.snapshots import compare
from vectora_ops.snapshots.catalog import SnapshotSummary, as_markdown
from vectora_shared.config.changes import Change
from vectora_shared.errors import VectoraError

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
DIGEST = "ab" * 32
Show = Callable[[], None]


def _status() -> EnvironmentStatus:
    return EnvironmentStatus(
        env=HOSTILE,
        release_digest=DIGEST,
        release_version=HOSTILE,
        release_since=None,
        release_commit=None,
        verified=False,
        held=True,
        promotion=(HOSTILE,),
        stacks=(StackStatus(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        functions=(FunctionStatus(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,)),),
        clients=(ClientStatus(HOSTILE, HOSTILE, None, HOSTILE),),
        drift=(HOSTILE,),
        config_bucket=HOSTILE,
        old_clients=(HOSTILE,),
        release_content_digest=HOSTILE,
        checkout=Comparison(state="differs", reason=HOSTILE),
    )


def _decision() -> dict[str, Any]:
    verdict = {"gate": HOSTILE, "outcome": "fail", "bypassed": True, "reason": HOSTILE}
    place = {"source": HOSTILE, "target": HOSTILE, "digest": HOSTILE}
    refusing = {**verdict, "bypassed": False}
    return {"verdicts": [verdict, refusing], "bypass_reason": HOSTILE, "sentence": HOSTILE, "outcome": "fail", **place}


def _ledger() -> tuple[LedgerEntry, ...]:
    entry = LedgerEntry(
        kind="release",
        digest=HOSTILE,
        content_digest=HOSTILE,
        version=HOSTILE,
        at=NOON,
        commit=HOSTILE,
        snapshot=HOSTILE,
    )
    bypassed = entry.model_copy(update={"bypassed": (HOSTILE,), "bypass_reason": HOSTILE})
    return entry, bypassed, entry.model_copy(update={"kind": "rollback", "reason": HOSTILE})


def _promotion() -> ClientPromotion:
    return ClientPromotion(
        state="promoted",
        client_id=HOSTILE,
        version=HOSTILE,
        version_before=HOSTILE,
        source=HOSTILE,
        sha256=DIGEST,
        snapshot=HOSTILE,
        at=NOON,
        outcome=HOSTILE,
    )


def _plan() -> RollbackPlan:
    changes = (ResourceChange(logical_id=HOSTILE, resource_type=HOSTILE, action=HOSTILE, replacement="True"),)
    return RollbackPlan(
        snapshot=HOSTILE,
        env=HOSTILE,
        components=("stacks",),
        stacks=(StackPlan(name=HOSTILE, action="update", changes=changes, repaired=(HOSTILE,), problem=HOSTILE),),
        changes=(compare.Change(component="clients", path=HOSTILE, kind="changed", text=(HOSTILE,)),),
    )


def _rolled_back() -> dict[str, Any]:
    names = dict.fromkeys(("env", "snapshot", "safety_snapshot"), HOSTILE)
    lists = {"stacks_changed": [HOSTILE], "resources_recreated": [HOSTILE], "ignored": [HOSTILE]}
    counts = {"objects_written": 1, "objects_deleted": 1, "seconds": 1.0, "nothing_to_do": False}
    return {**names, **lists, **counts, "smoke_test": {"reason": HOSTILE}}


def _listed(state: str = "complete") -> SnapshotSummary:
    return SnapshotSummary(
        name=HOSTILE,
        state=state,  # type: ignore[arg-type]
        started_at=NOON,
        occasion=HOSTILE,
        release_version=HOSTILE,
        release_digest=HOSTILE,
        entries=1,
        bytes=1,
        copied_bytes=1,
        pinned=True,
        locked_until=None,
    )


def _restored() -> RestoreRehearsal:
    return RestoreRehearsal(snapshot=HOSTILE, prefix=HOSTILE, entries=1, bytes=1, problems=(HOSTILE,))


def _run() -> RunOutcome:
    source = {"source_key": HOSTILE, "status": HOSTILE, "message": HOSTILE}
    scored = {"items_normalized": 1, "items_matched": 1, "analyzers": {HOSTILE: 1}, "cost_usd": None}
    return RunOutcome(
        execution_arn=HOSTILE,
        status="SUCCEEDED",
        started=NOON,
        seconds=1.0,
        steps={
            "ingest": {"items_total": 1, "items_new": 1, "sources": [source]},
            "normalize_score": {**scored, "fallback_reasons": {HOSTILE: 1}},
            "newsletter": {"total_items": 1, "target_date": HOSTILE, "bucket": HOSTILE, "files": {"md": HOSTILE}},
        },
        reason=None,
    )


def _preview() -> Preview:
    change = ItemChange("comes", HOSTILE, HOSTILE, HOSTILE, None, SimpleNamespace(section_id=HOSTILE, score=1.0))  # type: ignore[arg-type]
    return Preview(HOSTILE, date(2026, 1, 30), "stored", 1, (), (), (change,), HOSTILE, (HOSTILE,))  # type: ignore[arg-type]


def _migration() -> MigrationResult:
    outcome = FieldOutcome(HOSTILE, HOSTILE, 1, HOSTILE, "changed", HOSTILE, HOSTILE, HOSTILE)
    added = (Addition(HOSTILE, HOSTILE, HOSTILE),)
    migration = Migration(HOSTILE, HOSTILE, (HOSTILE, HOSTILE), b"", (outcome,), added, {HOSTILE: 1})
    return MigrationResult(migration, written=False, warnings=())


def _fail() -> None:
    with pytest.raises(typer.Exit):
        output.fail(one_line(HOSTILE))


SHOWN: dict[str, Show] = {
    "status": lambda: status._show_status(_status(), None),
    "run": lambda: run._show_run(_run()),
    "promote explain": lambda: decision.show_decision(_decision()),
    "release list": lambda: release._show_ledger("dev", _ledger(), DIGEST),
    "rollback --dry-run": lambda: rollback._show_plan(_plan(), as_json=False),
    "rollback": lambda: rollback._show_result(_rolled_back()),
    "snapshot list": lambda: output.out.print(tables.snapshot_table([_listed(), _listed("damaged")])),
    "snapshot list --markdown": lambda: output.print_lines(as_markdown(HOSTILE, [_listed()])),
    "snapshot diff": lambda: (tables.show_changes(_plan().changes, HOSTILE), None)[1],
    "snapshot diff, equal": lambda: (tables.show_changes([], HOSTILE), None)[1],
    "snapshot verify": lambda: tables.show_verification(
        {"snapshot": HOSTILE, "problems": [{"kind": HOSTILE, "name": HOSTILE, "detail": HOSTILE}]}
    ),
    "snapshot verify --restore": lambda: tables.show_rehearsal(_restored()),
    "client diff": lambda: diff.show_changes((Change(HOSTILE, {HOSTILE: HOSTILE}, HOSTILE, "major"),)),
    "client preview": lambda: preview._show(_preview()),
    "client migrate": lambda: migrate._show(_migration(), HOSTILE),
    "client migrate --move-data": lambda: migrate._show_moved(
        (MovedFrom(HOSTILE, 1, 1, (Left(HOSTILE, HOSTILE, HOSTILE, HOSTILE),)),), HOSTILE, HOSTILE, dry_run=False
    ),
    "an error": _fail,
}


@pytest.mark.parametrize("command", SHOWN)
def test_a_hostile_text_is_shown_as_text(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    SHOWN[command]()
    captured = capsys.readouterr()
    shown = captured.out + captured.err
    assert is_harmless(shown), ascii(shown)
    assert shows_markup(shown.replace("\\[", "[").replace("\\]", "]")), ascii(shown)


def test_a_hostile_error_of_several_lines_does_not_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        output.fail(f"one {HOSTILE}\ntwo")
    shown = capsys.readouterr().err
    assert "\ntwo" in shown
    assert "\x1b" not in shown
    assert shows_markup(shown)


def test_an_error_of_a_command_is_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    @output.report_errors
    def command() -> None:
        raise VectoraError(f"The file {HOSTILE.partition(chr(13))[0]} is wrong.")

    with pytest.raises(typer.Exit):
        command()
    shown = capsys.readouterr().err
    assert is_harmless(shown)
    assert shows_markup(shown)


def test_json_has_the_same_text_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    document = {HOSTILE: [HOSTILE, "\ud800 \U000e0041", "Zürich"]}
    output.print_json(document)
    printed = capsys.readouterr().out
    assert json.loads(printed) == {HOSTILE: [HOSTILE, "\ud800 \U000e0041", "Zürich"]}
    assert is_harmless(printed)
    assert "Zürich" in printed
    assert printed.encode("utf-8")


def _invoke(command: Callable[..., None], *arguments: str) -> Result:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace an environment by one whose records, answers and snapshots are all hostile."""
    target = SimpleNamespace(account=None, names=SimpleNamespace(env="dev"), settings=SimpleNamespace(backup=None))
    records = SimpleNamespace(ledger=_ledger, client_promotions=lambda: (_promotion(),))
    for module in (release, promote, promotion_options, listing):
        monkeypatch.setattr(module, "open_target", lambda env: target)
    monkeypatch.setattr(release, "Records", lambda account, names: records)
    monkeypatch.setattr(release, "live_digest", lambda account, names: HOSTILE)
    monkeypatch.setattr(promote, "run_remotely", lambda *_: {"decision": _decision()})
    monkeypatch.setattr(
        promote,
        "release",
        lambda account, names, by, clock: SimpleNamespace(reason=HOSTILE, model_dump=lambda mode: {}),
    )
    monkeypatch.setattr(promote, "_caller", lambda here: HOSTILE)
    monkeypatch.setattr(listing, "Vault", lambda account, names: None)
    monkeypatch.setattr(listing, "list_snapshots", lambda vault: (_listed(), _listed("leftover")))


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("command", "arguments", "code"),
    [
        (release.list_releases, ("--env", "dev"), 0),
        (promote.explain, ("--to", "stage"), 3),
        (promote.release_hold, ("--env", "dev"), 0),
        (listing.list_command, ("--env", "dev"), 0),
    ],
)
def test_commands_succeed_with_hostile_texts(
    command: Callable[..., None], arguments: tuple[str, ...], code: int, as_json: bool
) -> None:
    result = _invoke(command, *arguments, *(["--json"] if as_json else []))
    assert result.exit_code == code, result.exception
    assert is_harmless(result.output), ascii(result.output)
    if as_json:
        json.loads(result.stdout)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a configuration with a hostile newsletter name, and a client file with a hostile file name."""
    folder = tmp_path / "config"
    (folder / "clients").mkdir(parents=True)
    shutil.copytree(ROOT / "config/canonical", folder / "canonical")
    text = (ROOT / "config/clients/canary.yaml").read_text(encoding="utf-8")
    old, _, rest = text.partition("  name: ")
    _, _, after = rest.partition("\n")
    # What configuration files may have of the hostile text; controls are refused.
    name = json.dumps(f"{MARKUP} \u200b\u200f")
    (folder / "clients/canary.yaml").write_text(f"{old}  name: {name}\n{after}", encoding="utf-8")
    (folder / "canary [x] \x1b[31m.yaml").write_text(text, encoding="utf-8")
    for module in (client_file, show):
        monkeypatch.setattr(module, "CONFIG", folder)
    return folder


def test_hostile_client_files_are_listed_shown_and_compared(config: Path) -> None:
    other = str(config / "canary [x] \x1b[31m.yaml")
    listed = _invoke(show.list_clients, "--config", str(config))
    shown = _invoke(show.show, "canary", "--config", str(config))
    compared = _invoke(diff.diff, "canary", "--from", other)
    for result in (listed, shown, compared):
        assert result.exit_code == 0, result.output
        assert is_harmless(result.output), ascii(result.output)
    assert "[/x] [link=https://evil.example]here" in shown.output
    assert "[/x] [link=https://evil.example]here" in compared.output
    assert r"canary [x] \x1b[31m.yaml has" in compared.output


def test_a_client_file_with_control_characters_is_refused_with_harmless_output(config: Path) -> None:
    path = config / "clients/canary.yaml"
    text = path.read_text(encoding="utf-8").replace("  name: ", f"  name: {json.dumps(HOSTILE)}  # ", 1)
    path.write_text(text, encoding="utf-8")
    refused = _invoke(validate.validate, "--config", str(config))
    assert refused.exit_code == 3
    assert "contains U+001B (ESCAPE)" in refused.output
    assert is_harmless(refused.output), ascii(refused.output)


def test_a_missing_file_with_a_hostile_name_is_reported(config: Path) -> None:
    missing = _invoke(validate.validate, f"{config}/[/x] \x1b[31m.yaml", "--config", str(config))
    assert missing.exit_code == 3
    assert r"[/x] \x1b[31m.yaml is missing: add the file." in missing.output
    assert is_harmless(missing.output)


def test_an_adoption_with_hostile_names_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = ImportableResource(stack_name=HOSTILE, logical_id=HOSTILE, kind=HOSTILE, name=HOSTILE, definition={})
    definition = StackDefinition(name=HOSTILE, template="", parameters={}, tags={}, capabilities=(), role_arn=None)
    record = StackRecord(definition, functions=(HOSTILE,), codes={}, descriptions=(HOSTILE,), roles=(HOSTILE,))
    announced = Announcement(
        removed=(RemovedResource(HOSTILE, HOSTILE, HOSTILE),),
        functions=(ChangedFunction(HOSTILE, (HOSTILE,)),),
        log_groups=(ChangedLogGroup(HOSTILE, None, 14),),
        configuration=ChangedConfiguration((HOSTILE,), (HOSTILE,), (HOSTILE,), (HOSTILE, HOSTILE)),
        old_versions={HOSTILE: 30},
        stacks=(
            StackChanges(
                HOSTILE,
                (ResourceChange(logical_id=HOSTILE, resource_type=HOSTILE, action="Modify", replacement="True"),),
            ),
        ),
    )
    account = SimpleNamespace(account_id="1" * 12, region="eu-west-3")
    target = SimpleNamespace(account=account, names=Names(project="vectora-inbox", env="dev"))
    monkeypatch.setattr(adopt, "open_target", lambda env: target)
    monkeypatch.setattr(adopt, "plan_adoption", lambda *_: Adoption((resource,), (record,), is_first=True))
    monkeypatch.setattr(adopt, "announce", lambda *_, **__: announced)
    monkeypatch.setattr("stacks.synthesis.synthesized_templates", lambda root, env: ())
    result = _invoke(adopt.adopt, "--env", "dev", "--dry-run")
    assert result.exit_code == 0, result.output
    assert is_harmless(result.output)
    assert shows_markup(result.output)
    assert "REPLACE in" in result.output


@pytest.mark.parametrize("ask", [output.ask_yes_no, output.ask_text])
def test_a_question_names_its_subject_as_text_on_standard_error(
    ask: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def command() -> None:
        ask(f"Promote {HOSTILE}?")

    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, input="y\n")
    assert result.exit_code == 0
    assert is_harmless(result.stderr), ascii(result.stderr)
    assert shows_markup(result.stderr)
    assert "Promote" not in result.stdout
