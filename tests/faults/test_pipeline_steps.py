"""The pipeline's steps on a small environment: reused snapshots, holds, and a ledger of deployed releases only."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.faults.small_environment import NAMES, SmallEnvironment
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Observer
from vectora_ops.promotion.attestation import Attestation
from vectora_ops.promotion.job import Done
from vectora_ops.promotion.steps.gate import gate_step
from vectora_ops.promotion.steps.record import record_step
from vectora_ops.promotion.steps.snapshot import snapshot_step
from vectora_ops.records import Bypass, Hold, LedgerEntry, Records
from vectora_ops.settings import Promotion
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

DIGEST, CONTENT = "d" * 64, "a" * 64
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GIVEN = {"execution": "e-1", "digest": DIGEST, "content_digest": CONTENT, "version": "1.2.0", "commit": "c" * 40}
STAGE = Names(project=NAMES.project, env="stage")


def snapshot(account: Account, **changes: Any) -> Done:
    done = snapshot_step(account, NAMES, {**GIVEN, **changes}, None, observer=Observer())
    assert isinstance(done, Done)
    return done


def guard(account: Account, digest: str = DIGEST) -> Manifest:
    """Take a snapshot as the deployment of the operations stack does."""
    request = SnapshotRequest(label="before", occasion=Occasion(kind="deployment", detail=digest))
    return take_snapshot(account, NAMES, request)


def taken(account: Account) -> list[str]:
    return [manifest.name for manifest in Vault(account, NAMES).manifests()]


def deploy(account: Account, digest: str = DIGEST) -> None:
    """Write the release record, as CloudFormation does at the end of a deployment."""
    value = json.dumps({"digest": digest, "version": "1.2.0"})
    account.client("ssm").put_parameter(Name=NAMES.parameter("release"), Type="String", Value=value, Overwrite=True)


def record(account: Account, *, sleep: Callable[[float], None] = lambda seconds: None, **changes: Any) -> Done:
    given = {**GIVEN, "snapshot": "before", "smoke_test": "3 items", **changes}
    return record_step(account, NAMES, given, attest=attested, clock=lambda: NOON, sleep=sleep)


def attested(execution: str) -> Attestation:
    """Return what the pipeline's review says of an execution that nobody had to approve."""
    return Attestation()


def test_the_snapshot_that_the_operations_stack_took_is_reused(small: SmallEnvironment) -> None:
    manifest = guard(small.account)
    done = snapshot(small.account)
    assert done.variables == {"snapshot": manifest.name}
    assert taken(small.account) == [manifest.name]
    deployment = Records(small.account, NAMES).deployment()
    assert deployment is not None
    assert (deployment.state, deployment.execution, deployment.snapshot) == ("deploying", "e-1", manifest.name)


def test_later_changes_get_another_snapshot(small: SmallEnvironment) -> None:
    manifest = guard(small.account)
    small.break_it()
    done = snapshot(small.account)
    assert done.variables["snapshot"] != manifest.name
    assert len(taken(small.account)) == 2


def test_the_snapshot_of_another_release_is_not_reused(small: SmallEnvironment) -> None:
    manifest = guard(small.account, "e" * 64)
    assert snapshot(small.account).variables["snapshot"] != manifest.name


def test_no_release_is_deployed_to_a_held_environment_with_an_enabled_transition(small: SmallEnvironment) -> None:
    Records(small.account, NAMES).write_hold(Hold(state="held", reason="the smoke test failed.", at=NOON))
    with pytest.raises(VectoraError, match=r"Nothing was deployed: promotion is held since 2026-03-01 12:00 UTC"):
        snapshot(small.account)
    assert taken(small.account) == []
    assert Records(small.account, NAMES).deployment() is None


@pytest.mark.parametrize(
    ("key", "value"), [("digest", ""), ("digest", "xyz"), ("content_digest", ""), ("commit", ""), ("execution", "")]
)
def test_a_variable_that_codepipeline_left_empty_is_refused(small: SmallEnvironment, key: str, value: str) -> None:
    with pytest.raises(VectoraError, match=f"do not fit: '{key}'"):
        snapshot(small.account, **{key: value})


def test_the_ledger_entry_of_a_release_has_all_fields(small: SmallEnvironment) -> None:
    snapshot(small.account)
    deploy(small.account)
    record(small.account, bypassed="soak, runs", bypass_reason="a crash")
    [entry] = Records(small.account, NAMES).ledger()
    assert (entry.kind, entry.digest, entry.content_digest) == ("release", DIGEST, CONTENT)
    assert (entry.version, entry.commit) == ("1.2.0", "c" * 40)
    assert (entry.at, entry.snapshot, entry.execution, entry.smoke_test) == (NOON, "before", "e-1", "3 items")
    assert (entry.bypassed, entry.bypass_reason) == (("soak", "runs"), "a crash")
    deployment = Records(small.account, NAMES).deployment()
    assert deployment is not None
    assert deployment.state == "released"


def test_recording_twice_because_the_answer_was_lost_adds_one_entry(small: SmallEnvironment) -> None:
    snapshot(small.account)
    deploy(small.account)
    assert record(small.account) == record(small.account)
    assert len(Records(small.account, NAMES).ledger()) == 1


def test_a_release_that_is_not_deployed_is_not_recorded(small: SmallEnvironment) -> None:
    snapshot(small.account)
    deploy(small.account, "e" * 64)
    with pytest.raises(VectoraError, match="another deployment came in between"):
        record(small.account)
    assert Records(small.account, NAMES).ledger() == ()


def test_a_parameter_with_a_stale_value_is_read_again(small: SmallEnvironment) -> None:
    snapshot(small.account)
    deploy(small.account, "e" * 64)
    record(small.account, sleep=lambda seconds: deploy(small.account))
    assert len(Records(small.account, NAMES).ledger()) == 1


