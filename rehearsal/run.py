"""The rehearsal: a local AWS, the project's pipeline in it, and three commits that the pipeline promotes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import Progress

from rehearsal.accounts import accounts_of
from rehearsal.acts import Acts, Approver, EnvironmentResult
from rehearsal.calls import judge_calls
from rehearsal.codepipeline import ExecutionReport
from rehearsal.delivery import Delivery, Fault
from rehearsal.keeping import keep_running
from rehearsal.mail import copy_messages
from rehearsal.model import Behaviour
from rehearsal.profile import StepTime, compared, profile_of
from rehearsal.publishers import Scenario
from rehearsal.pulse import beating
from rehearsal.result import RehearsalResult
from rehearsal.status_page import write_status_page
from rehearsal.summary import show_summary
from rehearsal.view import PipelineView, progress_of
from rehearsal.waiting import StepError
from terminal.console import Terminal, styled
from vectora_ops.plain_text import json_text
from vectora_shared.errors import VectoraError


@dataclass(frozen=True, kw_only=True)
class RehearsalOptions:
    """Options of a rehearsal: the checkout, the output, the approver, and how publishers and model behave."""

    root: Path
    results_folder: Path | None = None  # default: build/rehearsal
    keep: bool = False
    as_json: bool = False
    verbose: bool = False  # list each behaviour of AWS that the emulator lacks
    ask: bool = False  # a person approves; otherwise the rehearsal does
    accounts: int = 1  # 4: one for the pipeline, and one for each environment
    scenario: Scenario = field(default_factory=Scenario)
    behaviour: Behaviour = field(default_factory=Behaviour)
    fault: Fault | None = None  # called before each action of the pipeline

    @property
    def results(self) -> Path:
        """Folder of newsletters and logs."""
        return self.results_folder or self.root / "build" / "rehearsal"


def rehearse(options: RehearsalOptions, console: Terminal | None = None) -> int:
    """Rehearse and report; return exit code 1 when a step failed, and 130 after an interrupt.

    Progress and failures go to `console` (standard error), the summary or the JSON document to standard output.
    """
    console = console or Terminal(stderr=True)
    with _signals_as_interrupt():
        try:
            with completed_rehearsal(options, console) as (result, delivery, reports):
                _report(options, result, reports)
                if options.keep:
                    keep_running(console, delivery, options.results)
        except KeyboardInterrupt:
            console.print("Interrupted. All processes were ended, and their files removed.")
            return 130
        except VectoraError as error:
            _show_failure(options, console, error)
            return 1
    return 0


@contextlib.contextmanager
def _signals_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the rehearsal as Ctrl-C does, with all its clean-up."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show_failure(options: RehearsalOptions, console: Terminal, error: VectoraError) -> None:
    log = error.log if isinstance(error, StepError) else ()
    for line in log:
        console.say(f"  {line}")
    console.print(str(error), style="red", soft_wrap=True)
    if options.as_json:
        _write_json({"succeeded": False, "error": str(error), "log": log})


def _write_json(document: Mapping[str, Any]) -> None:
    sys.stdout.write(json_text(json.dumps(document, indent=2, ensure_ascii=False, default=str)) + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Raise VectoraError when another rehearsal uses the folder; the system releases the lock when that one ends."""
    with (folder / ".lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise VectoraError(
                f"Another rehearsal writes to {folder}: wait until it ends, or end the one that you kept (--keep)."
            ) from error
        yield


@contextlib.contextmanager
def completed_rehearsal(
    options: RehearsalOptions, console: Terminal
) -> Iterator[tuple[RehearsalResult, Delivery, Sequence[ExecutionReport]]]:
    """Run the whole rehearsal and keep its local AWS running inside the context.

    Raise VectoraError when a step fails.
    """
    started = time.monotonic()
    logs = options.results / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_exclusive(options.results))
        progress = stack.enter_context(progress_of(console))
        progress.add_task("Rehearsal", total=None)
        beats = stack.enter_context(contextlib.ExitStack())
        beats.enter_context(beating(progress, console))
        steps = _Steps(progress)
        with steps("Local AWS, CodePipeline, publishers and model started"):
            delivery = stack.enter_context(
                Delivery(
                    options.root,
                    logs=logs,
                    scenario=options.scenario,
                    behaviour=options.behaviour,
                    observer=PipelineView(progress),
                    fault=options.fault,
                    accounts=accounts_of(options.accounts),
                )
            )
        acts = Acts(delivery, options.results, steps, _approver(options, progress))
        acts.play()
        with steps("Status page written, as an operator reads the environments"):
            status_page = write_status_page(delivery, acts.monitored, options.results)
        with steps("Recorded calls checked: IAM permissions under AWS's own action names, and host names"):
            calls = judge_calls(delivery)
        # The summary ends the output, also while --keep waits.
        beats.close()
        progress.stop()
        seconds = round(time.monotonic() - started, 1)
        reports = [(commit.message, report) for commit, report in zip(acts.commits, acts.reports, strict=True)]
        profile = profile_of(seconds, steps.times, reports, delivery.settings.project)
        result = RehearsalResult(
            environments=acts.environments,
            commits=acts.commits,
            resources=_resource_counts(acts.environments),
            model=delivery.model.statistics,
            messages=copy_messages(delivery.emulator.mail, options.results / "mail"),
            calls=calls,
            monitored=acts.monitored,
            status_page=status_page,
            account_loss=acts.account_loss,
            profile=compared(profile, options.results),
            seconds=seconds,
        )
        yield result, delivery, acts.reports


class _Steps:
    """Progress of steps on the terminal: each while it runs, and its outcome."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.times: list[StepTime] = []

    @contextlib.contextmanager
    def __call__(self, description: str) -> Iterator[None]:
        task = self._progress.add_task(description, total=None)
        started = time.monotonic()
        console = self._progress.console
        try:
            yield
        except BaseException:
            console.print(styled("✗", "red") + styled(f" {description}", ""), soft_wrap=True)
            raise
        finally:
            self._progress.remove_task(task)
        seconds = time.monotonic() - started
        self.times.append(StepTime(name=description, seconds=round(seconds, 1)))
        line = styled("✓", "green") + styled(f" {description} ", "") + styled(f"({seconds:.1f} s)", "dim")
        console.print(line, soft_wrap=True)


def _approver(options: RehearsalOptions, progress: Progress) -> Approver:
    console = progress.console

    def approve(information: str, link: str) -> bool:
        console.print(styled("Approval for prod:", "bold") + styled(f" {information}", ""), soft_wrap=True)
        console.print(styled(f"  Report: {link}", ""), soft_wrap=True)
        if not options.ask:
            console.print("  Approved by the rehearsal (--ask lets you decide).")
            return True
        progress.stop()
        try:
            return console.input("Approve? [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False
        finally:
            progress.start()

    return approve


def _report(options: RehearsalOptions, result: RehearsalResult, reports: Sequence[ExecutionReport]) -> None:
    if options.as_json:
        _write_json({"succeeded": True, **asdict(result)})
    else:
        show_summary(result, reports, options.root, Terminal(), verbose=options.verbose)


def _resource_counts(results: Sequence[EnvironmentResult]) -> dict[str, int]:
    stacks = [stack for result in results for stack in result.stacks]
    return {
        "deployed_unmodified": sum(len(stack.unmodified) for stack in stacks),
        "completed_by_api": sum(len(stack.completed) for stack in stacks),
        "left_out": sum(len(stack.left_out) for stack in stacks),
    }
