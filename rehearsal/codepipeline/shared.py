"""State that the engine's parts share: the lock, the connection to the emulator, and the hooks."""

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
    """Shared state; `changed` is the lock of all state, and is notified of each change."""

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
        """The connected emulator; CodePipelineError before `connect`."""
        if self.connection is None:
            raise CodePipelineError(
                "The stand-in for CodePipeline is not connected to an emulator yet: call connect()."
            )
        return self.connection

    def close(self) -> None:
        """End all waits, and let no further action start."""
        with self.changed:
            self.closing = True
            self.changed.notify_all()
