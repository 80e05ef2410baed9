"""Inference profiles of the stand-in's models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InferenceProfile:
    """A cross-region profile, which can be called from the regions that it routes to."""

    profile_id: str
    foundation_model_id: str
    regions: tuple[str, ...]

    @property
    def foundation_models(self) -> tuple[str, ...]:
        """ARNs of the model in each region."""
        return tuple(f"arn:aws:bedrock:{each}::foundation-model/{self.foundation_model_id}" for each in self.regions)

    def resources(self, region: str, account: str) -> list[str]:
        """Return the ARNs on which AWS checks the caller's permission for a call."""
        if self.profile_id == self.foundation_model_id:
            return list(self.foundation_models)
        return [f"arn:aws:bedrock:{region}:{account}:inference-profile/{self.profile_id}", *self.foundation_models]

    @classmethod
    def of_model(cls, model_id: str, region: str) -> InferenceProfile:
        """Return a foundation model that is called without a profile, in one region."""
        return cls(model_id, model_id, (region,))
