"""A commit cannot judge itself: what changes the pipeline, access or a promotion policy waits for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from stacks.assets.packages import Package, Packages, dependencies_digest
from stacks.synthesis import synthesize_pipeline
from tests.repository import ROOT
from tests.stacks.review import assembly_changes as change
from tests.stacks.review.pipeline_in_memory import ANN, BOB, BUCKET, PIPELINE, Change, Files, World
from vectora_ops.settings import load_settings
from vectora_review.assembly import ForgedAssemblyError
from vectora_shared.errors import VectoraError

ALLOW_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
PEOPLE = {"Ann@example.org": "ann"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return the files of this checkout's assembly, with a small package instead of the dependencies'."""
    folder = tmp_path_factory.mktemp("assembly")
    layer = folder / "layer.zip"
    layer.write_bytes(change.package(b"dependencies"))
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Packages, "dependencies_layer", lambda packages: Package(layer, dependencies_digest(ROOT, "lambda"))
        )
        app = cdk.App(outdir=str(folder / "cdk.out"), context=context)
        synthesize_pipeline(app, root=ROOT, settings=load_settings(ROOT), platform="lambda")
    found = Path(app.outdir)
    return {each.relative_to(found).as_posix(): each.read_bytes() for each in found.rglob("*") if each.is_file()}


@pytest.fixture
def world(files: Mapping[str, bytes]) -> World:
    """Return a pipeline whose first execution was accepted."""
    found = World(files, people=PEOPLE)
    assert found.review(found.build()).is_accepted
    return found


# --- attacks


def _without_approval(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in actions if "approval-prod" not in each["Name"]]


def _without_snapshots(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in actions if ".snapshot-" not in each["Name"]]


def _other_buildspec(template: dict[str, Any]) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CodeBuild::Project":
            resource["Properties"]["Source"]["BuildSpec"] = "{}"


def _administrator(template: dict[str, Any]) -> None:
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": [ALLOW_EVERYTHING]}}]
    properties = {"AssumeRolePolicyDocument": trust, "Policies": policies}
    template["Resources"]["Back"] = {"Type": "AWS::IAM::Role", "Properties": properties}


def _widened(template: dict[str, Any]) -> None:
    role = next(each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Role")
    role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].append(ALLOW_EVERYTHING)


def _trusting(template: dict[str, Any]) -> None:
    role = next(each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Role")
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "999999999999"}}
    role["Properties"]["AssumeRolePolicyDocument"]["Statement"].append(statement)


def _opened(template: dict[str, Any]) -> None:
    policy = template["Resources"]["ConfigBucketPolicy"]["Properties"]["PolicyDocument"]
    policy["Statement"].append({**ALLOW_EVERYTHING, "Action": "s3:GetObject", "Principal": "*"})


