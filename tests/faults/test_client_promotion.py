"""Promotion of a client's file: complete or reverted after any failure and any kill."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.environment_status import environment_status
from tests.faults.small_environment import NAMES, SmallEnvironment
from vectora_ops.account import Account
from vectora_ops.progress import Observer, OutOfTimeError
from vectora_ops.promotion.clients import PromoteClient, SourceFile, is_unfinished
from vectora_ops.records import Records
from vectora_ops.rollback.request import RollbackRequest, RollbackResult
from vectora_ops.rollback.run import roll_back
from vectora_ops.snapshots.vault import Vault
from vectora_shared.config.publication import RECORD_KEY, publish
from vectora_shared.errors import ConfigurationError, VectoraError

CONFIG = Path(__file__).resolve().parents[2] / "config"
CLIENT = "clients/lai_weekly.yaml"
BODY = (CONFIG / CLIENT).read_bytes()
VERSION = BODY.partition(b'version: "')[2].partition(b'"')[0]
NEXT = "9.1.0"


def _file(body: bytes | None = None, version: str = NEXT) -> SourceFile:
    text = (body or BODY.replace(b"max_items_total: 20", b"max_items_total: 9")).replace(VERSION, version.encode())
    return SourceFile(
        client_id="lai_weekly", version=version, sha256=hashlib.sha256(text).hexdigest(), text=text.decode("utf-8")
    )


class World:
    """An environment with the configuration of this release, and a workflow that a test controls."""

    def __init__(self, small: SmallEnvironment) -> None:
        self.account: Account = small.account
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            for folder in ("canonical", "clients"):
                for path in (CONFIG / folder).rglob("*.*"):
                    files.writestr(path.relative_to(CONFIG).as_posix(), path.read_bytes())
        s3 = self.account.client("s3")
        for key in (CLIENT, "canonical/prompts/p.yaml"):
            s3.delete_object(Bucket=NAMES.bucket("config"), Key=key)
        publish(s3, archive=archive.getvalue(), digest="d1", bucket=NAMES.bucket("config"))
        self.records = Records(self.account, NAMES)
        self.rollbacks = 0

    def workflow(self, *, items: int = 3, version: str = NEXT, fails: bool = False, already_published: int = 0) -> None:
        """Set the result of the next run."""
        steps = {
            "ingest": {"body": {}},
            "normalize_score": {"body": {"client_version": version, "items_matched": items}},
            "newsletter": {
                "body": {"total_items": items, "metrics": {"items": {"in_period": items + already_published}}}
            },
        }
        state = (
            {"Type": "Fail", "Error": "Failed", "Cause": "a source is down"}
            if fails
            else {"Type": "Pass", "Result": steps, "End": True}
        )
        definition = json.dumps({"StartAt": "Run", "States": {"Run": state}})
        states = self.account.client("stepfunctions")
        arn = self.account.state_machine_arn(NAMES.state_machine)
        if arn in {each["stateMachineArn"] for each in states.list_state_machines()["stateMachines"]}:
            states.update_state_machine(stateMachineArn=arn, definition=definition)
            return
        role = f"arn:aws:iam::{'0' * 12}:role/any"
        states.create_state_machine(name=NAMES.state_machine, definition=definition, roleArn=role)

    def promote(self, file: SourceFile, observer: Observer | None = None, **options: Any) -> str:
        return (
            PromoteClient(
                self.account,
                NAMES,
                "stage",
                file,
                owner=options.pop("owner", "operator"),
                roll_back=options.pop("roll_back", self.roll_back),
                observer=observer or Observer(),
                **options,
            )
            .run()
            .outcome
        )

    def roll_back(self, request: RollbackRequest) -> RollbackResult:
        self.rollbacks += 1
        return roll_back(self.account, NAMES, request, smoke_test=lambda: None, observer=Observer())

    def content(self) -> dict[str, bytes]:
        s3, bucket = self.account.client("s3"), NAMES.bucket("config")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    @property
    def deployed(self) -> bytes:
        return self.content()[CLIENT]

    @property
    def states(self) -> list[str]:
        return [each.state for each in self.records.client_promotions()]


@pytest.fixture
def world(small: SmallEnvironment) -> World:
    made = World(small)
    made.workflow()
    return made


def test_a_promoted_file_is_published_after_its_snapshot_and_run_and_is_not_drift(world: World) -> None:
    file = _file()
    assert world.promote(file) == "its run made a draft with 3 items; with those of earlier issues it would have 3"
    assert world.deployed == file.body
    last = world.records.client_promotions()[-1]
    assert (last.state, last.version_before, last.version) == ("promoted", VERSION.decode(), NEXT)
    manifest = Vault(world.account, NAMES).manifest(last.snapshot)
    assert (manifest.occasion.kind, manifest.occasion.detail) == ("client", f"lai_weekly {NEXT}")
    status = environment_status(world.account, NAMES)
    assert status.drift == ()
    assert {each.note for each in status.clients if each.client_id == "lai_weekly"} == {
        "promoted by itself, ahead of the release"
    }
    assert any(f"-> {NEXT} from stage" in sentence for sentence in status.promotion)
    assert world.rollbacks == 0


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ({"fails": True}, "its run failed: a source is down"),
        ({"items": 0}, r"its newsletter has no items \(0 matched\)"),
        ({"version": "7.0.0"}, r"its run used version 7\.0\.0"),
    ],
)
def test_a_failed_smoke_run_reverts_the_promotion(world: World, run: dict[str, Any], why: str) -> None:
    before = world.content()
    world.workflow(**run)
    with pytest.raises(VectoraError, match=rf"{why}.*All is again as in snapshot before_lai_weekly_9-1-0_"):
        world.promote(_file())
    assert world.content() == before
    assert world.states[-2:] == ["taking back", "rolled back"]
    assert any("was taken back: its" in each for each in environment_status(world.account, NAMES).promotion)


def test_a_draft_without_news_passes_when_earlier_issues_have_items_of_the_period(world: World) -> None:
    world.workflow(items=0, already_published=4)
    assert world.promote(_file()) == "its run made a draft with 0 items; with those of earlier issues it would have 4"


def test_the_test_run_of_a_promotion_is_a_draft(world: World) -> None:
    world.promote(_file())
    states = world.account.client("stepfunctions")
    execution = world.records.client_promotions()[-1].execution
    assert json.loads(states.describe_execution(executionArn=execution)["input"])["draft"] is True


def test_an_invalid_file_changes_nothing_and_takes_no_snapshot(world: World) -> None:
    before = world.content()
    wrong = _file(BODY.replace(b"technology_scope: lai_keywords", b"technology_scope: nothing"))
    with pytest.raises(ConfigurationError, match="names 'nothing'"):
        world.promote(wrong)
    assert world.content() == before
    assert world.states == []
    assert list(Vault(world.account, NAMES).manifests()) == []


class _KilledError(Exception):
    pass


class _DyingAt(Observer):
    def __init__(self, step: str) -> None:
        self._step = step

    def step(self, name: str) -> None:
        if name == self._step:
            raise _KilledError


@pytest.mark.parametrize("step", ["validate", "snapshot", "clients", "publish", "run"])
def test_a_promotion_killed_at_any_step_completes_when_it_is_repeated(world: World, step: str) -> None:
    file = _file()
    with pytest.raises(_KilledError):
        world.promote(file, _DyingAt(step))
    assert world.promote(file) == "its run made a draft with 3 items; with those of earlier issues it would have 3"
    assert world.deployed == file.body
    assert world.states[-1] == "promoted"
    assert not is_unfinished(world.account, NAMES, file)


def test_a_promotion_killed_during_its_rollback_continues_the_rollback(world: World) -> None:
    before = world.content()
    world.workflow(items=0)
    with pytest.raises(_KilledError):
        world.promote(_file(), _DyingAt("rollback"))
    assert is_unfinished(world.account, NAMES, _file())
    world.workflow()
    with pytest.raises(VectoraError, match=r"has no items.*All is again as in snapshot"):
        world.promote(_file())
    assert world.content() == before


def test_a_promotion_continues_with_the_same_run_after_its_deadline(world: World) -> None:
    slow = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    states, arn = world.account.client("stepfunctions"), world.account.state_machine_arn(NAMES.state_machine)
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(slow))
    for _ in range(2):
        with pytest.raises(OutOfTimeError):
            world.promote(_file(), deadline=lambda: True)
    assert len(states.list_executions(stateMachineArn=arn)["executions"]) == 1
    states.stop_execution(executionArn=states.list_executions(stateMachineArn=arn)["executions"][0]["executionArn"])
    with pytest.raises(VectoraError, match="its run aborted"):
        world.promote(_file())


def test_an_interrupted_promotion_is_completed_before_another_file_is_promoted(world: World) -> None:
    with pytest.raises(_KilledError):
        world.promote(_file(), _DyingAt("run"))
    with pytest.raises(VectoraError, match=r"promotion of lai_weekly 9\.1\.0 into dev was interrupted"):
        world.promote(_file(version="9.2.0"))
    # A manual rollback to the snapshot ends the promotion too.
    snapshot = world.records.client_promotions()[-1].snapshot
    world.roll_back(RollbackRequest(snapshot=snapshot, components=("clients", "canonical")))
    world.workflow(version="9.2.0")
    world.promote(_file(version="9.2.0"))
    assert b'"9.2.0"' in world.deployed


def test_a_failed_rollback_is_reported_and_completed_by_the_next_promotion(world: World) -> None:
    before = world.content()
    world.workflow(fails=True)

    def refuse(request: RollbackRequest) -> RollbackResult:
        raise VectoraError("the vault is not reachable")

    with pytest.raises(VectoraError, match=r"the vault is not reachable.*promote again"):
        world.promote(_file(), roll_back=refuse)
    assert any("not over (taking back)" in each for each in environment_status(world.account, NAMES).promotion)
    with pytest.raises(VectoraError, match="All is again"):
        world.promote(_file())
    assert world.content() == before


PRICES = "canonical/models/pricing.yaml"
EDITS: dict[str, Callable[[Any, str], Any]] = {
    "edited in the bucket": lambda s3, bucket: s3.put_object(Bucket=bucket, Key=CLIENT, Body=BODY + b"# by hand\n"),
    "deleted from the bucket": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key=CLIENT),
    "edited": lambda s3, bucket: s3.put_object(
        Bucket=bucket, Key="canonical/models/pricing.yaml", Body=b"models: {}\n"
    ),
}


@pytest.mark.parametrize("how", EDITS)
def test_any_manual_change_in_the_bucket_is_drift(world: World, how: str) -> None:
    assert environment_status(world.account, NAMES).drift == ()
    EDITS[how](world.account.client("s3"), NAMES.bucket("config"))
    (sentence,) = environment_status(world.account, NAMES).drift
    assert how in sentence
    assert sentence.startswith((CLIENT, PRICES))
    assert RECORD_KEY not in sentence
