"""Incomplete, denied and missing answers of AWS: reported with the resource and the safety snapshot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.answers import change_answers, own_clients, refuse
from tests.faults.operations import back_to, differences, take
from tests.faults.small_environment import ASSETS, NAMES, SmallEnvironment
from tests.faults.store_clock import after_the_lease
from vectora_ops.cloudformation.imports import find_importable
from vectora_ops.progress import utc_now
from vectora_ops.snapshots.manifest import Manifest
from vectora_ops.snapshots.object_store import OBJECTS
from vectora_ops.snapshots.retention import Policy, prune
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

VAULT = NAMES.bucket("snapshots")
POWERTOOLS = "arn:aws:lambda:eu-west-3:017000801446:layer:AWSLambdaPowertoolsPythonV3-python311-x86_64:7"
INGEST = NAMES.function("ingest-v2")


# --- functions


def _without_tags(parsed: dict[str, Any]) -> None:
    parsed.pop("Tags", None)
    parsed["TagsError"] = {
        "ErrorCode": "AccessDeniedException",
        "Message": "not authorized to perform: lambda:ListTags",
    }


def _without_variables(parsed: dict[str, Any]) -> None:
    denied = {"ErrorCode": "AccessDeniedException", "Message": "KMS access was denied."}
    parsed["Configuration"]["Environment"] = {"Error": denied}


@pytest.mark.parametrize(
    ("leave_out", "sentence"),
    [
        (_without_tags, "did not return the tags of function vectora-inbox-.*Grant lambda:ListTags"),
        (_without_variables, r"did not return the environment variables of .*Grant kms:Decrypt"),
    ],
)
def test_an_incomplete_answer_about_a_function_fails_snapshots_and_comparisons(
    small: SmallEnvironment, leave_out: Any, sentence: str
) -> None:
    manifest = take(small.account)
    denied = own_clients(small.account)
    change_answers(denied, "lambda", "GetFunction", leave_out)

    for attempt in (lambda: take(denied, "next"), lambda: differences(denied, manifest)):
        with pytest.raises(VectoraError, match=sentence):
            attempt()
    assert [each.name for each in Vault(small.account, NAMES).manifests()] == [manifest.name]


# --- layers of other accounts


@pytest.fixture
def with_powertools(small: SmallEnvironment) -> SmallEnvironment:
    """An environment whose ingestion also uses a layer of AWS, which the account may not read."""
    template = small._ingest("1")
    template["Resources"]["IngestV2Function"]["Properties"]["Layers"].append(POWERTOOLS)
    small._stack("s1-ingest-v2", template)
    denied = own_clients(small.account)
    refuse_layer = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized: lambda:GetLayerVersion"}}

    def before_call(params: dict[str, Any], **_: Any) -> None:
        if "017000801446" in params["url_path"]:
            raise ClientError(refuse_layer, "GetLayerVersion")  # type: ignore[arg-type]

    denied.client("lambda").meta.events.register("before-call.lambda.GetLayerVersion", before_call)
    return SmallEnvironment(denied)


def _layers(small: SmallEnvironment) -> list[str]:
    found = small.account.client("lambda").get_function_configuration(FunctionName=INGEST)
    return [each["Arn"] for each in found["Layers"]]


def _entries(small: SmallEnvironment, manifest: Manifest) -> dict[str, bytes]:
    vault = Vault(small.account, NAMES)
    entries = [entry for entry, _ in vault.entries(manifest.components["layers"])]
    return {entry.path: vault.bytes_of(entry) for entry in entries}


def test_a_layer_of_another_account_is_recorded_by_its_arn(with_powertools: SmallEnvironment) -> None:
    manifest = take(with_powertools.account)

    foreign = {path: body for path, body in _entries(with_powertools, manifest).items() if "Powertools" in path}
    assert sorted(foreign) == [
        "017000801446:AWSLambdaPowertoolsPythonV3-python311-x86_64/7/as-read.json",
        "017000801446:AWSLambdaPowertoolsPythonV3-python311-x86_64/7/layer.json",
    ]
    assert all(POWERTOOLS.encode() in body for body in foreign.values())
    assert differences(with_powertools.account, manifest) == []


@pytest.mark.parametrize("by_hand", [[], [POWERTOOLS.replace(":7", ":8")]])
def test_a_rollback_attaches_the_layer_of_another_account_again(
    with_powertools: SmallEnvironment, by_hand: list[str]
) -> None:
    before = _layers(with_powertools)
    manifest = take(with_powertools.account)
    own = [arn for arn in before if arn != POWERTOOLS]
    with_powertools.account.client("lambda").update_function_configuration(FunctionName=INGEST, Layers=[*own, *by_hand])
    assert {each.component for each in differences(with_powertools.account, manifest)} == {"functions", "layers"}

    back_to(with_powertools.account, manifest)

    assert _layers(with_powertools) == before
    assert POWERTOOLS in before
    assert differences(with_powertools.account, manifest) == []


# --- buckets


def _remove_assets_bucket(small: SmallEnvironment) -> None:
    s3 = small.account.client("s3")
    for found in s3.list_objects_v2(Bucket=ASSETS)["Contents"]:
        s3.delete_object(Bucket=ASSETS, Key=found["Key"])
    s3.delete_bucket(Bucket=ASSETS)


def test_a_missing_bootstrap_bucket_is_reported_with_the_command_and_the_safety_snapshot(
    small: SmallEnvironment,
) -> None:
    manifest = take(small.account)
    small.break_it()
    _remove_assets_bucket(small)

    message = rf"The bucket {ASSETS}.*is gone: cdk bootstrap.*What was there before is in snapshot before-rollback_"
    with pytest.raises(VectoraError, match=message):
        back_to(small.account, manifest)

    small.account.client("s3").create_bucket(
        Bucket=ASSETS, CreateBucketConfiguration={"LocationConstraint": small.account.region}
    )
    back_to(small.account, manifest)
    assert small.say("normalize-score-v2") == "normalize-score-v2 1"


def test_denied_access_to_an_asset_is_not_a_missing_asset(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.break_it()
    denied = own_clients(small.account)
    refuse(denied, "s3", "HeadObject", "AccessDenied")

    with pytest.raises(VectoraError, match=r"does not say whether s3://.*\(status 403\).*What was there before is in"):
        back_to(denied, manifest)


def test_a_refused_request_fails_a_rollback_with_the_safety_snapshot(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.break_it()
    denied = own_clients(small.account)
    refuse(denied, "cloudformation", "ExecuteChangeSet", "AccessDenied", "not authorized")

    with pytest.raises(VectoraError, match=r"AWS failed or refused.*What was there before is in snapshot before-roll"):
        back_to(denied, manifest)


def test_a_refused_request_before_any_change_is_reported(small: SmallEnvironment) -> None:
    manifest = take(small.account)
    small.break_it()
    denied = own_clients(small.account)
    refuse(denied, "lambda", "GetFunction", "AccessDeniedException", "not authorized")
    before = small.state()

    with pytest.raises(VectoraError, match="AWS failed or refused a request of the rollback to good_"):
        back_to(denied, manifest)
    assert small.state() == before


def test_denied_access_to_a_bucket_is_not_a_missing_bucket(small: SmallEnvironment) -> None:
    denied = own_clients(small.account)
    refuse(denied, "s3", "HeadBucket", "AccessDenied")
    template = {
        "Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "vectora-inbox-other-dev"}}}
    }

    with pytest.raises(VectoraError, match=r"There is a bucket vectora-inbox-other-dev.*\(status 403\)"):
        find_importable(denied, {NAMES.stack("s0-core"): template})


# --- locks


def _a_vault_object(small: SmallEnvironment) -> str:
    manifest = take(small.account)
    (letter, _) = next(Vault(small.account, NAMES).entries(manifest.components["newsletters"]))
    return letter.slices[0].sha256


def test_no_lock_lasts_longer_than_the_rule_of_the_vault(small: SmallEnvironment) -> None:
    sha256 = _a_vault_object(small)
    s3, vault = small.account.client("s3"), Vault(small.account, NAMES)
    before = s3.get_object_retention(Bucket=VAULT, Key=OBJECTS + sha256)["Retention"]

    for century in (timedelta(days=36_500), timedelta(days=2, hours=1)):
        with pytest.raises(VectoraError, match=r"Nothing is locked until .* locks for 1 days"):
            vault.lock([sha256], utc_now() + century)

    assert s3.get_object_retention(Bucket=VAULT, Key=OBJECTS + sha256)["Retention"] == before
    vault.lock([sha256], utc_now() + timedelta(days=1, hours=1))
    assert s3.get_object_retention(Bucket=VAULT, Key=OBJECTS + sha256)["Retention"] != before


def test_a_lock_rule_in_years_counts_in_days(small: SmallEnvironment) -> None:
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 2}}
    small.account.client("s3").put_object_lock_configuration(
        Bucket=VAULT, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    assert Vault(small.account, NAMES).lock_days == 730


def test_a_denied_lock_is_reported(unlocked: SmallEnvironment) -> None:
    sha256 = _a_vault_object(unlocked)
    denied = own_clients(unlocked.account)
    refuse(denied, "s3", "PutObjectRetention", "AccessDenied", "not authorized")

    with pytest.raises(ClientError, match="AccessDenied"):
        Vault(denied, NAMES).lock([sha256], utc_now())


def _two_snapshots(small: SmallEnvironment) -> None:
    take(small.account, "old")
    small.deploy("2")
    take(small.account, "new")


def test_a_missing_permission_to_delete_is_not_a_lock(unlocked: SmallEnvironment) -> None:
    _two_snapshots(unlocked)
    denied = after_the_lease(unlocked.account)
    versions_only = NAMES.bucket("snapshots")

    def before_call(params: dict[str, Any], **_: Any) -> None:
        if "versionId" in params["query_string"]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "DeleteObject")

    denied.client("s3").meta.events.register("before-call.s3.DeleteObject", before_call)

    with pytest.raises(VectoraError, match=rf"s3://{versions_only}/.*is not locked, and you may not delete it"):
        prune(denied, NAMES, Policy(keep_last=1, minimum_age_days=0))


def test_the_retention_of_a_version_decides_whether_it_is_locked(small: SmallEnvironment) -> None:
    _two_snapshots(small)
    denied = own_clients(small.account)

    def before_call(params: dict[str, Any], **_: Any) -> None:
        if "versionId" in params["query_string"]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "DeleteObject")

    denied.client("s3").meta.events.register("before-call.s3.DeleteObject", before_call)

    pruned = prune(denied, NAMES, Policy(keep_last=1, minimum_age_days=0))

    assert pruned.still_locked > 0
