"""The stand-in for AWS CodePipeline, which starts before its emulator and ends after it."""

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
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.proxy import OpenNetwork, Proxy
from rehearsal.supervisor import end_supervised, start_supervised

SCRATCH_PREFIX = "codepipeline-"
WAIT_FOR_SIGNAL = [sys.executable, "-c", "import signal; signal.pause()"]


class CodePipeline:
    """CodePipeline behind AWS's host names in `proxy`, as a context manager.

    `connect` it to the emulator before a pipeline is deployed there.

    `repositories` maps a connection's owner/name to a local git repository. `image` is called before a build's
    commands with the build's source folder and home, and returns the variables of the build image. `observer` receives
    every change of state, in order. `fault` is called before each action: a text fails the action, FailAfter lets it
    run and then fails it. `logs` is the folder of the builds' logs, by default a temporary one. `network` is the
    network of builds and operators: AWS as in `proxy`, and the internet.
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
        # The supervisor removes the folder also when this process is killed.
        with Path(os.devnull).open("wb") as nowhere:
            self._cleaner = start_supervised(
                WAIT_FOR_SIGNAL, environment={}, folder=self._scratch, output=nowhere, remove=self._scratch
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
        # The emulator has ended by now, and with it all recipients of events.
        self._publisher.aws = None
        self._publisher.close()
        end_supervised(self._cleaner)

    def connect(self, emulator: Emulator, account: str = ACCOUNT, region: str | None = None) -> None:
        """Serve the pipelines of one account and region of `emulator`, with its IAM, from now on.

        Pipelines of an earlier emulator are deleted. The region is the emulator's by default.
        """
        if self._shared.connection is not None:
            self._engine.delete_all()
        self._shared.connection = self._publisher.aws = Aws(emulator, self.network, account, region)

    def pushed(self, repository: str, branch: str) -> list[str]:
        """Start the pipelines that watch the branch; return the ids of their executions."""
        return [execution.id for execution in self._engine.pushed(repository, branch)]

    def wait(self, pipeline: str, execution_id: str, timeout: float, *, until: Collection[str] = ENDED) -> str:
        """Wait until the execution's status is one of `until`, and return it.

        Raise CodePipelineError after `timeout` seconds.
        """
        execution = self._engine.execution(pipeline, execution_id)
        self._wait(lambda: execution.status in until, timeout, lambda: self._progress(pipeline, execution_id))
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
        """Wait until the action's status is one of `until`, and until an approval has its token.

        Raise CodePipelineError after `timeout` seconds.
        """
        execution = self._engine.execution(pipeline, execution_id)

        def is_reached() -> bool:
            run = execution.latest_run(stage, action)
            lacks_token = run is not None and run.action.type.category == "Approval" and run.token is None
            return run is not None and run.status in until and not lacks_token

        self._wait(is_reached, timeout, lambda: self._progress(pipeline, execution_id))

    def report(self, pipeline: str, execution_id: str) -> ExecutionReport:
        """Return the report of an execution, so far."""
        with self._shared.changed:
            return report(self._engine.execution(pipeline, execution_id))

    def _wait(self, condition: Callable[[], bool], timeout: float, progress: Callable[[], str]) -> None:
        with self._shared.changed:
            if not self._shared.changed.wait_for(condition, timeout):
                raise CodePipelineError(f"After {timeout:.0f} seconds {progress()}")

    def _progress(self, pipeline: str, execution_id: str) -> str:
        execution = self._engine.execution(pipeline, execution_id)
        actions = ", ".join(f"{run.stage}/{run.action.name} {run.status}" for run in execution.runs[-3:]) or "no action"
        return f"execution {execution_id} of pipeline '{pipeline}' is {execution.status} (last: {actions})."
