"""Release of an execution in one environment, as CodePipeline's variables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ReleaseVariables:
    """References to what the build exports and the source has; CodePipeline replaces them in each action."""

    digest: str
    content_digest: str
    version: str
    commit: str

    def parameters(self, operation: str) -> dict[str, str]:
        """Return the parameters of a step that does `operation`."""
        return {
            "operation": operation,
            "execution": "#{codepipeline.PipelineExecutionId}",
            "digest": self.digest,
            "content_digest": self.content_digest,
            "version": self.version,
            "commit": self.commit,
        }
