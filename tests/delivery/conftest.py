"""The rehearsal, played once: three commits through the project's own pipeline; its account stays up for the tests."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rehearsal.codepipeline import ExecutionReport
from rehearsal.delivery import Delivery
from rehearsal.run import RehearsalOptions, RehearsalResult, rehearsed

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Played:
    result: RehearsalResult
    delivery: Delivery
    reports: tuple[ExecutionReport, ...]
    shown: str

    @property
    def document(self) -> dict[str, Any]:
        """As --json prints it."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self.result), default=str))
        return document


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    progress = io.StringIO()
    options = RehearsalOptions(root=ROOT, results_folder=tmp_path_factory.mktemp("results"))
    with rehearsed(options, Console(file=progress, width=200)) as (result, delivery, reports):
        yield Played(result, delivery, tuple(reports), progress.getvalue())
