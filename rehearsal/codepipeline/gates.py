"""Gates of stages: one execution at a time enters, by the pipeline's mode, when the transitions are open."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rehearsal.codepipeline.changes import of_execution
from rehearsal.codepipeline.errors import InterruptedActionError
from rehearsal.codepipeline.shared import Shared
from rehearsal.codepipeline.state import Execution, Gate, Record, now


@dataclass(frozen=True)
class Gates:
    """The gates of one pipeline; every method takes the engine's lock."""

    shared: Shared
    record: Record

    def enter(self, execution: Execution, position: int) -> bool:
        """Wait for the stage; return whether the execution entered it.

        Raise InterruptedActionError when the stand-in ends.
        """
        stages = execution.pipeline.stages
        gate = self._gate(stages[position].name)
        before = self._gate(stages[position - 1].name) if position else None
        began = time.monotonic()
        with self.shared.changed:
            # A retried execution holds its stage since the request for the retry.
            if gate.holder is not execution:
                self._queue(gate, execution)
                self.shared.changed.wait_for(lambda: self._is_decided(gate, before, execution))
                if execution in gate.waiting:
                    gate.waiting.remove(execution)
                execution.waited += time.monotonic() - began
            if self.shared.closing:
                raise InterruptedActionError("The stand-in for CodePipeline ends.")
            if execution.halting:
                return False
            gate.holder = gate.latest = execution
            return True

    def leave(self, execution: Execution, stage: str) -> None:
        """Free the stage for the next execution."""
        with self.shared.changed:
            gate = self._gate(stage)
            if gate.holder is execution:
                gate.holder = None
            self.shared.changed.notify_all()

    def _gate(self, stage: str) -> Gate:
        with self.shared.changed:
            return self.record.gates.setdefault(stage, Gate())

    def _queue(self, gate: Gate, execution: Execution) -> None:
        gate.waiting.append(execution)
        if execution.pipeline.execution_mode == "SUPERSEDED":
            newest = max(gate.waiting, key=self.record.executions.index)
            for older in [each for each in gate.waiting if each is not newest]:
                self._supersede(gate, older, newest)
        self.shared.changed.notify_all()

    def _supersede(self, gate: Gate, older: Execution, newest: Execution) -> None:
        gate.waiting.remove(older)
        older.status = "Superseded"
        older.ended = older.updated = now()
        older.message = f"Superseded by execution {newest.id}."
        self.shared.publisher.publish(of_execution(older, "SUPERSEDED"))

    def _is_decided(self, gate: Gate, before: Gate | None, execution: Execution) -> bool:
        if self.shared.closing or execution.halting:
            return True
        is_open = gate.inbound.enabled and (before is None or before.outbound.enabled)
        return is_open and gate.holder is None and gate.waiting[0] is execution
