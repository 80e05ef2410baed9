"""Loss of an account: the environment is restored from the copy of its vault into a fresh account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rehearsal.account_loss import Loss, deploy_copy, deploy_environment, rehearse_account_loss
from rehearsal.certificates import Authority
from rehearsal.deployment import synthesize
from rehearsal.emulator import Emulator
from rehearsal.proxy import Proxy
from rehearsal.publishers import ALL_WELL, Publishers
from rehearsal.repository import copy_checkout
from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.records import LedgerEntry, Records
from vectora_ops.runs import RunRequest, follow_run, start_run
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_sources

LOST, BACKUP, FRESH = "444444444444", "555555555555", "666666666666"
REGION, COPY_REGION = "eu-west-3", "eu-central-1"
NAMES = Names(project="vectora-inbox", env="dev")
COPY = NAMES.copy_bucket("snapshots-copy")


@contextmanager
def step(_: str) -> Iterator[None]:
    yield


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the repository whose environments are in one account, and dev has a backup in another."""
    folder = tmp_path / "checkout"
    copy_checkout(ROOT, folder)
    (ROOT / "build").mkdir(exist_ok=True)
    for linked in (".venv", ".venv-emulator", "node_modules", "build"):
        (folder / linked).symlink_to((ROOT / linked).resolve())
    path = folder / "config" / "environments.yaml"
    text = path.read_text(encoding="utf-8")
    for heading, indent in (("pipeline:", "  "), ("  dev:", "    "), ("  stage:", "    "), ("  prod:", "    ")):
        backup = f'{indent}backup: {{account: "{BACKUP}", region: {COPY_REGION}}}\n' if heading == "  dev:" else ""
        text = text.replace(f"\n{heading}\n", f'\n{heading}\n{indent}account: "{LOST}"\n{backup}', 1)
    path.write_text(text, encoding="utf-8")
    # The local AWS's network reaches no package index: this builds the layers, which deployments then find.
    synthesize(folder, "dev", tmp_path / "cdk.out")
    return folder


@pytest.fixture
def emulator(checkout: Path) -> Iterator[Emulator]:
    authority = Authority()
    sources = load_sources(FolderContent(checkout / "config")).sources
    with (
        Proxy() as proxy,
        Publishers(proxy, authority, sources, scenario=ALL_WELL, day=datetime.now(UTC).date()),
        Emulator(ROOT / ".venv-emulator" / "bin" / "python", authority, region=REGION, proxy=proxy) as running,
    ):
        yield running


def test_an_environment_is_restored_into_a_fresh_account_after_its_account_is_lost(
    emulator: Emulator, checkout: Path
) -> None:
    deploy_copy(emulator, checkout, "dev")
    deploy_environment(emulator, checkout, "dev")
    account = Account(LOST, REGION, emulator.session(LOST))
    states = account.client("stepfunctions")
    run = start_run(states, account.state_machine_arn(NAMES.state_machine), RunRequest(client_id="lai_weekly"))
    assert follow_run(states, run, lambda each: None).succeeded
    release = LedgerEntry(kind="release", digest="d" * 64, version="1.0.0", commit="c" * 40, at=datetime.now(UTC))
    Records(account, NAMES).add_to_ledger(release)
    loss = Loss(
        emulator=emulator,
        checkout=checkout,
        env="dev",
        fresh_account=FRESH,
        bucket_suffix="second",
        client_id="lai_weekly",
    )

    result = rehearse_account_loss(loss, step)

    assert result.newsletter == "SUCCEEDED"
    assert "3 items" in result.smoke_test
    assert result.objects_written > 0
    assert result.records == 1
    assert result.recovery_seconds >= result.restore_seconds
    fresh = Account(FRESH, REGION, emulator.session(FRESH))
    names = Names(project="vectora-inbox", env="dev", bucket_suffix="second")
    ledger = Records(fresh, names).ledger()
    assert (ledger[0].model_dump(), ledger[-1].kind) == (release.model_dump(), "rollback")
    replica = emulator.session(BACKUP, COPY_REGION).client("s3").list_object_versions(Bucket=COPY, Prefix="objects/")
    assert {each["StorageClass"] for each in replica["Versions"]} == {"GLACIER_IR"}
    assert "DeleteMarkers" not in replica
