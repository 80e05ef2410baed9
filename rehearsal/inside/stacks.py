"""CloudFormation's rules for stacks: exports in use, SSM parameters, service roles, and text outside of ASCII."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_evaluator  # type: ignore[import-not-found]
from ministack.core.responses import get_account_id, get_region  # type: ignore[import-not-found]
from ministack.services import cloudformation  # type: ignore[import-not-found]
from ministack.services.cloudformation import (  # type: ignore[import-not-found]
    changesets,
    engine,
    handlers,
    provisioners,
    stacks,
)

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import Answer, Request, refuse_first, wrap

READ = "ssm:GetParameters"
SSM_TYPE = "AWS::SSM::Parameter::Value<"
SERVICE = "cloudformation.amazonaws.com"
# Operations that read SSM parameters with the permissions of their caller.
RESOLVING = ("CreateStack", "UpdateStack", "CreateChangeSet")
# The CDK's deploy role: it deploys stacks with SSM parameters for which its policy has no permission.
DEPLOY_ROLE = re.compile(r":assumed-role/cdk-\w+-deploy-role-")
# Pseudo parameters that a condition may compare.
PSEUDO = {"AWS::AccountId": get_account_id, "AWS::Region": get_region, "AWS::Partition": lambda: "aws"}
_operation: ContextVar[str] = ContextVar("operation of CloudFormation in progress", default="")
_service_role: ContextVar[str] = ContextVar("role that the operation passes to CloudFormation", default="")


def _first(form: dict[str, Any], name: str) -> str:
    value = form.get(name) or ""
    return str(value[0] if isinstance(value, list) else value)


def _check_service_role(request: Request) -> Answer | None:
    """Remember the operation and its service role; refuse a role that CloudFormation cannot assume."""
    form = {**parse_qs(request.body.decode("utf-8", "replace")), **request.query}
    _operation.set(_first(form, "Action"))
    role = _first(form, "RoleARN")
    _service_role.set(role)
    if role and not permissions.role_trusts(role, SERVICE):
        answer: Answer = handlers._error("ValidationError", f"Role {role} is invalid or cannot be assumed")
        return answer
    return None


def _resolve_parameters(original: Any, template: dict[str, Any], *rest: Any, **named: Any) -> Any:
    """Check the permission for each parameter: of the service role, if there is one, and of the caller.

    CDK's bootstrap template notes that CreateChangeSet evaluates parameters with the permissions of its caller. But the
    CDK's deploy role has permission for one parameter only, and works with any; so it is not checked as a caller.
    """
    values = original(template, *rest, **named)
    if _operation.get() not in RESOLVING:
        return values
    for name in _ssm_parameters(template, values):
        arn = f"arn:aws:ssm:{get_region()}:{get_account_id()}:parameter/{name.lstrip('/')}"
        if reason := _unreadable(arn):
            code = "(Service: AWSSimpleSystemsManagement; Status Code: 400; Error Code: AccessDeniedException)"
            raise ValueError(f"{reason} {code}")
    return values


def _unreadable(arn: str) -> str | None:
    role, caller = _service_role.get(), str(iam_evaluator.caller_arn())
    if role and not permissions.role_allows(role, READ, arn):
        return f"{role} is not authorized to perform: {READ} on resource: {arn}"
    if role and DEPLOY_ROLE.search(caller):
        return None
    denial = permissions.caller_denial(READ, arn)
    return permissions.denial_message(READ, arn, denial) if denial else None


def _ssm_parameters(template: dict[str, Any], values: dict[str, Any]) -> Iterator[str]:
    for key, definition in (template.get("Parameters") or {}).items():
        if str(definition.get("Type", "")).startswith(SSM_TYPE) and key in values:
            yield str(values[key].get("SsmName") or values[key]["Value"])


def _joined(value: Any, parameters: dict[str, Any]) -> Any:
    """Replace each Fn::Join and pseudo parameter in a condition by its text, which ministack does not support there.

    CDK's bootstrap uses Fn::Join to test whether a list of accounts or policies is empty; without it, CloudFormation's
    role would have no policy.
    """
    if isinstance(value, list):
        return [_joined(each, parameters) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("Ref") in PSEUDO:
        return PSEUDO[value["Ref"]]()
    if list(value) == ["Fn::Join"]:
        separator, parts = value["Fn::Join"]
        if isinstance(parts, dict) and "Ref" in parts:
            parts = [str(parameters.get(parts["Ref"], {}).get("Value", "")).replace(",", separator)]
        return separator.join(str(each) for each in parts)
    return {key: _joined(each, parameters) for key, each in value.items()}


def _evaluate_conditions(original: Any, template: dict[str, Any], parameters: dict[str, Any]) -> Any:
    conditions = template.get("Conditions")
    return original({**template, "Conditions": _joined(conditions, parameters)} if conditions else template, parameters)


def _importers(name: str, exporter: str) -> list[str]:
    return sorted(
        stack["StackName"]
        for stack in cloudformation._stacks.values()
        if stack["StackId"] != exporter
        and stack.get("StackStatus") != "DELETE_COMPLETE"
        and name in handlers._imported_export_names(stack, stack["StackName"])
    )


def _resolve_outputs(original: Any, *arguments: Any) -> Any:
    """Refuse to change or delete an export that another stack imports (CloudFormation User Guide, outputs)."""
    outputs, exports = original(*arguments)
    stack_id = arguments[-1]
    for name, export in list(cloudformation._exports.items()):
        same = name in exports and exports[name]["Value"] == export["Value"]
        if export["StackId"] == stack_id and not same and (users := _importers(name, stack_id)):
            verb = "updated" if name in exports else "deleted"
            raise ValueError(f"Export {name} cannot be {verb} as it is in use by {', '.join(users)}")
    return outputs, exports


async def _deploy(original: Any, name: str, stack_id: str, *rest: Any, **named: Any) -> None:
    """Delete exports that a deployed stack no longer has."""
    await original(name, stack_id, *rest, **named)
    stack = cloudformation._stacks.get(name)
    if stack is None or stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return
    current = {output.get("ExportName") for output in stack.get("Outputs", [])}
    for export in [each for each, found in cloudformation._exports.items() if found["StackId"] == stack_id]:
        if export not in current:
            cloudformation._exports.pop(export, None)


def _in_ascii(answer: Answer) -> Answer:
    """Replace characters outside of ASCII by ? (cloudformation-coverage-roadmap issue 814)."""
    status, headers, body = answer
    text = body.decode("utf-8") if isinstance(body, bytes) else str(body)
    return status, headers, text.encode("ascii", "replace")


def _policy_problem(bucket: str) -> str | None:
    if bucket in provisioners._s3._bucket_policies:
        return None
    return f"Resource of type 'AWS::S3::BucketPolicy' with identifier '{bucket}' was not found."


def _support_import_of_bucket_policies() -> None:
    """Let CloudFormation import bucket policies (user guide, resource type support), which ministack does not."""
    changesets._IMPORT_LOOKUPS["AWS::S3::BucketPolicy"] = (("Bucket",), _policy_problem)
    handler = provisioners._RESOURCE_HANDLERS["AWS::S3::BucketPolicy"]
    handler["import"] = lambda identifier: (f"{identifier['Bucket']}-policy", {})


def register() -> None:
    """Add these rules to CloudFormation."""
    for module in (handlers, changesets):
        wrap(module, "_resolve_parameters", _resolve_parameters)
        # Both imported the function by name.
        wrap(module, "_deploy_stack_async", _deploy)
    for module in (engine, handlers, changesets, stacks):
        wrap(module, "_evaluate_conditions", _evaluate_conditions)
    wrap(stacks, "_resolve_stack_outputs", _resolve_outputs)
    get_template = handlers._ACTION_HANDLERS["GetTemplate"]
    handlers._ACTION_HANDLERS["GetTemplate"] = lambda params: _in_ascii(get_template(params))
    _support_import_of_bucket_policies()
    refuse_first("cloudformation", _check_service_role)
