"""Errors of the stand-in: for people, for callers of the API in AWS's own codes, and for a failed action."""

from __future__ import annotations

from vectora_shared.errors import VectoraError


class CodePipelineError(VectoraError):
    """The stand-in was used wrongly, or what was waited for did not happen."""


class ApiError(CodePipelineError):
    """An answer to a caller of the API, with the code that AWS gives."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class ActionFailedError(CodePipelineError):
    """An action failed; the message is what its error details say."""

    def __init__(self, message: str, code: str = "JobFailed") -> None:
        super().__init__(message)
        self.code = code


class InterruptedActionError(CodePipelineError):
    """Nobody waits for the action's result any more: it was abandoned, or the stand-in ends."""
