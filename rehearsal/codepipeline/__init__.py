"""A stand-in for AWS CodePipeline V2, and for the parts of CodeBuild that it needs, which works on the emulator."""

from rehearsal.codepipeline.errors import CodePipelineError
from rehearsal.codepipeline.hooks import ActionAddress, FailAfter, StateChange, Timing
from rehearsal.codepipeline.report import ActionReport, ExecutionReport
from rehearsal.codepipeline.service import CodePipeline

__all__ = [
    "ActionAddress",
    "ActionReport",
    "CodePipeline",
    "CodePipelineError",
    "ExecutionReport",
    "FailAfter",
    "StateChange",
    "Timing",
]
