"""Errors that a person can act on: each message is one sentence that says what, where and what to do."""

from __future__ import annotations


class VectoraError(Exception):
    """An expected failure; its message is shown as it is, without a traceback."""


class ConfigurationError(VectoraError):
    """Configuration is missing or invalid; the message names the file and, where known, line and key."""


class InvalidEventError(VectoraError):
    """A function was invoked with an event that does not fit its contract (answered with statusCode 400)."""


class AnalyzerError(VectoraError):
    """The analyzer cannot work at all (no permission, unknown model); trying again does not help."""
