"""Function rollback: the environment becomes again what a snapshot says."""

from __future__ import annotations

from typing import Any

from vectora_ops.functions.rollback import rollback_function


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    return rollback_function(event, context)
