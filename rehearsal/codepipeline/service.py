"""The stand-in for AWS CodePipeline: started before the emulator that it acts upon, ended after it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rehearsal.certificates import Authority
from rehearsal.codepipeline.aws import Aws
from rehearsal.codepipeline.engine import Engine
from rehearsal.codepipeline.errors import CodePipelineError
from rehearsal.codepipeline.events import Publisher
from rehearsal.codepipeline.hooks import Fault, Hooks, Image, Observer, Timing, no_fault, no_observer
from rehearsal.codepipeline.report import ExecutionReport, report
from rehearsal.codepipeline.server import Server
from rehearsal.codepipeline.shared import Shared
from rehearsal.codepipeline.state import ENDED
from rehearsal.emulator import Emulator
from rehearsal.proxy import OpenNetwork, Proxy
from rehearsal.supervisor import end_supervised, start_supervised

SCRATCH_PREFIX = "codepipeline-"
WAITS_TO_BE_ENDED = [sys.executable, "-c", "import signal; signal.pause()"]


class CodePipeline:
    """Context manager: CodePipeline in `proxy`; `connect` it to the emulator before a pipeline is deployed there.

    `repositories` maps a connection's owner/name to a local git repository. `image` is called with a build's source
    folder and home before its commands and answers with what the build image would add to their environment.
    `observer` receives every change of state, in order. `fault` is called before each action: a sentence fails the
    action, FailAfter lets it run and then fails it. `logs` is where builds write; without it their logs are gone at
    the end. `network` is what builds and operators reach: AWS as in `proxy`, and package registries.
    """

    network: OpenNetwork

    def __init__(
        self,
        proxy: Proxy,
        authority: Authority,
        *,
        repositories: Mapping[str, Path],
        timing: Timing = Timing(),  # noqa: B008
        image: Image | None = None,
        observer: Observer | None = None,
        fault: Fault | None = None,
        logs: Path | None = None,
    ) -> None:
        self._proxy = proxy
        self._authority = authority
        self._hooks = Hooks(repositories, timing, image, observer or no_observer, fault or no_fault)
        self._logs = logs

    def __enter__(self) -> Self:
        self._scratch = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX)).resolve()
        # Removes the folder also when this process is killed.
        with Path(os.devnull).open("wb") as nowhere:
            self._keeper = start_supervised(
                WAITS_TO_BE_ENDED, environment={}, folder=self._scratch, output=nowhere, remove=self._scratch
            )
        logs = (self._logs or self._scratch / "logs").resolve()
        logs.mkdir(parents=True, exist_ok=True)
        self._publisher = Publisher(self._hooks.observer)
        self._shared = Shared(self._hooks, self._publisher, self._scratch, logs)
        self._engine = Engine(self._shared)
        self._server = Server(self._proxy, self._authority, self._engine)
        self.network = OpenNetwork(self._proxy)
        self.network.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.close()
        self.network.__exit__(kind, error, trace)
        self._server.close()
        # The emulator is gone by now, and with it everybody who could be told.
        self._publisher.aws = None
        self._publisher.close()
        end_supervised(self._keeper)

    def connect(self, emulator: Emulator) -> None:
        """From now on `emulator` decides who may call, and is acted upon; earlier pipelines are forgotten."""
        if self._shared.connection is not None:
            self._engine.forget()
        self._shared.connection = self._publisher.aws = Aws(emulator, self.network)

    def pushed(self, repository: str, branch: str) -> list[str]:
        """Start the pipelines that watch the branch; the result is the ids of their executions."""
        return [execution.id for execution in self._engine.pushed(repository, branch)]

    def wait(self, pipeline: str, execution_id: str, timeout: float, *, until: Collection[str] = ENDED) -> str:
        """The execution's status once it is one of `until`; raises CodePipelineError after `timeout` seconds."""
        execution = self._engine.execution(pipeline, execution_id)
        self._wait(lambda: execution.status in until, timeout, lambda: self._whereabouts(pipeline, execution_id))
        return execution.status

    def wait_for_action(
        self,
        pipeline: str,
        execution_id: str,
        stage: str,
        action: str,
        timeout: float,
        *,
        until: Collection[str] = ("InProgress",),
    ) -> None:
        """Until the action's status is one of `until` or, for an approval in progress, until it can be decided.

        Raises CodePipelineError after `timeout` seconds.
        """
        execution = self._engine.execution(pipeline, execution_id)

        def is_there() -> bool:
            run = execution.latest_run(stage, action)
            undecidable = run is not None and run.action.type.category == "Approval" and run.token is None
            return run is not None and run.status in until and not undecidable

        self._wait(is_there, timeout, lambda: self._whereabouts(pipeline, execution_id))

    def report(self, pipeline: str, execution_id: str) -> ExecutionReport:
        """Times and outcomes so far."""
        with self._shared.changed:
            return report(self._engine.execution(pipeline, execution_id))

    def _wait(self, is_so: Callable[[], bool], timeout: float, whereabouts: Callable[[], str]) -> None:
        with self._shared.changed:
            if not self._shared.changed.wait_for(is_so, timeout):
                raise CodePipelineError(f"After {timeout:.0f} seconds {whereabouts()}")

    def _whereabouts(self, pipeline: str, execution_id: str) -> str:
        execution = self._engine.execution(pipeline, execution_id)
        actions = ", ".join(f"{run.stage}/{run.action.name} {run.status}" for run in execution.runs[-3:]) or "no action"
        return f"execution {execution_id} of pipeline '{pipeline}' is {execution.status} (last: {actions})."
