"""The last act: whether AWS would have answered every call of the rehearsal, at the names it was sent to."""

from __future__ import annotations

from rehearsal import aws_names
from rehearsal.acts import MISTYPED_MODEL
from rehearsal.delivery import Delivery, StepError
from rehearsal.emulator import ADMINISTRATOR
from rehearsal.model import InferenceProfile
from rehearsal.permissions import PROBES_OF_THE_CLI, Expected, check_recorded_calls

# Its role was rolled back with it, so that no template allows the model that it asked for.
BAD_COMMIT = Expected(
    "s0-iam-stage, NormalizeScoreRole", "bedrock:InvokeModel", "sonet", "the second commit mistypes the model"
)


def judge_calls(delivery: Delivery) -> str:
    """Return how many calls were judged.

    Raises StepError when a client asked for a name that AWS does not serve, and RefusedCallsError naming the calls that
    a role's own template does not allow.
    """
    refused = {each.host: each.reason for each in delivery.proxy.refusals if aws_names.is_aws(each.host)}
    if refused:
        raise StepError(f"{len(refused)} host names were asked for that AWS does not serve.", list(refused.values()))
    profiles = delivery.profiles()
    profiles.append(InferenceProfile(MISTYPED_MODEL, MISTYPED_MODEL.partition(".")[2], profiles[0].regions))
    summary = check_recorded_calls(
        delivery.emulator.record,
        delivery.administrator,
        stacks=_stacks(delivery),
        profiles={each.profile_id: each.foundation_models for each in profiles},
        expected=[*PROBES_OF_THE_CLI, BAD_COMMIT],
        # Sets the account up, breaks things and reads everything, which no role does.
        left_out=[f"arn:aws:iam::{delivery.account_id}:user/{ADMINISTRATOR}"],
    )
    return str(summary)


def _stacks(delivery: Delivery) -> list[str]:
    """Return the project's stacks; the roles of the CDK's bootstrap are read from IAM."""
    pages = delivery.administrator.client("cloudformation").get_paginator("describe_stacks").paginate()
    names = [stack["StackName"] for page in pages for stack in page["Stacks"]]
    return [name for name in names if name.startswith(f"{delivery.settings.project}-")]
