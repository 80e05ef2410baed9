"""Function snapshot: snapshots are taken, verified and pruned; CloudFormation waits for it before a deployment."""

from __future__ import annotations

from typing import Any

from vectora_ops.functions.snapshot import snapshot_function


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    return snapshot_function(event, context)
