"""Preview of a deployment by change sets that are deleted again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.definition import ResourceChange, StackDefinition
from vectora_ops.cloudformation.reading import SSM_TYPED
from vectora_ops.cloudformation.stacks import Stacks
from vectora_shared.aws_errors import is_absent

# Last part of the ARNs that stand for what an earlier stack of the same deployment creates.
NOT_YET = "created-by-this-deployment"


def preview_deployment(
    account: Account, stack: str, template: Mapping[str, Any], *, assets_bucket: str
) -> tuple[ResourceChange, ...]:
    """Return what an update of a deployed stack to the synthesized `template` would change; nothing is changed.

    CloudFormation makes no change set while an SSM parameter of the template is missing (user guide, "SSM parameter
    types": the value is read when the change set is made), and before the first deployment all of them are. So each one
    is given here by its value, or by an ARN of the right form where there is none. They set the role and the layers of
    functions, and the roles of a state machine and of schedules: a change of these replaces nothing (resource type
    reference, "Update requires").
    """
    definition = StackDefinition(
        name=stack,
        template=json.dumps(_with_values(account, template), separators=(",", ":")),
        parameters={},
        tags={},
        capabilities=("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"),
        role_arn=None,
    )
    return Stacks(account, assets_bucket=assets_bucket).preview(definition)


def _with_values(account: Account, template: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {
        key: {**parameter, "Type": "String", "Default": _value(account, str(parameter["Default"]))}
        if str(parameter["Type"]).startswith(SSM_TYPED)
        else parameter
        for key, parameter in template.get("Parameters", {}).items()
    }
    return {**template, **({"Parameters": parameters} if parameters else {})}


def _value(account: Account, name: str) -> str:
    try:
        return str(account.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    except ClientError as error:
        if is_absent(error, "parameter"):
            return _stand_in(account, name)
        raise


def _stand_in(account: Account, parameter: str) -> str:
    """Return an ARN of the kind that a parameter of this project holds: of a layer's version, or of a role.

    CloudFormation checks the form of properties when it makes a change set (user guide, "Validate stack deployments").
    """
    if "/layers/" in parameter:
        return f"arn:aws:lambda:{account.region}:{account.account_id}:layer:{NOT_YET}:1"
    return f"arn:aws:iam::{account.account_id}:role/{NOT_YET}"
