"""Jobs of Invoke actions, which their Lambda functions answer through the API."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.codepipeline.errors import ApiError
from rehearsal.codepipeline.state import new_id

# Limit for all variables of an action execution together.
VARIABLES_BYTES = 122_880


@dataclass(frozen=True)
class Answer:
    """Answer of the function; `failure` is a message and its type."""

    variables: Mapping[str, str] = field(default_factory=dict)
    continuation_token: str | None = None
    summary: str | None = None
    external_id: str | None = None
    failure: tuple[str, str] | None = None


@dataclass
class Job:
    """Job of one invocation; `data` is part of the function's event."""

    account: str
    data: Mapping[str, Any]
    context: Mapping[str, Any]
    id: str = field(default_factory=new_id)
    answer: Answer | None = None
    closed: bool = False


class Jobs:
    """All jobs by id, under the engine's lock."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._jobs: dict[str, Job] = {}

    def open(self, job: Job) -> Job:
        """Add a job that can be answered."""
        with self._changed:
            self._jobs[job.id] = job
        return job

    def get(self, job_id: str) -> Job:
        """Return a job; raise ApiError JobNotFoundException."""
        if job_id not in self._jobs:
            raise ApiError("JobNotFoundException", "The job was specified in an invalid format or cannot be found.")
        return self._jobs[job_id]

    def close(self, job: Job) -> None:
        """Refuse further answers to a job."""
        with self._changed:
            job.closed = True

    def answer(self, job_id: str, answer: Answer) -> None:
        """Store the answer to a job.

        Raise ApiError JobNotFoundException, InvalidJobStateException or OutputVariablesSizeExceededException.
        """
        if len(json.dumps(dict(answer.variables)).encode("utf-8")) > VARIABLES_BYTES:
            message = f"The output variables exceed the limit of {VARIABLES_BYTES} bytes."
            raise ApiError("OutputVariablesSizeExceededException", message)
        with self._changed:
            job = self.get(job_id)
            if job.closed or job.answer is not None:
                state = "Failed" if job.answer is None or job.answer.failure else "Succeeded"
                message = f"Job {job_id} is in the terminal state {state} and cannot be answered."
                raise ApiError("InvalidJobStateException", message)
            job.answer = answer
            self._changed.notify_all()
