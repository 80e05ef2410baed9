"""The rehearsal, played once: three commits through the project's own pipeline; its account stays up for the tests."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsal.codepipeline import ExecutionReport, FailAfter
from rehearsal.delivery import Delivery
from rehearsal.result import RehearsalResult
from rehearsal.run import RehearsalOptions, completed_rehearsal
from terminal.console import Terminal
from tests.repository import ROOT
from vectora_ops.promotion.gates import BYPASSABLE_GATES
from vectora_ops.records import Bypass, Records


@dataclass(frozen=True)
class Played:
    result: RehearsalResult
    delivery: Delivery
    reports: tuple[ExecutionReport, ...]
    shown: str
    # By action; a test that fails one takes it out again.
    faults: dict[str, str | FailAfter]

    def let_into_prod(self, execution: str, reason: str) -> None:
        """Let the release of an execution skip the soak once it is built, as for a hotfix: tests cannot wait."""
        release = self.delivery.release(execution)
        bypass = Bypass(
            digest=release.digests["prod"],
            content_digest=release.content_digest,
            gates=BYPASSABLE_GATES,
            reason=reason,
            by="test",
            at=datetime.now(UTC),
        )
        Records(self.delivery.account(), self.delivery.names("prod")).write_bypass(bypass)

    @property
    def document(self) -> dict[str, Any]:
        """As --json prints it."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self.result), default=str))
        return document


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    progress = io.StringIO()
    faults: dict[str, str | FailAfter] = {}
    options = RehearsalOptions(
        root=ROOT,
        results_folder=tmp_path_factory.mktemp("results"),
        fault=lambda address: faults.get(address.action),
    )
    with completed_rehearsal(options, Terminal(file=progress, width=200)) as (result, delivery, reports):
        yield Played(result, delivery, tuple(reports), progress.getvalue(), faults)
