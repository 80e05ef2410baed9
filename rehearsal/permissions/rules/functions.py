"""Permissions of Lambda's operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation
from rehearsal.permissions.rules.common import Rule, arn_of, check_and_pass_role, check_on, parameter, text_parameter

FUNCTION_OPERATIONS = (
    "DeleteFunction",
    "GetFunctionConcurrency",
    "GetFunctionConfiguration",
    "GetFunctionEventInvokeConfig",
    "GetPolicy",
    "ListFunctionEventInvokeConfigs",
    "ListVersionsByFunction",
    "PublishVersion",
    "UpdateFunctionCode",
)


def _function(operation: Operation) -> str:
    """Return a function's ARN with the version or alias of the request (Lambda guide, resource names)."""
    name = text_parameter(operation, "FunctionName")
    if not name.startswith("arn:"):
        account, _, partial = name.partition(":function:")
        name = (
            f"arn:aws:lambda:{operation.request.region}:{account}:function:{partial}"
            if partial
            else arn_of(operation, "lambda", f"function:{name}")
        )
    qualifier = operation.parameters.get("Qualifier")
    return f"{name}:{qualifier}" if qualifier else name


def _get_function(operation: Operation, facts: Facts) -> Iterator[Check]:
    function = _function(operation)
    yield Check("lambda:GetFunction", function)
    # API reference, GetFunction: without lambda:ListTags the answer has TagsError instead of Tags.
    yield Check("lambda:ListTags", ":".join(function.split(":")[:7]))


def _layer_version(operation: Operation) -> str:
    if arn := operation.parameters.get("Arn"):
        return str(arn)
    name, version = text_parameter(operation, "LayerName"), text_parameter(operation, "VersionNumber")
    return f"{name if name.startswith('arn:') else arn_of(operation, 'lambda', f'layer:{name}')}:{version}"


LAMBDA: Mapping[str, Rule] = {
    **{name: check_on(_function) for name in FUNCTION_OPERATIONS},
    "CreateFunction": check_and_pass_role(_function, "Role", "lambda.amazonaws.com"),
    "GetFunction": _get_function,
    "GetLayerVersion": check_on(_layer_version),
    "GetLayerVersionByArn": check_on(_layer_version, "lambda:GetLayerVersion"),
    "Invoke": check_on(_function, "lambda:InvokeFunction"),
    "ListTags": check_on(parameter("Resource")),
    "UpdateFunctionConfiguration": check_and_pass_role(_function, "Role", "lambda.amazonaws.com"),
}
