"""Deploying over the running system updates in place: names and logical ids of stateful resources are kept."""

from __future__ import annotations

from typing import Any

import pytest

# From the deployed stack descriptions: another logical id, type or name would replace the resource.
ADOPTED = [
    ("s0-core", "ConfigBucket", "AWS::S3::Bucket", "BucketName", "vectora-inbox-config-dev"),
    ("s0-core", "DataBucket", "AWS::S3::Bucket", "BucketName", "vectora-inbox-data-dev"),
    ("s0-core", "NewslettersBucket", "AWS::S3::Bucket", "BucketName", "vectora-inbox-newsletters-dev"),
    ("s0-core", "LambdaCodeBucket", "AWS::S3::Bucket", "BucketName", "vectora-inbox-lambda-code-dev"),
    ("s1-ingest-v2", "IngestV2Function", "AWS::Lambda::Function", "FunctionName", "vectora-inbox-ingest-v2-dev"),
    (
        "s1-ingest-v2",
        "IngestV2LogGroup",
        "AWS::Logs::LogGroup",
        "LogGroupName",
        "/aws/lambda/vectora-inbox-ingest-v2-dev",
    ),
    (
        "s1-runtime",
        "NormalizeScoreV2Function",
        "AWS::Lambda::Function",
        "FunctionName",
        "vectora-inbox-normalize-score-v2-dev",
    ),
    ("s1-runtime", "NewsletterV2Function", "AWS::Lambda::Function", "FunctionName", "vectora-inbox-newsletter-v2-dev"),
    ("s1-runtime", "VectoraCoreLayer", "AWS::Lambda::LayerVersion", "LayerName", "vectora-inbox-vectora-core-dev"),
    ("s1-runtime", "CommonDepsLayer", "AWS::Lambda::LayerVersion", "LayerName", "vectora-inbox-common-deps-dev"),
]


@pytest.mark.parametrize(("layer", "logical_id", "kind", "key", "name"), ADOPTED)
def test_an_adopted_resource_keeps_logical_id_and_name(
    dev: dict[str, Any], layer: str, logical_id: str, kind: str, key: str, name: str
) -> None:
    resource = dev[layer]["Resources"][logical_id]
    assert (resource["Type"], resource["Properties"][key]) == (kind, name)


@pytest.mark.parametrize("role", ["IngestNormalizeRole", "EngineRole"])
def test_adopted_roles_keep_their_generated_names(dev: dict[str, Any], role: str) -> None:
    properties = dev["s0-iam"]["Resources"][role]["Properties"]
    assert "RoleName" not in properties, "a fixed name would replace the role"


@pytest.mark.parametrize("bucket", ["Config", "Data", "Newsletters"])
def test_outputs_of_the_running_system_are_kept(dev: dict[str, Any], bucket: str) -> None:
    assert {f"{bucket}BucketName", f"{bucket}BucketArn"} <= set(dev["s0-core"]["Outputs"])


@pytest.mark.parametrize("role", ["IngestNormalize", "Engine"])
def test_role_outputs_of_the_running_system_are_kept(dev: dict[str, Any], role: str) -> None:
    assert {f"{role}RoleName", f"{role}RoleArn"} <= set(dev["s0-iam"]["Outputs"])


def test_no_parameter_has_the_name_of_one_of_the_running_system(dev: dict[str, Any]) -> None:
    # The CLI keeps the value of a deployed parameter of the same name: an ARN instead of a parameter's name.
    running = {"ProjectName", "Env", "EngineRoleArn", "IngestNormalizeRoleArn", "IngestRoleArn", "CommonDepsLayerArn"}
    running |= {"VectoraCoreLayerArn", "DataBucketName", "ConfigBucketName", "NewslettersBucketName"}
    assert not running & {name for template in dev.values() for name in template.get("Parameters", {})}
