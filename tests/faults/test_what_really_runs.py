"""Records and steps of promotion tell what really runs, on a small environment."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rehearsal.promotion_in_process import PromotionInProcess
from tests.faults.operations import back_to, take
from tests.faults.small_environment import NAMES, SmallEnvironment, handler
from tests.faults.test_client_promotion import CLIENT, World, _file
from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_ops.progress import Observer
from vectora_ops.promotion.attestation import Attestation
from vectora_ops.promotion.job import Done, NotYet
from vectora_ops.promotion.steps.record import record_step
from vectora_ops.promotion.steps.snapshot import snapshot_step
from vectora_ops.records import ClientPromotion, Hold, LedgerEntry, Records
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.rollback.run import roll_back
from vectora_ops.snapshots.lease import Lease
from vectora_ops.what_runs import changes_by_hand, what_runs
from vectora_shared.errors import VectoraError

DIGEST, CONTENT = "d" * 64, "a" * 64
GIVEN = {"execution": "e-1", "digest": DIGEST, "content_digest": CONTENT, "version": "1.2.0", "commit": "c" * 40}
STAGE = Names(project=NAMES.project, env="stage")


def snapshot(account: Account, token: str | None = None, **options: Any) -> Done | NotYet:
    return snapshot_step(account, options.pop("names", NAMES), GIVEN, token, observer=Observer(), **options)


def record(account: Account) -> None:
    """Record the release, which nobody had to approve."""
    given = {**GIVEN, "snapshot": "before", "smoke_test": "3 items"}
    record_step(account, NAMES, given, attest=lambda execution: Attestation())


def release(account: Account) -> LedgerEntry:
    """Record that the environment has the release that runs now."""
    environment = Environment(account, NAMES)
    deployed = json.loads(environment.release() or "")
    entry = LedgerEntry(
        kind="release",
        digest=deployed["digest"],
        content_digest=CONTENT,
        version=deployed["version"],
        at=datetime.now(UTC),
        smoke_test="3 items",
        running=what_runs(environment),
    )
    Records(account, NAMES).add_to_ledger(entry)
    return Records(account, NAMES).ledger()[-1]


def changes(account: Account, entry: LedgerEntry) -> tuple[str, ...]:
    return changes_by_hand(Environment(account, NAMES), entry).remaining


# --- what runs


def test_nothing_was_changed_by_hand_after_a_release(small: SmallEnvironment) -> None:
    found = changes_by_hand(Environment(small.account, NAMES), release(small.account))
    assert (found.remaining, found.undone) == ((), ())


def test_each_function_stack_and_the_workflow_is_on_record(small: SmallEnvironment) -> None:
    World(small).workflow()
    kinds = {name.partition(" ")[0] for name in what_runs(Environment(small.account, NAMES))}
    assert kinds == {"function", "stack", "workflow"}


def test_changed_code_is_noticed(small: SmallEnvironment) -> None:
    entry, name = release(small.account), NAMES.function("normalize-score-v2")
    small.account.client("lambda").update_function_code(FunctionName=name, ZipFile=handler("by hand"))
    assert changes(small.account, entry) == (f"function {name} was changed by hand",)


def test_a_changed_setting_of_a_function_is_noticed(small: SmallEnvironment) -> None:
    entry, name = release(small.account), NAMES.function("ingest-v2")
    small.account.client("lambda").update_function_configuration(FunctionName=name, MemorySize=512)
    assert changes(small.account, entry) == (f"function {name} was changed by hand",)


def test_a_deleted_function_is_noticed(small: SmallEnvironment) -> None:
    entry, name = release(small.account), NAMES.function("ingest-v2")
    small.account.client("lambda").delete_function(FunctionName=name)
    assert changes(small.account, entry) == (f"function {name} was deleted",)


def test_a_changed_workflow_is_noticed(small: SmallEnvironment) -> None:
    world = World(small)
    world.workflow()
    entry = release(small.account)
    world.workflow(fails=True)
    assert changes(small.account, entry) == (f"workflow {NAMES.state_machine} was changed by hand",)


def test_a_stack_that_was_deployed_by_hand_is_noticed(small: SmallEnvironment) -> None:
    entry = release(small.account)
    small.deploy_runtime("2")
    assert f"stack {NAMES.stack('s1-runtime')} was changed by hand" in changes(small.account, entry)


def test_an_edited_and_a_deleted_file_are_noticed(small: SmallEnvironment) -> None:
    world = World(small)
    entry, s3 = release(small.account), small.account.client("s3")
    s3.put_object(Bucket=NAMES.bucket("config"), Key=CLIENT, Body=world.deployed + b"# by hand\n")
    deleted = next(key for key in world.content() if key.startswith("canonical/"))
    s3.delete_object(Bucket=NAMES.bucket("config"), Key=deleted)
    assert set(changes(small.account, entry)) == {
        f"{CLIENT} was edited in its bucket",
        f"{deleted} was deleted from its bucket",
    }


def test_a_promoted_file_is_no_change_by_hand(small: SmallEnvironment) -> None:
    world = World(small)
    world.workflow()
    entry = release(small.account)
    world.promote(_file())
    assert changes(small.account, entry) == ()


def test_a_change_that_was_undone_is_noticed_by_its_time(small: SmallEnvironment) -> None:
    entry, functions = release(small.account), small.account.client("lambda")
    name = NAMES.function("ingest-v2")
    before = functions.get_function_configuration(FunctionName=name)["MemorySize"]
    for size in (512, before):
        functions.update_function_configuration(FunctionName=name, MemorySize=size)
    found = changes_by_hand(Environment(small.account, NAMES), entry)
    assert found.remaining == ()
    assert [each.what for each in found.undone] == [f"function {name}"]


def test_a_release_of_an_earlier_version_of_this_app_is_compared_by_times(small: SmallEnvironment) -> None:
    entry = release(small.account)
    old = entry.model_copy(update={"running": None})
    assert changes(small.account, old) == ()
    name = NAMES.function("ingest-v2")
    small.account.client("lambda").update_function_code(FunctionName=name, ZipFile=handler("by hand"))
    [clause] = changes(small.account, old)
    assert clause.startswith(f"function {name} was changed on ")


def test_a_wrong_clock_of_who_wrote_the_ledger_decides_nothing(small: SmallEnvironment) -> None:
    entry = release(small.account)
    Records(small.account, NAMES).add_to_ledger(entry.model_copy(update={"at": entry.at - timedelta(days=400)}))
    found = changes_by_hand(Environment(small.account, NAMES), Records(small.account, NAMES).ledger()[-1])
    assert (found.remaining, found.undone) == ((), ())


# --- the snapshot step


def deployed(account: Account) -> None:
    value = json.dumps({"digest": DIGEST, "version": "1.2.0"})
    account.client("ssm").put_parameter(Name=NAMES.parameter("release"), Type="String", Value=value, Overwrite=True)


def test_a_deployment_notes_what_had_been_changed_by_hand_and_its_release_too(small: SmallEnvironment) -> None:
    release(small.account)
    name = NAMES.function("ingest-v2")
    small.account.client("lambda").update_function_code(FunctionName=name, ZipFile=handler("by hand"))
    snapshot(small.account)
    deployed(small.account)
    small.account.client("lambda").update_function_code(FunctionName=name, ZipFile=handler("ingest-v2 2"))
    record(small.account)
    last = Records(small.account, NAMES).ledger()[-1]
    assert last.repaired == (f"function {name} was changed by hand",)
    assert last.running == what_runs(Environment(small.account, NAMES))


def test_a_release_that_does_not_undo_a_change_by_hand_is_not_recorded(small: SmallEnvironment) -> None:
    release(small.account)
    name = NAMES.function("ingest-v2")
    small.account.client("lambda").update_function_code(FunctionName=name, ZipFile=handler("by hand"))
    snapshot(small.account)
    deployed(small.account)
    with pytest.raises(VectoraError, match=f"did not undo a change by hand: function {name}"):
        record(small.account)


def test_the_step_waits_for_another_operation_and_then_goes_on(small: SmallEnvironment) -> None:
    with Lease(small.account, NAMES, operation="prune", subject=""):
        waiting = snapshot(small.account)
    assert isinstance(waiting, NotYet)
    assert Records(small.account, NAMES).deployment() is None
    assert isinstance(snapshot(small.account, waiting.token), Done)


def promotion(at: datetime, state: Any = "promoting") -> ClientPromotion:
    return ClientPromotion(
        state=state, client_id="c", version="2.0.0", source="stage", sha256="f" * 64, snapshot="before_c", at=at
    )


def test_the_step_waits_for_the_promotion_of_a_clients_file(small: SmallEnvironment) -> None:
    records, now = Records(small.account, NAMES), datetime.now(UTC)
    records.write_client_promotion(promotion(now))
    waiting = snapshot(small.account)
    assert isinstance(waiting, NotYet)
    records.write_client_promotion(promotion(now, "promoted"))
    assert isinstance(snapshot(small.account, waiting.token), Done)


def test_an_interrupted_promotion_of_a_clients_file_stops_the_deployment(small: SmallEnvironment) -> None:
    Records(small.account, NAMES).write_client_promotion(promotion(datetime.now(UTC) - timedelta(hours=2)))
    with pytest.raises(VectoraError, match=r"was interrupted on .* or go back .*--snapshot before_c"):
        snapshot(small.account)
    assert Records(small.account, NAMES).deployment() is None


def test_a_hold_that_begins_during_the_snapshot_stops_the_deployment(small: SmallEnvironment) -> None:
    records = Records(small.account, NAMES)

    class Holding(Observer):
        def step(self, name: str) -> None:
            records.write_hold(Hold(state="held", reason="three runs failed", at=datetime.now(UTC)))

    with pytest.raises(VectoraError, match="Nothing was deployed: promotion is held"):
        snapshot_step(small.account, NAMES, GIVEN, None, observer=Holding())
    assert records.deployment() is None


@dataclass
class PrecedingEnvironment:
    """The promotion function of the preceding environment, as an invocation sees it."""

    outcome: str
    asked: list[dict[str, Any]]

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        self.asked.append({"function": FunctionName, **json.loads(Payload)})
        decision = {"outcome": self.outcome, "sentence": "soak fail: alarm failed-runs was raised."}
        return {"Payload": io.BytesIO(json.dumps({"state": "done", "decision": decision}).encode())}


@pytest.fixture
def stage(small: SmallEnvironment) -> Account:
    """The same account with a vault for environment stage, which has nothing else."""
    s3 = small.account.client("s3")
    region = {"LocationConstraint": small.account.region}
    for content in ("snapshots", "config", "data", "newsletters"):
        s3.create_bucket(Bucket=STAGE.bucket(content), CreateBucketConfiguration=region)
    s3.put_bucket_versioning(Bucket=STAGE.bucket("snapshots"), VersioningConfiguration={"Status": "Enabled"})
    return small.account


@pytest.mark.parametrize("outcome", ["fail", "inconclusive"])
def test_what_was_judged_before_an_approval_is_judged_again_before_the_change(stage: Account, outcome: str) -> None:
    preceding = PrecedingEnvironment(outcome, [])
    stage._clients["invoker"] = PromotionInProcess(replace(stage, _clients={}), STAGE, preceding)
    with pytest.raises(VectoraError, match=r"Nothing was deployed, because the gates refuse it now: soak fail"):
        snapshot(stage, names=STAGE)
    assert Records(stage, STAGE).deployment() is None
    assert preceding.asked == [
        {
            "function": NAMES.function("promotion"),
            "operation": "explain",
            "digest": CONTENT,
            "execution": "e-1",
            "caller_continues": True,
        }
    ]


def test_what_still_passes_is_deployed(stage: Account) -> None:
    preceding = PrecedingEnvironment("pass", [])
    stage._clients["invoker"] = PromotionInProcess(replace(stage, _clients={}), STAGE, preceding)
    assert isinstance(snapshot(stage, names=STAGE), Done)
    deployment = Records(stage, STAGE).deployment()
    assert deployment is not None
    assert (deployment.state, deployment.content_digest) == ("deploying", CONTENT)


# --- a client's file and a release


def test_a_clients_file_does_not_come_while_a_release_is_being_deployed(small: SmallEnvironment) -> None:
    world = World(small)
    world.workflow()
    before = world.content()
    snapshot(small.account)
    with pytest.raises(VectoraError, match="nothing was changed: dev is being deployed by execution e-1"):
        world.promote(_file())
    assert world.content() == before
    assert world.states == []


def test_a_clients_file_does_not_come_while_promotion_is_held(small: SmallEnvironment) -> None:
    world = World(small)
    world.workflow()
    world.records.write_hold(Hold(state="held", reason="the smoke test failed", at=datetime.now(UTC)))
    with pytest.raises(VectoraError, match="nothing was changed: promotion is held"):
        world.promote(_file())
    assert world.states == []


def test_no_record_says_promoted_of_a_file_that_a_rollback_took_away(small: SmallEnvironment) -> None:
    world = World(small)
    world.workflow()
    good = take(small.account)
    world.promote(_file())
    back_to(small.account, good, ("clients", "canonical"))
    last = world.records.client_promotions()[-1]
    assert last.state == "rolled back"
    assert last.outcome == f"the rollback to {good.name} (requested by an operator) took it away again"


def test_a_promoted_file_that_a_rollback_leaves_stays_promoted(small: SmallEnvironment) -> None:
    world = World(small)
    world.workflow()
    world.promote(_file())
    good = take(small.account)
    small.account.client("s3").delete_object(Bucket=NAMES.bucket("config"), Key="canonical/entities/companies.yaml")
    back_to(small.account, good)
    assert world.states[-1] == "promoted"


# --- the ledger after a rollback


def test_a_rollback_records_what_it_removed_and_since_when(small: SmallEnvironment) -> None:
    first, good = release(small.account), take(small.account)
    small.deploy("2")
    second = release(small.account)
    back_to(small.account, good)
    last = Records(small.account, NAMES).ledger()[-1]
    assert (last.kind, last.digest, last.running) == ("rollback", first.digest, first.running)
    assert last.removed is not None
    assert (last.removed.digest, last.removed.by) == (second.digest, "operator")


def test_a_rollback_of_a_release_that_is_being_deployed_records_its_content_and_begin(small: SmallEnvironment) -> None:
    release(small.account)
    good = take(small.account)
    snapshot(small.account)
    small.deploy("2")
    request = RollbackRequest(snapshot=good.name, cause="failure")
    roll_back(small.account, NAMES, request, smoke_test=lambda: None)
    deployment, last = Records(small.account, NAMES).deployment(), Records(small.account, NAMES).ledger()[-1]
    assert deployment is not None
    assert last.removed is not None
    assert (last.removed.content_digest, last.removed.by) == (CONTENT, "failure")
    assert last.replaced_since == deployment.at


def test_a_rollback_of_parts_is_on_record(small: SmallEnvironment) -> None:
    release(small.account)
    good = take(small.account)
    small.account.client("lambda").update_function_code(
        FunctionName=NAMES.function("ingest-v2"), ZipFile=handler("by hand")
    )
    back_to(small.account, good, ("functions", "data"))
    last = Records(small.account, NAMES).ledger()[-1]
    assert (last.kind, last.components, last.removed) == ("rollback", ("functions",), None)


def test_a_rollback_of_data_alone_changes_no_release(small: SmallEnvironment) -> None:
    release(small.account)
    good = take(small.account)
    small.account.client("s3").put_object(Bucket=NAMES.bucket("newsletters"), Key="lai_weekly/x.md", Body=b"x")
    back_to(small.account, good, ("newsletters",))
    assert [entry.kind for entry in Records(small.account, NAMES).ledger()] == ["release"]
