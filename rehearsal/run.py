"""The rehearsal: a local AWS, a pipeline in it, and three commits that go through dev, stage and prod as they must."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import Progress

from rehearsal.acts import Acts, Approver, EnvironmentResult
from rehearsal.calls import judge_calls
from rehearsal.codepipeline import ExecutionReport
from rehearsal.delivery import Delivery, Fault, StepError
from rehearsal.deployment import HOST_PLATFORM
from rehearsal.model import Behaviour
from rehearsal.press import Scenario
from rehearsal.result import RehearsalResult
from rehearsal.summary import show_summary
from rehearsal.view import PipelineView, progress_of
from terminal.console import Terminal, styled
from vectora_ops.plain_text import json_text
from vectora_shared.errors import VectoraError


@dataclass(frozen=True, kw_only=True)
class RehearsalOptions:
    """What is rehearsed, and with which publishers and model."""

    root: Path
    results_folder: Path | None = None  # build/rehearsal otherwise
    keep: bool = False
    as_json: bool = False
    ask: bool = False  # a person approves; otherwise the rehearsal does
    scenario: Scenario = field(default_factory=Scenario)
    behaviour: Behaviour = field(default_factory=Behaviour)
    fault: Fault | None = None  # asked before each action of the pipeline

    @property
    def results(self) -> Path:
        return self.results_folder or self.root / "build" / "rehearsal"


def rehearse(options: RehearsalOptions, console: Terminal | None = None) -> int:
    """Rehearse and report; the exit code is 1 when a step failed and 130 when somebody interrupted it.

    Progress and failures go to `console` (standard error), the summary or the JSON document to standard output.
    """
    console = console or Terminal(stderr=True)
    with _signals_as_interrupt():
        try:
            with rehearsed(options, console) as (result, delivery, reports):
                _report(options, result, reports)
                if options.keep:
                    _keep(console, delivery)
        except KeyboardInterrupt:
            console.print("Interrupted; everything was ended and removed.")
            return 130
        except VectoraError as error:
            _show_failure(options, console, error)
            return 1
    return 0


@contextlib.contextmanager
def _signals_as_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP end the rehearsal as Ctrl-C does, with all its clean-up."""

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
def _alone_in(folder: Path) -> Iterator[None]:
    """Raises VectoraError when another rehearsal writes to the folder; the system frees it when its owner is gone."""
    with (folder / ".lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise VectoraError(
                f"Another rehearsal writes to {folder}: wait for its end, or end the one that you kept (--keep)."
            ) from error
        yield


@contextlib.contextmanager
def rehearsed(
    options: RehearsalOptions, console: Terminal
) -> Iterator[tuple[RehearsalResult, Delivery, Sequence[ExecutionReport]]]:
    """All acts played; inside, everything is still up. Raises VectoraError when a step fails."""
    started = time.monotonic()
    logs = options.results / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone_in(options.results))
        progress = stack.enter_context(progress_of(console))
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
                )
            )
        acts = Acts(delivery, options.results, steps, _approver(options, progress))
        acts.play()
        with steps("Recorded calls judged under AWS's own action names; names of AWS that were asked for"):
            calls = judge_calls(delivery)
        progress.stop()
        result = RehearsalResult(
            environments=acts.environments,
            commits=acts.commits,
            resources=_counted(acts.environments),
            model=delivery.model.statistics,
            calls=calls,
            seconds=round(time.monotonic() - started, 1),
        )
        yield result, delivery, acts.reports


class _Steps:
    """Shows a step while it goes on, and what became of it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @contextlib.contextmanager
    def __call__(self, description: str) -> Iterator[None]:
        task = self._progress.add_task(description, total=None)
        started = time.monotonic()
        console = self._progress.console
        try:
            yield
        except BaseException:
            console.print(styled("✗", "red") + styled(f" {description}", ""))
            raise
        finally:
            self._progress.remove_task(task)
        seconds = time.monotonic() - started
        console.print(styled("✓", "green") + styled(f" {description} ", "") + styled(f"({seconds:.1f} s)", "dim"))


def _approver(options: RehearsalOptions, progress: Progress) -> Approver:
    console = progress.console

    def approve(information: str, link: str) -> bool:
        console.print(styled("Approval for prod:", "bold") + styled(f" {information}", ""), soft_wrap=True)
        console.print(styled(f"  What changes: {link}", ""), soft_wrap=True)
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
        show_summary(result, reports, options.root, Terminal())


def _keep(console: Terminal, delivery: Delivery) -> None:
    exports = delivery.tools_environment()
    console.print("\nThe local AWS stays up. In another terminal:")
    for name in sorted(name for name in exports if name.startswith(("AWS_", "NODE_", "HTTPS_", "NO_PROXY"))):
        console.say(f"  export {name}={exports[name]}")
    console.say(
        "Then: ./vectora status | ./vectora promote explain --to prod | aws s3 ls | "
        f"aws codepipeline get-pipeline-state --name {delivery.pipeline}"
    )
    console.say(f"The CDK needs --context {HOST_PLATFORM} here, as functions run on this machine's Python.")
    console.say(
        f"The model's behaviour: curl --noproxy '*' --cacert {delivery.emulator.ca_bundle} {delivery.model.control} "
        "(PUT sets it)"
    )
    console.say(f"End it: Ctrl-C here, or kill {os.getpid()}.")
    # To be stopped is how this ends as it should.
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    console.print("Ended; nothing is left of it.")


def _counted(results: Sequence[EnvironmentResult]) -> dict[str, int]:
    stacks = [stack for result in results for stack in result.stacks]
    return {
        "deployed_unmodified": sum(len(stack.unmodified) for stack in stacks),
        "completed_by_api": sum(len(stack.completed) for stack in stacks),
        "left_out": sum(len(stack.left_out) for stack in stacks),
    }
