"""Permissions of Bedrock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation, UnknownOperationError
from rehearsal.permissions.rules.common import Rule, arn_of, check_on, text_parameter


def _invoke_model(operation: Operation, facts: Facts) -> Iterator[Check]:
    """Yield checks of the profile, and of the model in each region that the profile routes to.

    Bedrock user guide, "Prerequisites for inference profiles"; API reference, Converse: bedrock:InvokeModel.
    """
    name = text_parameter(operation, "modelId")
    streams = operation.name in ("ConverseStream", "InvokeModelWithResponseStream")
    action = "bedrock:InvokeModelWithResponseStream" if streams else "bedrock:InvokeModel"
    identity = name.rpartition("/")[2]
    if identity in facts.profiles:
        profile = arn_of(operation, "bedrock", f"inference-profile/{identity}")
        yield Check(action, profile)
        for model in facts.profiles[identity]:
            yield Check(action, model, {"bedrock:InferenceProfileArn": profile})
    elif "inference-profile/" in name or identity.partition(".")[0] in ("eu", "us", "apac", "global"):
        raise UnknownOperationError(
            f"{operation.request.sample}: the models behind the inference profile {identity} are not known."
        )
    else:
        model = f"arn:aws:bedrock:{operation.request.region}::foundation-model/{identity}"
        yield Check(action, model, absent=("bedrock:InferenceProfileArn",))


def _profile(operation: Operation) -> str:
    name = text_parameter(operation, "inferenceProfileIdentifier")
    return name if name.startswith("arn:") else arn_of(operation, "bedrock", f"inference-profile/{name}")


BEDROCK: Mapping[str, Rule] = {"GetInferenceProfile": check_on(_profile)}
BEDROCK_RUNTIME: Mapping[str, Rule] = dict.fromkeys(
    ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"), _invoke_model
)
