"""Names and logical ids of the running system, which a deployment updates in place."""

from __future__ import annotations

import pytest

from tests.stacks.deployed import Templates

# From the deployed stacks: with another logical id, type or name, CloudFormation would replace the resource.
RUNNING_RESOURCES = [
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


@pytest.mark.parametrize(("layer", "logical_id", "resource_type", "name_property", "name"), RUNNING_RESOURCES)
def test_a_resource_of_the_running_system_keeps_its_logical_id_type_and_name(
    dev: Templates, layer: str, logical_id: str, resource_type: str, name_property: str, name: str
) -> None:
    resource = dev[layer]["Resources"][logical_id]
    assert (resource["Type"], resource["Properties"][name_property]) == (resource_type, name)


@pytest.mark.parametrize("role", ["IngestNormalizeRole", "EngineRole"])
def test_roles_of_the_running_system_keep_their_generated_names(dev: Templates, role: str) -> None:
    properties = dev["s0-iam"]["Resources"][role]["Properties"]
    assert "RoleName" not in properties, "a fixed name would replace the role"


@pytest.mark.parametrize("bucket", ["Config", "Data", "Newsletters"])
def test_the_core_stack_keeps_its_outputs(dev: Templates, bucket: str) -> None:
    assert {f"{bucket}BucketName", f"{bucket}BucketArn"} <= set(dev["s0-core"]["Outputs"])


@pytest.mark.parametrize("role", ["IngestNormalize", "Engine"])
def test_the_iam_stack_keeps_its_outputs(dev: Templates, role: str) -> None:
    assert {f"{role}RoleName", f"{role}RoleArn"} <= set(dev["s0-iam"]["Outputs"])


def test_no_parameter_has_a_name_that_the_running_system_uses(dev: Templates) -> None:
    # The CDK CLI keeps the deployed value of a parameter with the same name: an ARN instead of a parameter's name.
    running = {"ProjectName", "Env", "EngineRoleArn", "IngestNormalizeRoleArn", "IngestRoleArn", "CommonDepsLayerArn"}
    running |= {"VectoraCoreLayerArn", "DataBucketName", "ConfigBucketName", "NewslettersBucketName"}
    assert not running & {name for template in dev.values() for name in template.get("Parameters", {})}
