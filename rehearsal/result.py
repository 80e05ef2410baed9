"""Result of a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.account_loss import AccountLossResult
from rehearsal.acts import CommitResult, EnvironmentResult
from rehearsal.model import Statistics
from rehearsal.monitoring.act import MonitoringResult
from rehearsal.profile import Profile


@dataclass(frozen=True, kw_only=True)
class RehearsalResult:
    """Result of a rehearsal that succeeded; `commits` are in the order they were pushed."""

    environments: tuple[EnvironmentResult, ...]
    commits: tuple[CommitResult, ...]
    resources: Mapping[str, int]
    calls: str
    monitored: tuple[MonitoringResult, ...]
    status_page: Path
    account_loss: AccountLossResult | None  # of a rehearsal in several accounts
    model: Statistics
    messages: tuple[Path, ...]  # newsletters that were sent by e-mail
    profile: Profile
    seconds: float
