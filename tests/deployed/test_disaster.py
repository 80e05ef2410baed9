"""A broken environment becomes again what its snapshot says, by its own functions under their own permissions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rehearsal.disaster import rehearse_disaster
from rehearsal.emulator import ACCOUNT, Emulator
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_vault

NAMES = Names(project="vectora-inbox", env="dev")


@contextmanager
def step(_: str) -> Iterator[None]:
    yield


def test_an_environment_broken_in_four_ways_is_rolled_back_and_proven(deployed: tuple[Emulator, Any]) -> None:
    emulator = deployed[0]
    account = Account(ACCOUNT, emulator.region, emulator.session(), str(emulator.ca_bundle))

    result = rehearse_disaster(account, NAMES, "lai_weekly", step)

    assert len(result.broken) == 4
    assert result.differences >= 5
    assert "3 items" in result.smoke_test
    recreated = {each.rpartition("/")[2] for each in result.resources_recreated}
    assert recreated == {"IngestV2Function", "NormalizeScoreV2Function", "NewsletterV2Function"}
    vault = Vault(account, NAMES)
    assert {result.snapshot, result.safety_snapshot} <= {files.name for files in vault.snapshots() if files.is_complete}
    assert [each.problems for each in verify_vault(vault) if each.problems] == []
