"""A commit cannot judge itself: what changes the pipeline, access or a promotion policy waits for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.stacks.review import assembly_changes as change
from tests.stacks.review.pipeline_in_memory import PIPELINE, Change, World
from vectora_review.assembly import ForgedAssemblyError

ALLOW_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


# --- attacks


def _without_approval(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in actions if "approval-prod" not in each["Name"]]


def _reversed(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "RunOrder": 100 - each["RunOrder"]} for each in actions]


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
    "runs its actions in another order": (
        change.in_pipelines_actions(_reversed),
        "prod: its actions run in another order",
    ),
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
    document["artifacts"][f"{PIPELINE}-copies-eu-west-1"] = document["artifacts"][PIPELINE]


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
        "names another template than vectora-inbox-pipeline-copies-eu-west-1",
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
