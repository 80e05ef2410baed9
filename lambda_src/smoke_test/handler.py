"""Function smoke-test: the engine runs on the canary, and a newsletter with items must come out."""

from __future__ import annotations

from typing import Any

from vectora_ops.functions.smoke_test import smoke_test_function


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return smoke_test_function(event, context)
