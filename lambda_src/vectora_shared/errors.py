"""Errors that a person can act on: each message says what happened, where, and what to do next."""

from __future__ import annotations


class VectoraError(Exception):
    """An expected failure; people see its message alone, without a traceback."""


class ConfigurationError(VectoraError):
    """Configuration is missing or invalid; the message names the file and, where known, line and key."""


class UnknownWordError(ConfigurationError):
    """A word that is none of a fixed list, such as the name of an environment: a command was called wrongly."""


class InvalidEventError(VectoraError):
    """An event that does not fit the contract of the invoked function, which answers with statusCode 400."""


class AnalyzerError(VectoraError):
    """A failure that every call of the model would meet, such as a missing permission; a retry does not help."""
