"""Result of a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rehearsal.acts import CommitResult, EnvironmentResult
from rehearsal.model import Statistics
from rehearsal.profile import Profile


@dataclass(frozen=True, kw_only=True)
class RehearsalResult:
    """Result of a rehearsal that succeeded; `commits` are in the order they were pushed."""

    environments: tuple[EnvironmentResult, ...]
    commits: tuple[CommitResult, ...]
    resources: Mapping[str, int]
    calls: str
    model: Statistics
    profile: Profile
    seconds: float
