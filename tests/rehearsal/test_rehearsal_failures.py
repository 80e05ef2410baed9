"""A rehearsal that fails or is stopped shows the reason and the step's log, and leaves no process or file behind."""

from __future__ import annotations

import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rehearsal.codepipeline.service import SCRATCH_PREFIX as CODEPIPELINE_SCRATCH_PREFIX
from rehearsal.emulator import SCRATCH_PREFIX
from rehearsal.repository import copy_checkout
from rehearsal.run import RehearsalOptions, rehearse
from terminal.console import Terminal

FakeCdk = Callable[[str], Path]
# Only a guard against hanging.
HANGS_AFTER_SECONDS = 600
RUN = """
import sys
from pathlib import Path
from rehearsal.run import RehearsalOptions, rehearse
sys.exit(rehearse(RehearsalOptions(root=Path(sys.argv[1]))))
"""


@pytest.fixture
def checkout(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCdk:
    """A function that makes a checkout whose `cdk` is a shell script; temporary files go to a separate folder."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)

    def make(script: str) -> Path:
        place = tmp_path / "checkout"
        (place / ".venv" / "bin").mkdir(parents=True)
        for name in ("config", "docs", ".venv-emulator"):
            (place / name).symlink_to(root / name)
        # The pipeline is synthesized by tools.synthesize, which runs the CLI.
        tools = {"cdk": script, "python": 'shift 2; exec "${0%/*}/cdk" synth "$@"'}
        for name, text in tools.items():
            tool = place / ".venv" / "bin" / name
            tool.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            tool.chmod(0o755)
        return place

    return make


def _left_in_temporary_folder() -> list[Path]:
    return [
        found
        for prefix in (SCRATCH_PREFIX, CODEPIPELINE_SCRATCH_PREFIX)
        for found in Path(os.environ["TMPDIR"]).glob(f"{prefix}*")
    ]


def test_a_failing_step_gives_exit_code_1_its_log_and_the_logs_path(checkout: FakeCdk) -> None:
    place = checkout('if [ "$1" = deploy ]; then echo The template is wrong; exit 3; fi')
    shown = io.StringIO()
    code = rehearse(RehearsalOptions(root=place), Terminal(file=shown, width=200))
    assert code == 1
    assert "The template is wrong" in shown.getvalue()
    assert "Step deploy-pipeline failed (exit code 3)" in shown.getvalue()
    log = place / "build" / "rehearsal" / "logs" / "deploy-pipeline.log"
    assert log.read_text(encoding="utf-8") == "The template is wrong\n"
    assert _left_in_temporary_folder() == []


def test_with_json_a_failure_is_one_document(checkout: FakeCdk, capsys: pytest.CaptureFixture[str]) -> None:
    place = checkout("echo No bootstrap today; exit 1")
    options = RehearsalOptions(root=place, as_json=True)
    assert rehearse(options, Terminal(file=io.StringIO())) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["succeeded"] is False
    assert document["log"] == ["No bootstrap today"]


def test_a_missing_tool_is_named_with_what_to_do(checkout: FakeCdk) -> None:
    place = checkout("exit 0")
    (place / ".venv" / "bin" / "cdk").unlink()
    shown = io.StringIO()
    assert rehearse(RehearsalOptions(root=place), Terminal(file=shown, width=200)) == 1
    assert "bin/cdk is missing: run `make setup`" in shown.getvalue()


def test_concurrent_rehearsals_in_one_folder_are_refused(checkout: FakeCdk) -> None:
    place = checkout("exit 0")
    results = place / "build" / "rehearsal"
    results.mkdir(parents=True)
    shown = io.StringIO()
    with (results / ".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert rehearse(RehearsalOptions(root=place), Terminal(file=shown, width=200)) == 1
    assert "Another rehearsal writes to" in shown.getvalue()
    assert _left_in_temporary_folder() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_after_a_signal_during_a_deployment(
    number: signal.Signals, checkout: FakeCdk, root: Path, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    place = checkout(f'if [ "$1" = deploy ]; then echo $$ > {begun}.$$; mv {begun}.$$ {begun}; exec sleep 600; fi')
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "lambda_src")])}
    with subprocess.Popen(
        [sys.executable, "-c", f"import signal\nsignal.signal(2, signal.default_int_handler)\n{RUN}", str(place)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    ) as process:
        while not begun.exists() and process.poll() is None:
            time.sleep(0.02)
        deployment = int(begun.read_text(encoding="ascii"))
        assert _left_in_temporary_folder() != []
        process.send_signal(number)
        assert process.wait() == {signal.SIGINT: 130, signal.SIGTERM: 130, signal.SIGKILL: -9}[number]
    deadline = time.monotonic() + HANGS_AFTER_SECONDS
    while (_left_in_temporary_folder() or _is_alive(deployment)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _left_in_temporary_folder() == []
    assert not _is_alive(deployment)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_change_of_the_rehearsals_copy_never_reaches_a_linked_file(tmp_path: Path) -> None:
    linked, checkout, copy = tmp_path / "linked", tmp_path / "checkout", tmp_path / "copy"
    linked.mkdir()
    checkout.mkdir()
    (linked / "settings.yaml").write_text("before", encoding="utf-8")
    (checkout / "config").symlink_to(linked)
    (checkout / "gone").symlink_to(tmp_path / "nowhere")
    copy_checkout(checkout, copy)
    (copy / "config" / "settings.yaml").write_text("after", encoding="utf-8")
    assert (linked / "settings.yaml").read_text(encoding="utf-8") == "before"
