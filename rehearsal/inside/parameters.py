"""Values that Parameter Store refuses."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import error_response_json  # type: ignore[import-not-found]
from ministack.services import ssm  # type: ignore[import-not-found]

from rehearsal.inside.wrapping import wrap

BYTES = {"Standard": 4096, "Advanced": 8192}
NESTED = """Parameter value can't nest another parameter. Do not use "{{}}" in the value."""
TOO_LONG = {
    "Standard": "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger "
    "parameter value, upgrade the parameter to use the advanced-parameter tier.",
    "Advanced": "Advanced tier parameters support a maximum parameter value of 8192 characters.",
}
EMPTY = (
    "1 validation error detected: Value at 'value' failed to satisfy constraint: "
    "Member must have length greater than or equal to 1"
)


def problem(value: str, tier: str) -> str | None:
    """Return AWS's message for a value that it refuses.

    botocore's model of PutParameter: no values wrapped in {{}}, and 4 KB or 8 KB of content. Both are read strictly:
    opening brackets alone are refused, and the limit counts bytes rather than characters.
    """
    if not value:
        return EMPTY
    if "{{" in value:
        return NESTED
    return TOO_LONG[tier] if len(value.encode("utf-8")) > BYTES[tier] else None


def _put(original: Any, given: dict[str, Any]) -> Any:
    """Check a value that is set by API or by CloudFormation."""
    value = given.get("Value")
    existing = ssm._parameters.get(given.get("Name"))
    tier = given.get("Tier") or ssm._default_tier(given, str(value or ""), existing)
    reason = problem(str(value), tier if tier in BYTES else "Advanced") if value is not None else EMPTY
    return error_response_json("ValidationException", reason, 400) if reason else original(given)


def register() -> None:
    """Check each value before it is stored."""
    wrap(ssm, "_put_parameter", _put)
