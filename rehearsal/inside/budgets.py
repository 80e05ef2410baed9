"""Budgets in stacks: the emulator has the service, and CloudFormation lacks its resource type."""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import get_account_id  # type: ignore[import-not-found]
from ministack.services import budgets  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

TYPE = "AWS::Budgets::Budget"
# A change of it replaces the budget (CloudFormation, AWS::Budgets::Budget).
REPLACING = "NotificationsWithSubscribers"
Properties = dict[str, Any]


def _budget(properties: Properties, name: str) -> Properties:
    """Return the budget as the API takes it: an amount is a text there."""
    given = properties["Budget"]
    limit = given["BudgetLimit"]
    return {**given, "BudgetName": name, "BudgetLimit": {**limit, "Amount": str(limit["Amount"])}}


def _refuse(answer: tuple[int, Any, Any]) -> None:
    status, _, body = answer
    if status != 200:
        raise ValueError(json.loads(body).get("message", body))


def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
    name = str(properties["Budget"].get("BudgetName") or provisioners._physical_name(stack, logical_id, max_len=100))
    request = {
        "AccountId": get_account_id(),
        "Budget": _budget(properties, name),
        REPLACING: properties.get(REPLACING, []),
        "ResourceTags": properties.get("ResourceTags", []),
    }
    _refuse(budgets._create_budget(request))
    return name, {}


def update(name: str, old: Properties, new: Properties, stack: str) -> tuple[str, dict[str, str]]:
    _refuse(budgets._update_budget({"AccountId": get_account_id(), "NewBudget": _budget(new, name)}))
    return name, {}


def delete(name: str, properties: Properties) -> None:
    budgets._delete_budget({"AccountId": get_account_id(), "BudgetName": name})


def register() -> None:
    """Add the resource type to CloudFormation."""
    provisioners._RESOURCE_HANDLERS[TYPE] = {"create": create, "update": update, "delete": delete}
    provisioners._REPLACING_PROPERTIES[TYPE] = (REPLACING,)
