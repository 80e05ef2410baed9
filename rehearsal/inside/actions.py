"""AWS's actions and resources for requests for which ministack checks others."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-not-found]
from ministack.core.responses import get_account_id, get_region  # type: ignore[import-not-found]
from ministack.services import iam  # type: ignore[import-not-found]

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import Answer, Request, refuse_first, wrap

# Operations whose action has another name (Service Authorization Reference, "Actions, resources, and condition keys
# for AWS Lambda").
LAMBDA_ACTIONS = {
    "Invoke": "InvokeFunction",
    "InvokeAsync": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
    "GetLayerVersionByArn": "GetLayerVersion",
}
# Actions on all alarms of the account, for any prefix (Service Authorization Reference, "Actions, resources, and
# condition keys for Amazon CloudWatch": their resource is an alarm).
ALL_ALARMS = ("cloudwatch:DescribeAlarms",)


def _query(query: dict[str, Any], name: str) -> str:
    value = query.get(name) or ""
    return str(value[0] if isinstance(value, list) else value)


def lambda_action(method: str, path: str, query: dict[str, Any]) -> str | None:
    """Return the action of a Lambda request by the routes of botocore's model."""
    operation = iam_actions._match_rest_action("lambda", method, path, query)
    return LAMBDA_ACTIONS.get(operation, operation) if operation else None


def action_of(original: Any, service: str, method: str, path: str, headers: Any, body: bytes, query: Any) -> str | None:
    """Return AWS's action for a request."""
    if service == "lambda" and (name := lambda_action(method, path, query or {})):
        return f"lambda:{name}"
    action: str | None = original(service, method, path, headers, body, query)
    return action


def resource_of(original: Any, service: str, method: str, path: str, *rest: Any) -> str:
    """Return the ARN on which AWS checks a request."""
    headers, body, query, region, account = rest
    arn = str(original(service, method, path, *rest))
    if service == "monitoring" and arn == "*":
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query)
        return f"arn:aws:cloudwatch:{region}:{account}:alarm:*" if action in ALL_ALARMS else arn
    if service == "lambda":
        return _lambda_resource(arn, method, path, query or {}, region, account)
    if service == "iam" and ":role/" in arn:
        return _with_path(arn)
    if service == "scheduler" and ":schedule/default/" in arn and (group := _query(query or {}, "groupName")):
        return arn.replace(":schedule/default/", f":schedule/{group}/")
    if service == "ssm" and arn == "*":
        return _parameters(body, region, account)[0]
    return arn


def _lambda_resource(arn: str, method: str, path: str, query: dict[str, Any], region: str, account: str) -> str:
    parts = [unquote(part) for part in path.split("/") if part]
    if "layers" in parts:
        if found := _query(query, "Arn"):
            return found
        position = parts.index("layers")
        name, version = parts[position + 1 : position + 2], parts[position + 3 : position + 4]
        return ":".join([f"arn:aws:lambda:{region}:{account}:layer", *name, *version]) if name else "*"
    if method == "POST" and parts[-1:] == ["functions"]:
        return arn
    # Lambda Developer Guide, "Fine-tuning the Resources and Conditions sections of policies": a policy on the
    # unqualified ARN does not allow a request for a version or alias.
    qualifier = _query(query, "Qualifier")
    return f"{arn}:{qualifier}" if qualifier and ":function:" in arn and arn.count(":") == 6 else arn


def _with_path(arn: str) -> str:
    """Return a role's ARN with its path, which is not part of a call to IAM."""
    account, _, name = arn.partition(":iam::")[2].partition(":role/")
    role = iam._roles.get_scoped(account, None, name)
    return str(role["Arn"]) if role else arn


def _parameters(body: bytes, region: str, account: str) -> list[str]:
    """Return the ARNs of the parameters that GetParameters, DeleteParameters or GetParametersByPath name."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return ["*"]
    names = document.get("Names") or ([document["Path"]] if document.get("Path") else [])
    arns = [
        name if name.startswith("arn:") else f"arn:aws:ssm:{region}:{account}:parameter/{name.lstrip('/')}"
        for name in names
    ]
    return arns or ["*"]


def refuse_other_parameters(request: Request) -> Answer | None:
    """Check the second and later parameters of a call, because ministack checks only the first."""
    region, account = get_region(), get_account_id()
    for arn in _parameters(request.body, region, account)[1:]:
        action = f"ssm:{request.operation}"
        if denial := permissions.caller_denial(action, arn):
            return permissions.denied_answer("ssm", action, arn, denial, request.headers)
    return None


def register() -> None:
    """Replace ministack's actions and resources by AWS's."""
    iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]
    wrap(iam_actions, "extract_iam_action", action_of)
    wrap(iam_actions, "extract_resource_arn", resource_of)
    # SimulatePrincipalPolicy passes the role's name with its path.
    wrap(
        iam_evaluator,
        "_gather_role_policies",
        lambda original, name, account: original(name.rpartition("/")[2], account),
    )
    permissions.remember_callers()
    permissions.name_resources()
    refuse_first("ssm", refuse_other_parameters)
