"""Definitions of existing functions, as templates state them."""

from __future__ import annotations

from typing import Any

import pytest

from vectora_ops.cloudformation.live_definitions import code_of, function_properties
from vectora_shared.errors import VectoraError

CODE = {"S3Bucket": "assets", "S3Key": "adopted/1.zip"}


def _answer(variables: dict[str, str] | None = None, **changed: Any) -> dict[str, Any]:
    found = {
        "FunctionName": "newsletter-v2-dev",
        "Runtime": "python3.11",
        "Handler": "handler.lambda_handler",
        "Role": "arn:aws:iam::000000000000:role/engine",
        "MemorySize": 1024,
        "Timeout": 900,
        "CodeSha256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        "Layers": [{"Arn": "arn:b:2", "CodeSize": 1}, {"Arn": "arn:a:4", "CodeSize": 1}],
        "Environment": {"Variables": variables or {"CACHE_BUST": "v11"}},
        "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""},
        **changed,
    }
    return {"Configuration": found, "Tags": {"Env": "dev", "aws:cloudformation:stack-name": "s"}}


def test_layers_keep_their_order_and_tags_of_aws_are_left_out() -> None:
    properties = function_properties(_answer(), CODE)
    assert properties["Layers"] == ["arn:b:2", "arn:a:4"]
    assert properties["Tags"] == [{"Key": "Env", "Value": "dev"}]
    assert properties["Code"] == CODE


def test_settings_are_stated_with_their_default_too() -> None:
    properties = function_properties(_answer(Layers=[]), CODE)
    assert (properties["Layers"], properties["Description"]) == ([], "")
    assert (properties["TracingConfig"], properties["EphemeralStorage"]) == ({"Mode": "PassThrough"}, {"Size": 512})
    assert "VpcConfig" not in properties


def test_the_code_is_named_by_its_digest() -> None:
    code = code_of(_answer(), "assets")
    assert code.properties == {"S3Bucket": "assets", "S3Key": f"adopted/{code.sha256}.zip"}
    assert code.sha256.startswith("ba7816bf")


def test_a_variable_that_may_hold_a_secret_is_refused() -> None:
    assert function_properties(_answer({"PUBMED_API_KEY_PARAM": "/a/name"}), CODE)
    with pytest.raises(VectoraError, match="Variable API_TOKEN of function newsletter-v2-dev may hold a secret"):
        function_properties(_answer({"API_TOKEN": "x"}), CODE)


def test_a_container_image_is_refused() -> None:
    with pytest.raises(VectoraError, match="container image"):
        function_properties(_answer(PackageType="Image"), CODE)
