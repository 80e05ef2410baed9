"""Judgement of the recorded calls by AWS's own rules and names, independent of the emulator."""

from rehearsal.permissions.judgement import (
    PROBES_OF_THE_CLI,
    Expected,
    RefusedCallsError,
    Summary,
    check_recorded_calls,
    judge,
)
from rehearsal.permissions.recorded import RecordedCall, is_recorded

__all__ = [
    "PROBES_OF_THE_CLI",
    "Expected",
    "RecordedCall",
    "RefusedCallsError",
    "Summary",
    "check_recorded_calls",
    "is_recorded",
    "judge",
]
