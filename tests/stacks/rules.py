"""Rules that check an account's templates, and changes to the golden templates that break a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.stacks.deployed import Account, Body, TemplateChange, Templates, golden_account

# Yields a message for each finding.
Rule = Callable[[Account], Iterator[str]]

PIPELINE = "vectora-inbox-pipeline"


@dataclass(frozen=True)
class Violation:
    """Change to the golden templates for which a rule yields a message that contains `message`."""

    rule: Rule
    change: TemplateChange
    message: str


def assert_found(violation: Violation) -> None:
    messages = list(violation.rule(golden_account(violation.change)))
    assert any(violation.message in each for each in messages), messages


def stack_name(layer: str, env: str) -> str:
    return f"vectora-inbox-{layer}-{env}"


def statements_of_role(bodies: Mapping[str, Body], stack: str, role: str) -> list[dict[str, Any]]:
    """Return the statements of a role that has one inline policy."""
    [policy] = bodies[stack]["Resources"][role]["Properties"]["Policies"]
    statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return statements


def statements_by_sid(templates: Templates, role: str) -> dict[str, dict[str, Any]]:
    """Return the statements of a role of any stack in the templates of one environment."""
    [layer] = [layer for layer, template in templates.items() if role in template["Resources"]]
    return {statement["Sid"]: statement for statement in statements_of_role(templates, layer, role)}


def set_properties(stack: str, logical_id: str, **properties: Any) -> TemplateChange:
    return lambda bodies: bodies[stack]["Resources"][logical_id]["Properties"].update(properties)


def remove_resource(stack: str, logical_id: str) -> TemplateChange:
    return lambda bodies: bodies[stack]["Resources"].pop(logical_id)


def remove_statement_of_role(stack: str, role: str, sid: str) -> TemplateChange:
    return lambda bodies: _remove_statement(statements_of_role(bodies, stack, role), sid)


def remove_statement_of_policy(
    stack: str, logical_id: str, sid: str, *, property_name: str = "PolicyDocument"
) -> TemplateChange:
    """Return the change for a resource whose property `property_name` is a policy."""

    def change(bodies: dict[str, Body]) -> None:
        _remove_statement(bodies[stack]["Resources"][logical_id]["Properties"][property_name]["Statement"], sid)

    return change


def _remove_statement(statements: list[dict[str, Any]], sid: str) -> None:
    [found] = [each for each in statements if each.get("Sid") == sid]
    statements.remove(found)


def all_of(*changes: TemplateChange) -> TemplateChange:
    def change(bodies: dict[str, Body]) -> None:
        for each in changes:
            each(bodies)

    return change
