"""The last act: whether AWS would have answered every call of the rehearsal, at the names it was sent to."""

from __future__ import annotations

from rehearsal import aws_names
from rehearsal.delivery import Delivery, StepError
from rehearsal.permissions import check_recorded_calls
from vectora_ops.names import STACK_LAYERS
from vectora_ops.settings import ENVIRONMENT_NAMES


def judge_calls(delivery: Delivery) -> str:
    """Return how many calls were judged.

    Raises StepError when a client asked for a name that AWS does not serve, and RefusedCallsError naming the calls that
    a role's own template does not allow.
    """
    refused = {each.host: each.reason for each in delivery.proxy.refusals if aws_names.is_aws(each.host)}
    if refused:
        raise StepError(f"{len(refused)} host names were asked for that AWS does not serve.", list(refused.values()))
    environments = [delivery.names(env) for env in ENVIRONMENT_NAMES]
    stacks = [names.stack(layer) for names in environments for layer in STACK_LAYERS]
    models = {
        each.profile_id: tuple(
            f"arn:aws:bedrock:{region}::foundation-model/{each.foundation_model_id}" for region in each.regions
        )
        for each in delivery.profiles()
    }
    summary = check_recorded_calls(
        delivery.emulator.record, delivery.administrator, stacks=[*stacks, delivery.pipeline], profiles=models
    )
    return str(summary)
