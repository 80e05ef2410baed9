"""Judges the calls that the rehearsal recorded by AWS's own rules and names, without the emulator's help."""

from rehearsal.permissions.judgement import Expected, RefusedCallsError, Summary, check_recorded_calls, judge
from rehearsal.permissions.recorded import RecordedCall, is_recorded

__all__ = ["Expected", "RecordedCall", "RefusedCallsError", "Summary", "check_recorded_calls", "is_recorded", "judge"]
