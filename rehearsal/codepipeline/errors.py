"""Errors of the stand-in: of its own use, of the API with AWS's codes, and of actions."""

from __future__ import annotations

from vectora_shared.errors import VectoraError


class CodePipelineError(VectoraError):
    """The stand-in is not used as intended, or a wait ended without success."""


class ApiError(CodePipelineError):
    """An error of the API, with AWS's code."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class ActionFailedError(CodePipelineError):
    """An action failed; the message becomes its error details."""

    def __init__(self, message: str, code: str = "JobFailed") -> None:
        super().__init__(message)
        self.code = code


class InterruptedActionError(CodePipelineError):
    """The action's result is no longer needed: it was abandoned, or the stand-in ends."""
