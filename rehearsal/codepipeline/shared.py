"""What the engine's parts share: one lock, the connection to the emulator, and the caller's hooks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.codepipeline.aws import Aws
from rehearsal.codepipeline.errors import CodePipelineError
from rehearsal.codepipeline.events import Publisher
from rehearsal.codepipeline.hooks import Hooks
from rehearsal.codepipeline.jobs import Jobs


@dataclass
class Shared:
    """`changed` guards all state and is notified of every change of it."""

    hooks: Hooks
    publisher: Publisher
    scratch: Path
    logs: Path
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: bool = False
    connection: Aws | None = None
    jobs: Jobs = field(init=False)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.changed)

    @property
    def aws(self) -> Aws:
        """Raises CodePipelineError before `connect`."""
        if self.connection is None:
            raise CodePipelineError(
                "The stand-in for CodePipeline is not connected to an emulator yet: call connect()."
            )
        return self.connection

    def close(self) -> None:
        """Nothing starts any more, and nobody waits any more."""
        with self.changed:
            self.closing = True
            self.changed.notify_all()