def _public(template: dict[str, Any]) -> None:
    template["Resources"]["DataBucket"]["Properties"]["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] = False


def _unlocked(template: dict[str, Any]) -> None:
    lock = template["Resources"]["SnapshotsBucket"]["Properties"]["ObjectLockConfiguration"]
    lock["Rule"]["DefaultRetention"]["Days"] = 1


def _fewer_snapshots(template: dict[str, Any]) -> None:
    variables = template["Resources"]["SnapshotFunction"]["Properties"]["Environment"]["Variables"]
    variables["SNAPSHOT_KEEP_LAST"] = "1"


def _no_rollback(template: dict[str, Any]) -> None:
    del template["Resources"]["DeploymentFailed"]


def _other_role(template: dict[str, Any]) -> None:
    template["Resources"]["NewsletterV2Function"]["Properties"]["Role"] = "arn:aws:iam::111111111111:role/admin"


def _forged_record(template: dict[str, Any]) -> None:
    properties = {"Name": "/vectora-inbox/prod/promotion/ledger", "Type": "String", "Value": "{}"}
    template["Resources"]["Ledger"] = {"Type": "AWS::SSM::Parameter", "Properties": properties}


def _nested(template: dict[str, Any]) -> None:
    template["Resources"]["More"] = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://x"}}


def _macro(template: dict[str, Any]) -> None:
    template["Transform"] = ["Evil"]


def _secret(template: dict[str, Any]) -> None:
    variables = template["Resources"]["NewsletterV2Function"]["Properties"]["Environment"]["Variables"]
    variables["STOLEN"] = "{{resolve:secretsmanager:other}}"


def _judges_itself(template: dict[str, Any]) -> None:
    function = next(e for k, e in template["Resources"].items() if k.startswith("ReviewFunction"))
    function["Properties"]["Code"]["S3Key"] = f"{'b' * 64}.zip"


PROD_APPROVAL = "prod: no approval is needed any more (was: needed)"
ATTACKS: Mapping[str, tuple[Change, str]] = {
    "removes the approval of prod from the pipeline": (change.in_pipelines_actions(_without_approval), PROD_APPROVAL),
    "removes the approval of prod from its policy": (change.in_policy("prod", requires_approval=False), PROD_APPROVAL),
    "sets the soak to nothing": (change.in_policy("prod", soak_days=0), "prod: soak_days 14 -> 0"),
    "allows any noise": (change.in_policy("prod", maximum_noise_percent=99.0), "maximum_noise_percent 10.0 -> 99.0"),
    "removes the snapshots": (change.in_pipelines_actions(_without_snapshots), "snapshot-prod is removed"),
    "keeps fewer snapshots": (
        change.in_template("prod", "s0-operations", _fewer_snapshots),
        "prod: snapshots.keep_last all -> 1",
    ),
    "shortens the vault's lock": (change.in_template("prod", "s0-operations", _unlocked), "SnapshotsBucket changes"),
    "disables the rollback": (change.in_template("prod", "s0-operations", _no_rollback), "DeploymentFailed is removed"),
    "changes the code of the gates": (
        change.new_code("stage", "s0-operations", "VectoraOpsLayer"),
        "stage: vectora-inbox-s0-operations-stage: VectoraOpsLayer changes",
    ),
    "changes the function that judges": (
        change.new_code("stage", "s0-operations", "PromotionFunction"),
        "stage: the code of PromotionFunction, which judges or protects, changes",
    ),
    "changes the review": (change.in_pipeline(_judges_itself), "ReviewFunction changes"),
    "changes the builds": (change.in_pipeline(_other_buildspec), "Properties.Source.BuildSpec"),
    "adds an administrator": (change.in_template("dev", "s0-iam", _administrator), "dev: role Back is new"),
    "widens a role": (change.in_template("prod", "s0-iam", _widened), "gains * on *"),
    "lets a stranger assume a role": (
        change.in_template("prod", "s0-iam", _trusting),
        "its trust gains sts:AssumeRole for AWS 999999999999",
    ),
    "opens a bucket": (change.in_template("prod", "s0-core", _opened), "ConfigBucketPolicy: gains s3:GetObject on *"),
    "lets a bucket be public": (change.in_template("prod", "s0-core", _public), "DataBucket changes"),
    "gives a function another role": (change.in_template("prod", "s1-runtime", _other_role), "role/admin"),
    "writes a record by a stack": (change.in_template("prod", "s1-runtime", _forged_record), "promotion/ledger"),
    "adds a nested stack": (change.in_template("prod", "s1-runtime", _nested), "AWS::CloudFormation::Stack"),
    "adds a macro": (change.in_template("prod", "s1-runtime", _macro), "Transform is new"),
    "reads a secret in a template": (change.in_template("prod", "s1-runtime", _secret), "resolve:secretsmanager"),
    "swaps the lock file": (change.new_file("package-lock.json"), "package-lock.json changes"),
    "adds an .npmrc": (change.new_file(".npmrc", b"registry=https://x"), ".npmrc is new"),
    "adds a plugin of the CDK CLI": (change.new_file("cdk.json", b'{"plugin": ["./x.js"]}'), "cdk.json is new"),
    "swaps the tools by another lock": (change.new_file("npm-shrinkwrap.json"), "npm-shrinkwrap.json is new"),
    "publishes other content under a known name": (
        change.other_content_under_the_same_name,
        "which was published with another content",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_commit_that_judges_itself_stops_and_says_what_it_changes(world: World, attack: str) -> None:
    edit, expected = ATTACKS[attack]
    opinion = world.review(world.build(edit))
    assert not opinion.is_accepted
    assert expected in opinion.text
    assert "./vectora promote approve-change --execution execution-2" in opinion.text


LOOSENING = (
    "removes the approval of prod from the pipeline",
    "sets the soak to nothing",
    "keeps fewer snapshots",
    "disables the rollback",
    "adds an administrator",
    "lets a stranger assume a role",
    "opens a bucket",
)


@pytest.mark.parametrize("attack", LOOSENING)
def test_what_is_loosened_comes_first(world: World, attack: str) -> None:
    edit, expected = ATTACKS[attack]
    text = world.review(world.build(edit)).text
    loosened = text.partition("It loosens:")[2].partition("It changes:")[0]
    assert expected in loosened


def test_what_is_tightened_alone_is_named_as_such(world: World) -> None:
    text = world.review(world.build(change.in_policy("prod", soak_days=21))).text
    assert "It tightens:\n- prod: soak_days 14 -> 21" in text
    assert "It loosens" not in text


def test_a_window_that_is_removed_loosens(world: World) -> None:
    window = {"time_zone": "Europe/Paris", "closed": ["SAT,SUN"]}
    closed = world.build(change.in_policy("prod", windows=[window]))
    text = world.review(closed).text
    assert "It tightens:\n- prod: the promotion window" in text
    world.approve(closed)
    assert world.review(closed).is_accepted
    text = world.review(world.build()).text
    assert 'It loosens:\n- prod: the promotion window {"closed": ["SAT,SUN"]' in text


# --- assemblies that no build writes


def _other_address(document: dict[str, Any]) -> None:
    properties = document["artifacts"][PIPELINE]["properties"]
    properties["stackTemplateAssetObjectUrl"] = f"s3://bucket/{'c' * 64}.json"


def _other_template(document: dict[str, Any]) -> None:
    document["artifacts"][PIPELINE]["properties"]["templateFile"] = "other.template.json"


def _second_stack(document: dict[str, Any]) -> None:
    document["artifacts"]["evil"] = document["artifacts"][PIPELINE]


def _own_template_elsewhere(document: dict[str, Any]) -> None:
    document["artifacts"][f"{PIPELINE}-support-eu-west-1"] = document["artifacts"][PIPELINE]


def _more_to_deploy(document: dict[str, Any]) -> None:
    document["artifacts"][PIPELINE]["dependencies"].append("evil")


def _command(document: dict[str, Any]) -> None:
    next(iter(document["files"].values()))["source"] = {"executable": ["sh", "-c", "true"]}


def _image(document: dict[str, Any]) -> None:
    document["dockerImages"] = {"x": {}}


def _any_key(document: dict[str, Any]) -> None:
    for entry in document["files"].values():
        for destination in entry["destinations"].values():
            destination["objectKey"] = f"{'d' * 64}.json"


def _outside(document: dict[str, Any]) -> None:
    next(iter(document["files"].values()))["source"]["path"] = "../../etc/passwd"


ASSETS = f"{PIPELINE}.assets.json"


def _without_lock(files: dict[str, bytes]) -> None:
    del files["package-lock.json"]


FORGERIES: Mapping[str, tuple[Change, str]] = {
    "its template is stored elsewhere": (change.in_document("manifest.json", _other_address), "another content"),
    "its manifest names another template": (change.in_document("manifest.json", _other_template), "another template"),
    "it has a second stack": (change.in_document("manifest.json", _second_stack), "own stacks include evil"),
    "its stack of another region is none": (
        change.in_document("manifest.json", _own_template_elsewhere),
        "names another template than vectora-inbox-pipeline-support-eu-west-1",
    ),
    "another stack is deployed with it": (change.in_document("manifest.json", _more_to_deploy), "depends on evil"),
    "a command makes an asset": (change.in_document(ASSETS, _command), "publishes what is no file"),
    "an image is built": (change.in_document(ASSETS, _image), "builds a Docker image"),
    "a package is published as a template": (change.in_document(ASSETS, _any_key), "the digest of another one"),
    "an asset is outside": (change.in_document(ASSETS, _outside), "which is not in the assembly"),
    "it has no lock file": (_without_lock, "has no package-lock.json"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_an_assembly_that_no_build_writes_is_refused(world: World, forgery: str) -> None:
    edit, reason = FORGERIES[forgery]
    with pytest.raises(ForgedAssemblyError, match=reason):
        world.review(world.build(edit))


def test_a_build_that_reports_the_content_digest_of_other_code_is_refused(world: World) -> None:
    soaked = world.build(content="5" * 64)
    assert world.review(soaked).is_accepted
    forged = world.build(change.new_code("dev", "s1-runtime", "NewsletterV2Function"), content="5" * 64)
    with pytest.raises(ForgedAssemblyError, match="would inherit its smoke tests and its soak"):
        world.review(forged)


# --- ordinary commits


def _more_memory(template: dict[str, Any]) -> None:
    template["Resources"]["NewsletterV2Function"]["Properties"]["MemorySize"] += 128


def _new_client(template: dict[str, Any]) -> None:
    schedules = [each for each in template["Resources"].values() if each["Type"] == "AWS::Scheduler::Schedule"]
    template["Resources"]["AnotherClientSchedule"] = schedules[0]


def _other_release(template: dict[str, Any]) -> None:
    template["Resources"]["Release"]["Properties"]["Value"] = json.dumps({"digest": "e" * 64, "version": "9.9.9"})


def _other_release_in_operations(template: dict[str, Any]) -> None:
    template["Resources"]["SnapshotBeforeDeployment"]["Properties"]["ReleaseDigest"] = "e" * 64


def _verbose(template: dict[str, Any]) -> None:
    template["Resources"]["PromotionFunction"]["Properties"]["Environment"]["Variables"]["LOG_LEVEL"] = "ERROR"


def _reordered(template: dict[str, Any]) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            for statement in resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
                statement["Action"].reverse()


ORDINARY: Mapping[str, Change] = {
    "nothing": lambda files: None,
    "engine code": change.new_code("prod", "s1-runtime", "NewsletterV2Function"),
    "the engine's layer": change.new_code("prod", "s1-runtime", "VectoraCoreLayer"),
    "the memory of a function": change.in_template("prod", "s1-runtime", _more_memory),
    "a new client": change.in_template("prod", "s1-runtime", _new_client),
    "a new release": change.in_template("prod", "s1-runtime", _other_release),
    "the digest of a release": change.in_template("prod", "s0-operations", _other_release_in_operations),
    "the order of actions": change.in_template("prod", "s0-iam", _reordered),
    "the level of the log": change.in_template("prod", "s0-operations", _verbose),
    "a bill of materials": change.new_file("bill-of-materials.cdx.json"),
    "an audit of vulnerabilities": change.new_file("audit.json"),
}


@pytest.mark.parametrize("edit", ORDINARY)
def test_an_ordinary_commit_passes_at_once(world: World, edit: str) -> None:
    opinion = world.review(world.build(ORDINARY[edit]))
    assert opinion.is_accepted, opinion.text


# --- approvals


LOOSER = change.in_policy("prod", soak_days=0)


def test_an_approved_change_goes_on_and_its_next_commits_need_no_approval(world: World) -> None:
    execution = world.build(LOOSER)
    assert not world.review(execution).is_accepted
    world.approve(execution)
    opinion = world.review(execution)
    assert opinion.is_accepted
    assert f"approved by {BOB}" in opinion.text
    assert world.review(world.build(LOOSER)).is_accepted


def test_an_approval_is_valid_for_its_change_alone(world: World) -> None:
    execution = world.build(LOOSER)
    world.approve(execution)
    more = world.build(LOOSER, change.in_template("dev", "s0-iam", _administrator))
    assert not world.review(more).is_accepted


def test_an_approval_that_was_used_allows_nothing_again(world: World) -> None:
    first = world.build(LOOSER)
    world.approve(first)
    assert world.review(first).is_accepted
    back = world.build()
    assert not world.review(back).is_accepted
    world.approve(back)
    assert world.review(back).is_accepted
    assert not world.review(world.build(LOOSER)).is_accepted


def test_the_author_cannot_approve_the_own_change(world: World) -> None:
    execution = world.build(LOOSER, author="ANN@example.org")
    world.approve(execution, by=ANN)
    opinion = world.review(execution)
    assert not opinion.is_accepted
    assert f"The approval by {ANN} does not count, because ann wrote the commit." in opinion.text
    world.approve(execution, by=BOB)
    assert world.review(execution).is_accepted


def test_the_approval_of_an_unknown_author_counts(world: World) -> None:
    execution = world.build(LOOSER, author="stranger@example.org")
    world.approve(execution, by=ANN)
    assert world.review(execution).is_accepted


def test_a_build_that_failed_after_its_review_is_tried_again_without_another_approval(world: World) -> None:
    execution = world.build(LOOSER, change.in_pipelines_actions(_without_approval))
    world.approve(execution)
    assert world.review(execution).is_accepted
    assert world.review(execution).is_accepted


def test_before_the_first_review_a_pipeline_that_differs_from_the_deployed_one_needs_an_approval(
    files: Mapping[str, bytes],
) -> None:
    world = World(files)
    assert not world.review(world.build(change.in_pipelines_actions(_without_approval))).is_accepted
    assert world.review(world.build()).is_accepted


# --- artifacts


def test_an_artifact_that_was_written_twice_is_refused(world: World) -> None:
    execution = world.build()
    world.s3.put_object(Bucket=BUCKET, Key=world.key(execution), Body=b"forged")
    with pytest.raises(VectoraError, match="was written again after its build wrote it"):
        world.review(execution)


def test_an_artifact_of_no_build_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vectora_review.executions.READS", 1)
    with pytest.raises(VectoraError, match="No build of pipeline"):
        world.reviewer().review(f"arn:aws:s3:::{BUCKET}/vectora-inbox-pipeli/Synth_Outp/other")
    with pytest.raises(VectoraError, match="is no artifact of pipeline"):
        world.reviewer().review("arn:aws:s3:::another-bucket/x")


def test_an_artifact_that_was_replaced_while_it_awaits_approval_is_refused(world: World) -> None:
    execution = world.build()
    world.review(execution)
    world.add(execution, "prod", "approval-prod", "Approval", by=BOB)
    assert world.reviewer().attest(execution, "prod") == {
        "commit": "c2",
        "author": "ann@example.org",
        "author_principal": "ann",
        "approver": BOB,
    }
    assert world.reviewer().attest(execution, "stage")["approver"] is None
    world.s3.put_object(Bucket=BUCKET, Key=world.key(execution), Body=b"forged")
    with pytest.raises(VectoraError, match="was written again after its build wrote it"):
        world.reviewer().attest(execution, "prod")


def test_an_artifact_whose_reviewed_version_was_removed_is_refused(world: World) -> None:
    execution = world.build()
    world.review(execution)
    [reviewed] = [each for each in world.s3.versions if each["Key"] == world.key(execution)]
    reviewed["VersionId"] = "another"
    with pytest.raises(VectoraError, match="is another one than the review accepted"):
        world.reviewer().attest(execution, "prod")


def test_an_execution_that_was_never_reviewed_is_not_attested(world: World) -> None:
    with pytest.raises(VectoraError, match="was never reviewed: push its commit again"):
        world.reviewer().attest(world.build(), "prod")
