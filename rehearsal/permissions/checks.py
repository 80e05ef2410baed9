"""Permission checks that AWS makes for a recorded request."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.permissions import reference
from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation, UnknownOperationError
from rehearsal.permissions.rules import RULES, action_of
from rehearsal.permissions.s3_checks import s3_checks


def checks_of(operation: Operation, facts: Facts) -> tuple[Check, ...]:
    """Return the permissions that the operation needs.

    Raise UnknownOperationError for an operation without a rule, and for a rule whose action or resource is not in
    AWS's reference.
    """
    found = tuple(_checks(operation, facts))
    for check in found:
        if not reference.exists(check.action):
            raise UnknownOperationError(f"{operation}: AWS knows no action {check.action}.")
        if not reference.fits(check.action, check.resource):
            raise UnknownOperationError(f"{operation}: AWS does not check {check.action} on {check.resource}.")
    return found


def _checks(operation: Operation, facts: Facts) -> Iterator[Check]:
    if operation.service == "s3":
        yield from s3_checks(operation)
    elif rule := RULES.get(operation.service, {}).get(operation.name):
        yield from rule(operation, facts)
    elif reference.exists(action_of(operation)) and not reference.takes_resources(action_of(operation)):
        # The action has the operation's own name and cannot be limited to resources, so it needs no rule.
        yield Check(action_of(operation), "*")
    else:
        raise UnknownOperationError(
            f"{operation.request.sample}: the permissions of {operation} are not known; add them to "
            "rehearsal/permissions/rules/."
        )
