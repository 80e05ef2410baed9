"""Access of the pipeline's builds and of its review, as the template grants it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stacks.synthesis import synthesized_pipeline
from tests.repository import ROOT


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return synthesized_pipeline(ROOT)[0]


def test_the_review_comes_before_anything_of_the_assembly_is_run(template: dict[str, Any]) -> None:
    projects = [each for each in template["Resources"].values() if each["Type"] == "AWS::CodeBuild::Project"]
    [mutating] = [
        each for each in projects if "deploy vectora-inbox-pipeline" in each["Properties"]["Source"]["BuildSpec"]
    ]
    phases = json.loads(mutating["Properties"]["Source"]["BuildSpec"])["phases"]
    assert list(phases) == ["install", "build"]
    invoke, judge, install = phases["install"]["commands"]
    assert invoke.startswith("aws lambda invoke --function-name vectora-inbox-review ")
    # Isolated: a module of the assembly would be imported otherwise.
    assert judge.startswith("python3 -I -c ")
    assert install.startswith("npm ci ")


def test_the_role_of_the_review_is_its_own_and_writes_its_records_alone(template: dict[str, Any]) -> None:
    role = template["Resources"]["ReviewRole"]["Properties"]
    assert role["Path"] == "/vectora-inbox/pipeline/"
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    writes = [
        each for each in statements if any(a.partition(":")[2].startswith(("Put", "Delete")) for a in each["Action"])
    ]
    assert [each["Sid"] for each in writes] == ["WriteLogs", "WriteTraces", "KeepRecords"]
    [records] = [each["Resource"] for each in writes if each["Sid"] == "KeepRecords"]
    assert records == ["arn:aws:s3:::vectora-inbox-pipeline-artifacts/review/*"]


def test_nobody_but_their_roles_writes_assemblies_and_records_of_the_review(template: dict[str, Any]) -> None:
    [policy] = [
        each["Properties"]["PolicyDocument"]["Statement"]
        for key, each in template["Resources"].items()
        if key.startswith("ArtifactsBucketPolicy")
    ]
    writers = {
        each["Resource"]["Fn::Join"][1][-1]: each["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]["Fn::GetAtt"][0]
        for each in policy
        if each["Effect"] == "Deny" and "s3:PutObject" in each["Action"]
    }
    synth = writers.pop("/vectora-inbox-pipeli/Synth_Outp*")
    assert synth.startswith("PipelineBuildSynthCdkBuildProjectRole")
    report = writers.pop("/reports/*")
    assert report.startswith("PipelineprodreportprodRole")
    assert writers == {"/review/*": "ReviewRole"}
    rules = template["Resources"]["ArtifactsBucket2AAC5544"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {each.get("Prefix") for each in rules if "ExpirationInDays" in each}
    assert expiring == {"vectora-inbox-pipeli/", "types-cache/"}


def _statements(template: dict[str, Any], role_prefix: str) -> list[dict[str, Any]]:
    """Return the statements of the policies that are attached to the role whose logical id begins so."""
    return [
        statement
        for each in template["Resources"].values()
        if each["Type"] == "AWS::IAM::Policy" and each["Properties"]["Roles"][0]["Ref"].startswith(role_prefix)
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
    ]


def _actions_on_objects(statements: list[dict[str, Any]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for statement in statements:
        resources, actions = statement["Resource"], statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        if not any(each.startswith("s3:") for each in actions):
            continue
        for resource in resources if isinstance(resources, list) else [resources]:
            key = resource["Fn::Join"][1][-1] if "Fn::Join" in resource else "the bucket"
            found.setdefault(key, set()).update(actions)
    return found


def test_the_build_of_a_commit_reads_its_source_and_writes_its_output_and_nothing_else(
    template: dict[str, Any],
) -> None:
    [pipeline] = [each for each in template["Resources"].values() if each["Type"] == "AWS::CodePipeline::Pipeline"]
    [source], [output] = (stage["Actions"][0]["OutputArtifacts"] for stage in pipeline["Properties"]["Stages"][:2])
    of_source, of_output = (f"/vectora-inbox-pipeli/{each['Name'][:10]}*" for each in (source, output))
    found = _actions_on_objects(_statements(template, "PipelineBuildSynth"))
    read, write = {"s3:GetObject", "s3:GetObjectVersion"}, {"s3:PutObject"}
    assert found == {
        "the bucket": {"s3:GetBucketAcl", "s3:GetBucketLocation"},
        of_source: read,
        of_output: write,
        "/types-cache/*": read | write,
    }


def test_the_build_of_a_report_reads_its_source_and_releases_and_writes_reports_and_nothing_else(
    template: dict[str, Any],
) -> None:
    [pipeline] = [each for each in template["Resources"].values() if each["Type"] == "AWS::CodePipeline::Pipeline"]
    [source] = pipeline["Properties"]["Stages"][0]["Actions"][0]["OutputArtifacts"]
    read = {"s3:GetObject", "s3:GetObjectVersion"}
    assert _actions_on_objects(_statements(template, "Pipelineprodreportprod")) == {
        "the bucket": {"s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket"},
        f"/vectora-inbox-pipeli/{source['Name'][:10]}*": read,
        "/review/releases/*": read,
        "/reports/*": {"s3:PutObject"},
    }


def test_no_build_may_start_another_build_whose_commands_it_could_replace(template: dict[str, Any]) -> None:
    [action_role] = [each for each in template["Resources"] if re.fullmatch(r"DeliveryCodeBuildActionRole\w{8}", each)]
    for key, each in template["Resources"].items():
        if each["Type"] == "AWS::IAM::Policy" and "codebuild:StartBuild" in json.dumps(each):
            assert each["Properties"]["Roles"] == [{"Ref": action_role}], key
            assert '"*"' not in json.dumps([s["Resource"] for s in each["Properties"]["PolicyDocument"]["Statement"]])
