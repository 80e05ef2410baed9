"""Parameters of the pipeline's steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from vectora_shared.errors import VectoraError

# A variable of CodePipeline cannot be empty.
NONE = "none"
NotEmpty = Annotated[str, StringConstraints(min_length=1)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class StepParameters(BaseModel):
    """The execution and the release that a step works for; `digest` is the release's in the step's environment."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    execution: NotEmpty
    digest: Digest
    content_digest: Digest
    version: NotEmpty
    commit: NotEmpty


ParametersT = TypeVar("ParametersT", bound=StepParameters)


def step_parameters(model: type[ParametersT], given: Mapping[str, Any]) -> ParametersT:
    """Return the parameters of an action, which are strings; raises VectoraError when they do not fit."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise VectoraError(f"The action's user parameters do not fit: '{key}': {error.errors()[0]['msg']}.") from error
