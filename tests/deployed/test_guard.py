"""Guard of deployments: every deployment waits for a complete snapshot."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rehearsal.deployment import Cdk, run_cdk, synthesize
from rehearsal.emulator import ACCOUNT, Emulator
from stacks.assets.release import read_releases
from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.names import OPERATIONS_LAYER, STACK_LAYERS, Names
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.manifest import Manifest
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

NAMES = Names(project="vectora-inbox", env="dev")
OTHER_STACKS = tuple(NAMES.stack(layer) for layer in STACK_LAYERS if layer != OPERATIONS_LAYER)
COPIED = ("app.py", "cdk.json", "CHANGELOG.md", "checkout", "stacks", "constructs", "lambda_src", "config")
LINKED = ("tools", "build", "node_modules", "package.json", ".venv")
Deployed = tuple[Emulator, Cdk]


@pytest.fixture(scope="module")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the assembly of a release that differs in a canonical file, and its digest."""
    root = tmp_path_factory.mktemp("next") / "release"
    root.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    for name in LINKED:
        (root / name).symlink_to(ROOT / name)
    with (root / "config" / "canonical" / "models" / "pricing.yaml").open("a", encoding="utf-8") as file:
        file.write("# of the next release\n")
    synthesize(root, "dev", root / "cdk.out")
    return root / "cdk.out", read_releases(root / "cdk.out").digests["dev"]


def account_of(emulator: Emulator) -> Account:
    return Account(ACCOUNT, emulator.region, emulator.session())


def deploy(emulator: Emulator, assembly: Path) -> None:
    run_cdk(ROOT, "deploy", "--app", str(assembly), environment=emulator.environment())


def snapshots_before(emulator: Emulator, digest: str) -> list[Manifest]:
    """Return the snapshots taken before deployments of that release, oldest first."""
    manifests = Vault(account_of(emulator), NAMES).manifests()
    return [each for each in manifests if (each.occasion.kind, each.occasion.detail) == ("deployment", digest)]


def events_of(emulator: Emulator, stack: str) -> list[Any]:
    events: list[Any] = (
        emulator.session().client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    )
    return events


def states(emulator: Emulator) -> dict[str, tuple[str, datetime | None]]:
    stacks = emulator.session().client("cloudformation").describe_stacks()["Stacks"]
    return {
        each["StackName"]: (each["StackStatus"], each.get("LastUpdatedTime"))
        for each in stacks
        if each["StackName"] in OTHER_STACKS
    }


def released(emulator: Emulator) -> str:
    ssm = emulator.session().client("ssm")
    return str(json.loads(ssm.get_parameter(Name=NAMES.parameter("release"))["Parameter"]["Value"])["digest"])


def test_the_first_deployment_into_an_empty_account_takes_an_empty_snapshot(deployed: Deployed, assembly: Path) -> None:
    emulator = deployed[0]
    digest = read_releases(assembly).digests["dev"]
    first = snapshots_before(emulator, digest)[0]
    assert first.is_empty
    assert first.name.startswith(f"before_{digest[:12]}_")
    for stack in OTHER_STACKS:
        assert first.completed_at <= min(event["Timestamp"] for event in events_of(emulator, stack)), stack


def test_a_new_release_changes_nothing_before_its_snapshot_is_complete(
    deployed: Deployed, next_release: tuple[Path, str]
) -> None:
    emulator, cdk = deployed
    before, (assembly, digest) = released(emulator), next_release
    seen = {stack: len(events_of(emulator, stack)) for stack in OTHER_STACKS}
    try:
        deploy(emulator, assembly)

        snapshot = snapshots_before(emulator, digest)[-1]
        assert released(emulator) == digest
        assert snapshot.release is not None
        assert snapshot.release.digest == before
        events = {stack: events_of(emulator, stack) for stack in OTHER_STACKS}
        new = [each for stack, found in events.items() for each in found[: len(found) - seen[stack]]]
        assert new, "no other stack changed: the test proves nothing"
        assert snapshot.completed_at <= min(each["Timestamp"] for each in new)
    finally:
        cdk("deploy")
    assert released(emulator) == before


def test_a_snapshot_that_fails_stops_the_deployment_before_anything_else_changes(
    deployed: Deployed, next_release: tuple[Path, str]
) -> None:
    emulator = deployed[0]
    before = states(emulator), released(emulator)
    assembly, digest = next_release
    taken = len(snapshots_before(emulator, digest))

    with (
        Lease(account_of(emulator), NAMES, operation="rollback", subject="another"),
        pytest.raises(VectoraError, match=r"No snapshot, no deployment: Environment dev is busy: rollback another"),
    ):
        deploy(emulator, assembly)

    assert (states(emulator), released(emulator)) == before
    assert len(snapshots_before(emulator, digest)) == taken
    operations = emulator.session().client("cloudformation").describe_stacks(StackName=NAMES.stack(OPERATIONS_LAYER))
    assert operations["Stacks"][0]["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
