"""The architecture that is read from templates: what starts, reads, writes and watches what."""

from __future__ import annotations

from typing import Any

import pytest

from change_review.architecture import Architecture, Edge, architecture_of
from change_review.drawing import mermaid_of, svg_of


def _role(*statements: dict[str, Any]) -> dict[str, Any]:
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": list(statements)}}]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"Policies": policies, "AssumeRolePolicyDocument": {"Statement": []}},
    }


def _named(kind: str, key: str, name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": {key: name, **properties}}


@pytest.fixture(name="architecture")
def _architecture() -> Architecture:
    allow = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::app-data-prod/*"}
    iam = {
        "MakerRole": _role(allow, {**allow, "Effect": "Deny"}),
        "MakerRoleArn": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/app/prod/maker", "Value": {"Fn::GetAtt": ["MakerRole", "Arn"]}},
        },
    }
    runtime = {
        "Maker": _named("Lambda::Function", "FunctionName", "app-maker-prod", Role={"Ref": "RoleParameter"}),
        "Daily": _named(
            "Scheduler::Schedule", "Name", "app-daily-prod", Target={"Arn": {"Fn::GetAtt": ["Maker", "Arn"]}}
        ),
        "Unused": _named("S3::Bucket", "BucketName", "app-unused-prod"),
    }
    parameters = {"RoleParameter": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/app/prod/maker"}}
    core = {"Data": _named("S3::Bucket", "BucketName", "app-data-prod")}
    stacks = {
        "core": {"Resources": core},
        "iam": {"Resources": iam},
        "runtime": {"Resources": runtime, "Parameters": parameters},
    }
    return architecture_of(stacks, "app", "prod")


def test_targets_and_grants_of_roles_in_other_stacks_are_edges(architecture: Architecture) -> None:
    assert architecture.edges == (
        Edge(source="daily", verb="starts", target="maker"),
        Edge(source="maker", verb="reads, writes", target="data"),
    )
    assert {node.name for node in architecture.nodes} == {"daily", "maker", "data"}


def test_changed_things_are_marked_in_both_drawings(architecture: Architecture) -> None:
    marked = architecture.marked(["maker"])

    assert "class maker changed" in mermaid_of(marked)
    assert svg_of(marked).count('stroke="#b3261e"') == 1
    assert "changed" not in mermaid_of(architecture)


def test_hostile_names_are_text_in_both_drawings() -> None:
    name = 'x"]<script>alert(1)</script>'
    resources = {
        "Maker": _named("Lambda::Function", "FunctionName", "f"),
        "Daily": _named("Scheduler::Schedule", "Name", name, Target={"Arn": {"Fn::GetAtt": ["Maker", "Arn"]}}),
    }

    hostile = architecture_of({"s": {"Resources": resources}}, "app", "prod")

    assert "<script" not in svg_of(hostile)
    assert '"]<script>' not in mermaid_of(hostile)
