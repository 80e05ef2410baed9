"""Permission checks of a recorded request: actions by AWS's names, on resources in AWS's form."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.permissions import reference
from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation, UnknownOperationError
from rehearsal.permissions.s3_checks import s3_checks
from rehearsal.permissions.service_checks import RULES, action_of


def checks_of(operation: Operation, facts: Facts) -> tuple[Check, ...]:
    """Return the permissions that the operation needs.

    Raise UnknownOperationError naming an operation whose permissions are not known here, and for a rule whose action
    or resource is not in AWS's reference.
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
        # An action of the operation's own name that knows no resources: the reference has the whole answer.
        yield Check(action_of(operation), "*")
    else:
        raise UnknownOperationError(
            f"{operation.request.sample}: the permissions of {operation} are not known; add them to "
            "rehearsal/permissions/service_checks.py."
        )
