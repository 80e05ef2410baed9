"""Function promotion: what this environment has is recorded, and what goes on into the next is judged."""

from __future__ import annotations

from typing import Any

from vectora_ops.functions.promotion import promotion_function


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return promotion_function(event, context)
