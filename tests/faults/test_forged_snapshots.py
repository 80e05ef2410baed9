"""Forgeries by someone who may read and write everything in the vault: each ends in a refusal, or changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.docs.vault_in_memory import NAMES, VAULT
from tests.faults.in_memory import CONTENT, FIRST, LAST, InMemory, restore, take, three_snapshots
from vectora_ops.account import Account
from vectora_ops.names import ANCHORS
from vectora_ops.promotion.anchoring import anchor_snapshot, forget_anchors
from vectora_ops.promotion.automatic_rollback import AutomaticRollback
from vectora_ops.promotion.beginning import Beginning, begin_deployment
from vectora_ops.promotion.rollback_points import RollbackPoint
from vectora_ops.promotion.steps.parameters import StepParameters
from vectora_ops.records import Records
from vectora_ops.rollback.plan import plan_rollback
from vectora_ops.rollback.request import RollbackRequest, RollbackResult
from vectora_ops.rollback.run import roll_back
from vectora_ops.snapshots.anchors import ForgedError, NoAnchorError
from vectora_ops.snapshots.catalog import list_snapshots, newest_rollback_target
from vectora_ops.snapshots.manifest import Manifest, readme, sealed, to_bytes
from vectora_ops.snapshots.retention import Policy, decide
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import Problem, verify_snapshot, verify_vault
from vectora_shared.errors import VectoraError

FORGED = "forged_20260106_120006"
CLIENT = "clients/lai_weekly.yaml"
RELEASE = StepParameters(execution="e-1", digest="d" * 64, content_digest="a" * 64, version="1.2.0", commit="c" * 40)


@pytest.fixture
def memory() -> Iterator[InMemory]:
    with three_snapshots() as found:
        yield found


def be_in_time(memory: InMemory) -> None:
    """Let S3 have the time of Systems Manager, which moto takes from the machine."""
    memory.moment[0] = datetime.now(UTC).replace(microsecond=0)


def put(account: Account, key: str, body: bytes) -> None:
    account.client("s3").put_object(Bucket=VAULT, Key=key, Body=body)


def manifest_key(name: str) -> str:
    return f"snapshots/{name}/manifest.json"


def forged(account: Account, name: str, of: str) -> Manifest:
    """Return a manifest with the content of another snapshot, all of whose digests are right."""
    fields = Vault(account, NAMES).manifest(of).model_dump(mode="json", by_alias=True, exclude={"digest"})
    return sealed({**fields, "name": name})


def forge(account: Account, name: str, of: str = FIRST) -> None:
    manifest = forged(account, name, of)
    put(account, f"snapshots/{name}/README.md", readme(manifest))
    put(account, manifest_key(name), to_bytes(manifest))


def back_to(account: Account, name: str, without_anchor: str = "") -> RollbackResult:
    request = RollbackRequest(snapshot=name, components=CONTENT, without_anchor=without_anchor)
    return roll_back(account, NAMES, request, smoke_test=lambda: None)


def client_file(account: Account) -> bytes:
    answer: Any = account.client("s3").get_object(Bucket=NAMES.bucket("config"), Key=CLIENT)
    body: bytes = answer["Body"].read()
    return body


def problems(account: Account, name: str) -> tuple[Problem, ...]:
    return verify_snapshot(Vault(account, NAMES), name).problems


def test_a_manifest_over_the_right_one_is_reported_and_the_right_one_used(memory: InMemory) -> None:
    account = memory.account
    right = Vault(account, NAMES).anchors.of(LAST)
    put(account, manifest_key(LAST), to_bytes(forged(account, LAST, FIRST)))

    found = [each for each in problems(account, LAST) if each.kind == "forged"]
    result = back_to(account, LAST)

    assert right is not None
    assert [(each.name, each.right_version) for each in found] == [(manifest_key(LAST), right.version_id)]
    assert client_file(account) == b"last"
    assert [manifest_key(LAST) in each and str(right.version_id) in each for each in result.ignored] == [True]


def test_an_older_manifest_that_was_put_back_is_not_used(memory: InMemory) -> None:
    account = memory.account
    body, _ = Vault(account, NAMES).newest_manifest(FIRST)
    put(account, manifest_key(LAST), body)

    back_to(account, LAST)

    assert client_file(account) == b"last"


def test_a_manifest_whose_right_version_is_gone_is_refused(memory: InMemory) -> None:
    account = memory.account
    version = Vault(account, NAMES).anchors.of(LAST)
    put(account, manifest_key(LAST), to_bytes(forged(account, LAST, FIRST)))
    assert version is not None
    account.client("s3").delete_object(
        Bucket=VAULT, Key=manifest_key(LAST), VersionId=version.version_id, BypassGovernanceRetention=True
    )

    with pytest.raises(ForgedError, match=rf"{LAST}/manifest.json is damaged or forged.*its anchor names version"):
        back_to(account, LAST)
    assert client_file(account) == b"edited"
    assert {each.kind for each in problems(account, LAST)} == {"forged"}


@pytest.mark.parametrize("reason", ["", "I say so"])
def test_a_whole_new_snapshot_is_refused_also_with_a_reason(memory: InMemory, reason: str) -> None:
    account = memory.account
    be_in_time(memory)
    forge(account, FORGED)

    with pytest.raises(
        NoAnchorError, match=rf"Snapshot {FORGED} of dev, stored on .*has no anchor.*Anchors exist since"
    ):
        back_to(account, FORGED, reason)
    with pytest.raises(NoAnchorError):
        plan_rollback(account, NAMES, RollbackRequest(snapshot=FORGED, components=CONTENT))
    assert client_file(account) == b"edited"
    assert [each.kind for each in problems(account, FORGED)] == ["forged"]


def test_a_snapshot_from_before_anchors_needs_a_reason(memory: InMemory) -> None:
    account = memory.account
    account.client("ssm").delete_parameter(Name=NAMES.parameter(f"{ANCHORS}/{FIRST}"))

    with pytest.raises(NoAnchorError, match=r"from before anchors existed, or forged.*--without-anchor REASON"):
        back_to(account, FIRST)
    back_to(account, FIRST, "it is from before the upgrade")

    assert client_file(account) == b"first"


@pytest.mark.parametrize("component", ["clients", "newsletters"])
def test_an_index_or_a_pack_with_other_bytes_is_reported_and_the_right_version_used(
    memory: InMemory, component: Any
) -> None:
    account = memory.account
    vault = Vault(account, NAMES)
    manifest = vault.manifest(LAST)
    index = manifest.components[component].parts[0].index
    pack = next(vault.entries(manifest.components[component]))[0].slices[0].sha256
    for sha256 in (index, pack):
        put(account, f"objects/{sha256}", b"other")

    named = {each.name: each.right_version for each in problems(account, LAST)}
    result = back_to(account, LAST)

    assert all(named[f"objects/{sha256}"] for sha256 in (index, pack))
    assert len(result.ignored) == 2
    assert client_file(account) == b"last"


def test_an_altered_anchor_is_noticed(memory: InMemory) -> None:
    account = memory.account
    name = NAMES.parameter(f"{ANCHORS}/{LAST}")
    anchor = Vault(account, NAMES).anchors.of(LAST)
    assert anchor is not None
    for value in (anchor.model_copy(update={"sha256": "0" * 64}).model_dump_json(), "{}"):
        account.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
        with pytest.raises(ForgedError, match=r"damaged or forged|holds no anchor"):
            back_to(account, LAST)
    assert client_file(account) == b"edited"


def test_the_newest_snapshot_is_not_replaced_by_hiding_it(memory: InMemory) -> None:
    account = memory.account
    forge(account, FORGED)
    newest = newest_rollback_target(Vault(account, NAMES))
    assert newest is not None
    assert newest.name == LAST
    take(account, "newer")
    [newer] = [each.name for each in list_snapshots(Vault(account, NAMES)) if each.name.startswith("newer")]
    account.client("s3").delete_object(Bucket=VAULT, Key=manifest_key(newer))

    with pytest.raises(VectoraError, match=rf"{newer} was anchored on .* and was hidden or deleted since"):
        newest_rollback_target(Vault(account, NAMES))
    assert ("missing", manifest_key(newer)) in {
        (each.kind, each.name) for found in verify_vault(Vault(account, NAMES)) for each in found.problems
    }


def test_forged_snapshots_take_no_place_of_those_that_are_kept(memory: InMemory) -> None:
    account = memory.account
    be_in_time(memory)
    forge(account, FORGED)
    vault = Vault(account, NAMES)
    decisions = {
        each.name: each for each in decide(list_snapshots(vault), Policy(keep_last=1, minimum_age_days=0), vault.now())
    }
    assert not decisions[LAST].remove


def test_a_snapshot_is_anchored_only_if_it_says_what_is_deployed(memory: InMemory) -> None:
    account = memory.account
    account.client("ssm").put_parameter(
        Name=NAMES.parameter("release"), Value='{"digest": "x", "version": "9"}', Type="String", Overwrite=True
    )
    forge(account, FORGED)

    with pytest.raises(ForgedError, match=r"is not what is deployed in dev: release: release\.json"):
        anchor_snapshot(account, NAMES, FORGED)


def test_an_anchor_is_never_replaced(memory: InMemory) -> None:
    account = memory.account
    put(account, manifest_key(LAST), to_bytes(forged(account, LAST, FIRST)))

    with pytest.raises(ForgedError, match="an anchor is never replaced"):
        anchor_snapshot(account, NAMES, LAST)


def test_only_anchors_of_deleted_snapshots_are_forgotten(memory: InMemory) -> None:
    account = memory.account
    assert forget_anchors(account, NAMES) == ()
    account.client("s3").delete_object(Bucket=VAULT, Key=manifest_key(FIRST))
    assert forget_anchors(account, NAMES) == (FIRST,)


def test_a_deployment_does_not_begin_with_a_forged_snapshot(memory: InMemory) -> None:
    account = memory.account
    forge(account, FORGED)
    for snapshot, why in ((FORGED, "has no anchor"), (LAST, "is held by no operation, not by pipeline/e-1")):
        beginning = Beginning(release=RELEASE, snapshot=snapshot, lease_owner="pipeline/e-1")
        with pytest.raises(VectoraError, match=why):
            begin_deployment(account, NAMES, beginning)
    assert Records(account, NAMES).deployment() is None


def test_an_automatic_rollback_refuses_what_a_forged_record_names(memory: InMemory) -> None:
    account = memory.account
    forge(account, FORGED)
    reaction = AutomaticRollback(
        account, NAMES, roll_back=lambda request: pytest.fail(request.snapshot), notify=lambda *_: None, watch_hours=1
    )
    point = RollbackPoint(snapshot=FORGED, since=memory.moment[0])
    assert reaction._undo("a deployment failed", point).startswith(f"the rollback was refused: Snapshot {FORGED}")


def test_a_restore_after_all_this_still_works(memory: InMemory) -> None:
    restore(memory.account)
    assert client_file(memory.account) == b"first"