def test_an_execution_that_was_rolled_back_is_not_recorded(small: SmallEnvironment) -> None:
    snapshot(small.account)
    deploy(small.account)
    records = Records(small.account, NAMES)
    deployment = records.deployment()
    assert deployment is not None
    records.write_deployment(deployment.model_copy(update={"state": "rolled back"}))
    with pytest.raises(VectoraError, match="it was rolled back, or another came after it"):
        record(small.account)


def test_the_ledger_is_the_parameters_history(small: SmallEnvironment) -> None:
    records = Records(small.account, NAMES)
    for number in range(3):
        records.add_to_ledger(LedgerEntry(kind="release", digest=str(number) * 64, version="1.0.0", at=NOON))
    assert [entry.digest[0] for entry in records.ledger()] == ["0", "1", "2"]
    pages = small.account.client("ssm").get_parameter_history(Name=NAMES.parameter("promotion/ledger"))
    assert len(pages["Parameters"]) == 3


# --- the gate


def gate(account: Account, policy: Promotion) -> Done:
    return gate_step(account, NAMES, STAGE, policy, GIVEN, attest=attested)


def test_the_gate_refuses_with_its_reasons_and_what_to_do(small: SmallEnvironment) -> None:
    with pytest.raises(VectoraError) as refused:
        gate(small.account, Promotion(requires_smoke_test=True, soak_days=14))
    assert "smoke-test fail: dev has no smoke test of this content on record" in str(refused.value)
    assert "soak fail" in str(refused.value)
    assert "./vectora promote explain --to stage" in str(refused.value)


def tested_here(account: Account) -> None:
    """Record that the environment has the content, under a digest of its own."""
    entry = LedgerEntry(
        kind="release", digest="b" * 64, content_digest=CONTENT, version="1.2.0", at=NOON, smoke_test="3 items"
    )
    Records(account, NAMES).add_to_ledger(entry)


@pytest.mark.parametrize(
    ("digest", "content", "sentence"),
    [
        ("e" * 64, CONTENT, "this is 1.2.0. The content is the same: only settings of stage change. Clients:"),
        (DIGEST, CONTENT, "this is 1.2.0. It is the same release. Clients:"),
        ("e" * 64, "f" * 64, "this is 1.2.0. Clients:"),
        ("e" * 64, None, "this is 1.2.0. Clients:"),
    ],
)
def test_the_gate_shows_the_approver_when_only_settings_change(
    small: SmallEnvironment, digest: str, content: str | None, sentence: str
) -> None:
    tested_here(small.account)
    there = LedgerEntry(kind="release", digest=digest, content_digest=content, version="1.1.0", at=NOON)
    Records(small.account, STAGE).add_to_ledger(there)
    assert sentence in gate(small.account, Promotion(requires_smoke_test=True)).variables["changes"]


def test_the_gate_shows_the_approver_what_changes(small: SmallEnvironment) -> None:
    tested_here(small.account)
    first = gate(small.account, Promotion(requires_smoke_test=True))
    assert first.variables["changes"] == "stage has no release yet; this is 1.2.0."
    assert first.variables["since"] == GIVEN["commit"]
    there = LedgerEntry(kind="release", digest="e" * 64, version="1.1.0", commit="b" * 40, at=NOON)
    Records(small.account, STAGE).add_to_ledger(there)
    second = gate(small.account, Promotion(requires_smoke_test=True))
    assert (
        "stage has 1.1.0 (digest eeeeeeeeeeee) since 2026-03-01 12:00 UTC, this is 1.2.0."
        in second.variables["changes"]
    )
    assert second.variables["since"] == "b" * 40
    assert all(second.variables.values()), "a variable of CodePipeline cannot be empty"


def test_the_output_of_the_gate_fits_the_parameters_of_later_actions(small: SmallEnvironment) -> None:
    hostile = '"},{{x}} #{codepipeline.PipelineExecutionId}\\' + "\U0001f4a5" * 900
    Records(small.account, STAGE).add_to_ledger(
        LedgerEntry(kind="release", digest="e" * 64, version=hostile, commit=hostile, at=NOON)
    )
    Records(small.account, STAGE).write_bypass(
        Bypass(digest=DIGEST, content_digest=CONTENT, gates=("smoke-test",), reason=hostile, by="somebody", at=NOON)
    )
    done = gate(small.account, Promotion(requires_smoke_test=True))
    assert done.variables["since"] == GIVEN["commit"], "what is no commit goes into no link"
    assert done.variables["bypassed"] == "smoke-test"
    for value in done.variables.values():
        assert json.loads(f'"{value}"') == value
        assert "#{" not in value
    # Additional information of an approval has 1000 characters, an action's user parameters too (quotas).
    assert len(done.variables["changes"]) <= 600
    assert len(done.variables["bypass_reason"]) <= 200


def test_a_hold_on_the_target_refuses_under_any_policy(small: SmallEnvironment) -> None:
    Records(small.account, STAGE).write_hold(Hold(state="held", reason="the smoke test failed.", at=NOON))
    with pytest.raises(VectoraError, match="hold fail: promotion is held"):
        gate(small.account, Promotion(requires_smoke_test=False))


def test_a_bypass_of_another_release_does_not_end_one_that_waits_for_its_approval(small: SmallEnvironment) -> None:
    records = Records(small.account, STAGE)
    for content, digest in ((CONTENT, DIGEST), ("f" * 64, "e" * 64)):
        records.write_bypass(
            Bypass(digest=digest, content_digest=content, gates=("smoke-test",), reason="fix", by="somebody", at=NOON)
        )
    assert gate(small.account, Promotion(requires_smoke_test=True)).variables["bypassed"] == "smoke-test"
