"""Effects and refusals of a rollback."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from tests.faults.operations import back_to, differences, take
from tests.faults.small_environment import ASSETS, NAMES, SmallEnvironment
from tests.faults.store_clock import hear_at
from vectora_ops.cloudformation.definition import FUNCTION
from vectora_ops.cloudformation.imports import find_importable, import_resources
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.progress import OutOfTimeError, utc_now
from vectora_ops.rollback import run
from vectora_ops.rollback.plan import plan_rollback
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.rollback.run import SAFETY_LABEL, roll_back
from vectora_ops.smoke import SmokeResult
from vectora_ops.snapshots.manifest import Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

RUNTIME, INGEST = NAMES.stack("s1-runtime"), NAMES.stack("s1-ingest-v2")


def test_a_rollback_without_differences_changes_nothing(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    before = small.state()

    result = back_to(small.account, manifest)

    assert result.nothing_to_do
    assert small.state() == before
    assert len(Vault(small.account, NAMES).manifests()) == 1


def test_a_dry_run_shows_all_changes_and_makes_none(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.deploy("2")
    small.break_it()
    before = small.state()

    plan = plan_rollback(small.account, NAMES, RollbackRequest(snapshot=manifest.name))

    assert small.state() == before
    actions = {stack.name: stack for stack in plan.stacks}
    assert {change.logical_id for change in actions[RUNTIME].changes} >= {
        "NormalizeScoreV2Function",
        "VectoraCoreLayer",
    }
    assert actions[INGEST].action == "update"
    paths = {change.path: change for change in plan.changes}
    assert paths["clients/stranger.yaml"].kind == "added"
    assert "+edited: true" in paths["clients/lai_weekly.yaml"].text


def test_a_deleted_layer_version_is_published_again_and_used_by_both_stacks(small: SmallEnvironment) -> None:
    functions = small.account.client("lambda")
    manifest = take(small.account)
    name = NAMES.layer("vectora-core")
    for version in functions.list_layer_versions(LayerName=name)["LayerVersions"]:
        functions.delete_layer_version(LayerName=name, VersionNumber=version["Version"])

    back_to(small.account, manifest)

    (again,) = functions.list_layer_versions(LayerName=name)["LayerVersions"]
    for task in ("ingest-v2", "normalize-score-v2"):
        used = functions.get_function_configuration(FunctionName=NAMES.function(task))["Layers"]
        assert [layer["Arn"] for layer in used] == [again["LayerVersionArn"]]


def test_only_the_requested_components_are_restored(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.break_it()

    result = back_to(small.account, manifest, ("clients",))

    left = {change.component for change in differences(small.account, manifest)}
    assert (result.objects_written, result.objects_deleted, result.stacks_changed) == (1, 1, ())
    assert left == {"functions", "layers", "canonical"}


def test_a_rollback_of_functions_restores_their_layer(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.break_it()

    back_to(small.account, manifest, ("functions",))

    assert {change.component for change in differences(small.account, manifest)} == {"clients", "canonical"}
    assert small.say("normalize-score-v2") == "normalize-score-v2 1"


def test_a_release_record_that_was_changed_by_hand_is_restored(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    ssm = small.account.client("ssm")
    ssm.put_parameter(Name=NAMES.parameter("release"), Value='{"digest": "x", "version": "9.9.9"}', Overwrite=True)

    back_to(small.account, manifest)

    assert json.loads(ssm.get_parameter(Name=NAMES.parameter("release"))["Parameter"]["Value"])["version"] == "1.0.0"


def test_content_is_restored_by_new_versions_and_delete_markers(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.break_it()
    s3, bucket = small.account.client("s3"), NAMES.bucket("config")

    back_to(small.account, manifest)

    listed = s3.list_object_versions(Bucket=bucket)
    of_client = [each for each in listed["Versions"] if each["Key"] == "clients/lai_weekly.yaml"]
    assert len(of_client) == 3, "what was there before is still there as an older version"
    assert [each["Key"] for each in listed["DeleteMarkers"] if each["IsLatest"]] == ["clients/stranger.yaml"]


def test_newer_runs_are_deleted_and_older_ones_stay(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    s3, bucket = small.account.client("s3"), NAMES.bucket("data")
    for day in ("2026/01/07", "2026/01/09"):
        s3.put_object(Bucket=bucket, Key=f"ingested/lai_weekly/{day}/items.json", Body=b"new")

    result = back_to(small.account, manifest)

    keys = [each["Key"].split("/", 2)[2] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["2026/01/05/items.json", "2026/01/06/items.json"]
    assert result.safety_snapshot is not None
    safety = Vault(small.account, NAMES).manifest(result.safety_snapshot)
    assert safety.components["data"].entries == 3, "both newer runs are in the safety snapshot"


def test_deleted_stacks_are_created_again_and_import_retained_buckets(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    cloudformation, s3 = small.account.client("cloudformation"), small.account.client("s3")
    for layer in ("s1-ingest-v2", "s1-runtime", "s0-iam", "s0-core"):
        Stacks(small.account).remove(NAMES.stack(layer))
    s3.put_object(Bucket=NAMES.bucket("config"), Key="clients/lai_weekly.yaml", Body=b"edited meanwhile\n")

    back_to(small.account, manifest)

    statuses = {each["StackName"]: each["StackStatus"] for each in cloudformation.describe_stacks()["Stacks"]}
    assert set(statuses.values()) <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert len(statuses) == 4
    assert small.say("ingest-v2") == "ingest-v2 1"
    versions = s3.list_object_versions(Bucket=NAMES.bucket("config"), Prefix="clients/lai_weekly.yaml")["Versions"]
    assert len(versions) == 3, "the bucket was adopted with its history"


def test_a_stack_that_did_not_exist_is_removed(small: SmallEnvironment) -> None:
    Stacks(small.account).remove(INGEST)
    manifest = take(small.account)
    small.deploy("1")

    back_to(small.account, manifest)

    assert Stacks(small.account).read(INGEST) is None
    assert differences(small.account, manifest) == []


def test_a_stack_whose_creation_failed_is_deleted_first(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    cloudformation = small.account.client("cloudformation")
    Stacks(small.account).remove(INGEST)
    cloudformation.create_change_set(
        StackName=INGEST, ChangeSetName="left-over", ChangeSetType="CREATE", TemplateBody='{"Resources": {}}'
    )

    back_to(small.account, manifest)

    assert small.say("ingest-v2") == "ingest-v2 1"


def test_a_failed_smoke_test_fails_the_rollback_and_names_the_safety_snapshot(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.break_it()
    failed = SmokeResult(passed=False, reason="no newsletter came out.", execution_arn=None, items=0, seconds=1.0)

    with pytest.raises(VectoraError, match=r"no newsletter came out\. What was there before is in .*before-rollback_"):
        roll_back(small.account, NAMES, RollbackRequest(snapshot=manifest.name), smoke_test=lambda: failed)


def test_a_function_created_by_hand_is_reported_before_anything_changes(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.break_it()
    functions = small.account.client("lambda")
    functions.create_function(
        FunctionName=NAMES.function("newsletter-v2"),
        Runtime="python3.11",
        Role=f"arn:aws:iam::{'0' * 12}:role/any",
        Handler="handler.lambda_handler",
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )
    before = small.state()

    with pytest.raises(VectoraError, match="vectora-inbox-newsletter-v2-dev was created by hand"):
        back_to(small.account, manifest)

    assert small.state() == before


def test_a_rollback_to_before_an_adoption_is_refused_before_anything_changes(small: SmallEnvironment) -> None:
    name = NAMES.function("newsletter-v2")
    small.account.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=f"arn:aws:iam::{'0' * 12}:role/any",
        Handler="handler.lambda_handler",
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )
    manifest = take(small.account)
    wanted = {"Resources": {"NewsletterV2Function": {"Type": FUNCTION, "Properties": {"FunctionName": name}}}}
    import_resources(
        small.account, find_importable(small.account, {RUNTIME: wanted}, code_bucket=ASSETS), assets_bucket=ASSETS
    )
    before = small.state()

    for attempt in (
        lambda: back_to(small.account, manifest),
        lambda: plan_rollback(small.account, NAMES, RollbackRequest(snapshot=manifest.name)),
    ):
        with pytest.raises(VectoraError, match=r"newsletter-v2-dev was in no stack .* taken after \./vectora adopt"):
            attempt()
    assert small.state() == before


def test_it_continues_where_the_previous_invocation_stopped(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.deploy("2")
    small.break_it()
    request = RollbackRequest(snapshot=manifest.name, owner="one invocation after the other")
    invocations = 0
    while True:
        invocations += 1
        looks = iter([False] * invocations)
        try:
            roll_back(
                small.account,
                NAMES,
                request,
                smoke_test=lambda: None,
                deadline=lambda looks=looks: next(looks, True),  # type: ignore[misc]
            )
            break
        except OutOfTimeError:
            assert invocations < 100

    assert invocations > 1
    assert differences(small.account, manifest) == []
    safety = [each for each in Vault(small.account, NAMES).manifests() if each.occasion.kind == "rollback"]
    assert len(safety) == 1


def test_a_rollback_that_runs_again_in_the_second_of_its_safety_snapshot_takes_another_one(
    small: SmallEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = take(small.account)
    small.deploy("2")
    second = utc_now().replace(microsecond=0) + timedelta(hours=1)
    request = SnapshotRequest(label=SAFETY_LABEL, occasion=Occasion(kind="rollback", detail=good.name))
    waited: list[float] = []
    account = hear_at(small.account, lambda: second + timedelta(seconds=sum(waited)))
    first = take_snapshot(account, NAMES, request)
    monkeypatch.setattr(run, "time", SimpleNamespace(sleep=waited.append, monotonic=time.monotonic))

    result = roll_back(account, NAMES, RollbackRequest(snapshot=good.name), smoke_test=lambda: None)

    assert waited == [1]
    assert result.safety_snapshot not in (None, first.name)
    assert differences(small.account, good) == []
