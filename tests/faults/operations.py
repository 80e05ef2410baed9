"""Operations on the small environment, as tests call them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rehearsal.emulator import Emulator
from tests.faults.small_environment import NAMES
from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.rollback.request import RollbackRequest, RollbackResult
from vectora_ops.rollback.run import roll_back
from vectora_ops.snapshots.compare import Change, with_live
from vectora_ops.snapshots.manifest import COMPONENTS, Component, Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]


def take(account: Account, label: str = "good", **options: object) -> Manifest:
    request = SnapshotRequest(label=label, occasion=Occasion(kind="operator"), **options)  # type: ignore[arg-type]
    return take_snapshot(account, NAMES, request)


def resume(account: Account, name: str) -> Manifest:
    return take(account, "resumed", resume=name)


def back_to(account: Account, manifest: Manifest, components: tuple[Component, ...] = COMPONENTS) -> RollbackResult:
    request = RollbackRequest(snapshot=manifest.name, components=components)
    return roll_back(account, NAMES, request, smoke_test=lambda: None)


def differences(account: Account, manifest: Manifest) -> list[Change]:
    return list(with_live(Vault(account, NAMES), Environment(account, NAMES), manifest))


def kill_at(emulator: Emulator, step: str, operation: str, subject: str) -> None:
    """Run an operation in its own process, which kills itself with SIGKILL when the step begins."""
    environment = {**os.environ, **emulator.environment()}
    victim = subprocess.run(
        [sys.executable, str(FOLDER / "victim.py"), operation, subject, step],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert victim.returncode == -9, f"step '{step}' was never reached: {victim.stdout}{victim.stderr}"
