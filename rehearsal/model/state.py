"""State of the model that its server's threads share: behaviour, statistics and the permission check."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pydantic import BaseModel, ConfigDict, Field

from rehearsal.model.answers import Answer
from rehearsal.model.permissions import PermissionCheck
from rehearsal.model.profiles import InferenceProfile
from rehearsal.model.prompt_cache import PromptCache


class Behaviour(BaseModel):
    """Failures of the model; counts are of calls that pass the permission check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    throttle_every: int = Field(default=0, ge=0)  # every nth call is throttled; 0: none
    throttle_share: float = Field(default=0.0, ge=0, le=1)  # this share of calls, drawn with `seed`
    seed: int = 0
    malformed_every: int = Field(default=0, ge=0)
    unavailable_every: int = Field(default=0, ge=0)
    latency_seconds: float = Field(default=0.0, ge=0, le=120)


@dataclass(frozen=True)
class Statistics:
    """Counts of calls by their outcome."""

    calls: int = 0
    answered: int = 0
    denied: int = 0
    rejected: int = 0  # not a request that the service accepts
    throttled: int = 0
    malformed: int = 0
    unavailable: int = 0
    highest_concurrency: int = 0


@dataclass
class State:
    """Shared state; `passed` counts calls that passed the permission check since the behaviour was set."""

    answer: Answer
    profiles: Mapping[str, InferenceProfile]
    permissions: PermissionCheck | None = None
    prompt_cache: PromptCache = field(default_factory=PromptCache)
    behaviour: Behaviour = field(default_factory=Behaviour)
    statistics: Statistics = field(default_factory=Statistics)
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)
    passed: int = 0
    running: int = 0
    draw: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311

    def behave(self, behaviour: Behaviour) -> None:
        """Set the behaviour, and restart counts and draws."""
        with self.lock:
            self.behaviour = behaviour
            self.statistics = Statistics()
            self.passed = 0
            self.draw = random.Random(behaviour.seed)  # noqa: S311

    @contextlib.contextmanager
    def running_call(self) -> Iterator[None]:
        """Count a call while it runs."""
        with self.lock:
            self.running += 1
            highest = max(self.statistics.highest_concurrency, self.running)
            self.statistics = replace(self.statistics, calls=self.statistics.calls + 1, highest_concurrency=highest)
        try:
            yield
        finally:
            with self.lock:
                self.running -= 1

    def count(self, outcome: str) -> None:
        """Add one to a field of the statistics."""
        with self.lock:
            self.statistics = replace(self.statistics, **{outcome: getattr(self.statistics, outcome) + 1})
