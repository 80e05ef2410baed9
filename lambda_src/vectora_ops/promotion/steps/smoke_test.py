"""Pipeline step smoke test: the engine makes the newsletter of the canary client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Deadline, Observer, OutOfTimeError, never
from vectora_ops.promotion.job import Done, NotYet
from vectora_ops.promotion.steps.parameters import StepParameters, step_parameters
from vectora_ops.smoke import smoke_test
from vectora_shared.aws_texts import variable
from vectora_shared.errors import VectoraError


def smoke_step(
    account: Account,
    names: Names,
    given: Mapping[str, Any],
    token: str | None,
    *,
    observer: Observer,
    deadline: Deadline = never,
) -> Done | NotYet:
    """Run the smoke test; raises VectoraError when it makes no newsletter with items."""
    parameters = step_parameters(StepParameters, given)
    try:
        result = smoke_test(account, names, on_step=observer.step, started=token, deadline=deadline)
    except OutOfTimeError as unfinished:
        return NotYet(token=unfinished.subject)
    if not result.passed:
        raise VectoraError(f"The smoke test of {parameters.version} in {names.env} failed: {result.reason}.")
    return Done(summary=f"Smoke test passed: {result.reason}.", variables={"result": variable(result.reason)})
