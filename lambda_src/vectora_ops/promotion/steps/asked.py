"""Parameters that every pipeline step receives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from vectora_ops.records import Deployment
from vectora_shared.errors import VectoraError

# A variable of CodePipeline cannot be empty.
NONE = "none"
# Parameters are read as they were a moment ago (aws-cdk-cli pull request 830); the release's is CloudFormation's.
READS, READ_PAUSE_SECONDS = 4, 2.0
Read = TypeVar("Read")
NotEmpty = Annotated[str, StringConstraints(min_length=1)]


class StepParameters(BaseModel):
    """What a step is about; CodePipeline's variables are strings."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    execution: NotEmpty
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    version: NotEmpty
    commit: NotEmpty


def step_parameters(model: type[StepParameters], given: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise VectoraError(f"The action's user parameters do not fit: '{key}': {error.errors()[0]['msg']}.") from error


def is_release(deployment: Deployment | None, asked: StepParameters) -> bool:
    return deployment is not None and (deployment.execution, deployment.state) == (asked.execution, "deploying")


def settled(read: Callable[[], Read], is_expected: Callable[[Read], bool], sleep: Callable[[float], None]) -> Read:
    """Return the value once it is as expected, or once it has had time to become so."""
    for _ in range(READS - 1):
        found = read()
        if is_expected(found):
            return found
        sleep(READ_PAUSE_SECONDS)
    return read()
