"""Function watch: measures the conditions of this environment that no event reports."""

from __future__ import annotations

from typing import Any

from vectora_ops.functions.watch import watch_function


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return watch_function(event, context)
