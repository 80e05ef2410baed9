"""Function smoke-test: the engine makes the newsletter of the canary client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vectora_ops.functions.invocation import Answer, StepLog, deadline_of, own_account, own_names
from vectora_ops.promotion.job import Done, NotYet, answer_step
from vectora_ops.promotion.steps.smoke_test import smoke_step
from vectora_shared.runtime import set_log_level


def smoke_test_function(event: dict[str, Any], context: Any) -> Answer:
    """Run the smoke test of an environment as a step of the pipeline."""
    set_log_level()

    deadline = deadline_of(context, event)

    def step(given: Mapping[str, Any], token: str | None) -> Done | NotYet:
        return smoke_step(own_account(), own_names(), given, token, observer=StepLog(), deadline=deadline)

    return answer_step(own_account(), event, {"smoke-test": step})
