"""The last act: a check that AWS would have allowed every recorded call, at its host name."""

from __future__ import annotations

import boto3

from rehearsal import aws_names
from rehearsal.accounts import COPY, FRESH, LOST_ENVIRONMENT, WHERES
from rehearsal.acts import MISTYPED_MODEL
from rehearsal.delivery import Delivery
from rehearsal.emulator import ADMINISTRATOR
from rehearsal.model import InferenceProfile
from rehearsal.permissions import PROBES_OF_THE_CLI, Expected, check_recorded_calls
from rehearsal.permissions.facts import resource_policies
from rehearsal.waiting import StepError
from vectora_ops.settings import ENVIRONMENT_NAMES

# The rollback also restored the role, so no template allows the mistyped model.
BAD_COMMIT = Expected(
    "s0-iam-stage, NormalizeScoreRole", "bedrock:InvokeModel", "sonet", "the second commit mistypes the model"
)


def judge_calls(delivery: Delivery) -> str:
    """Return a summary of the calls that were judged.

    Raise StepError when a client used a host name that AWS does not serve, and RefusedCallsError naming the calls that
    a role's own template does not allow.
    """
    refused = {each.host: each.reason for each in delivery.proxy.refusals if aws_names.is_aws(each.host)}
    if refused:
        raise StepError(f"Calls used {len(refused)} host names that AWS does not serve.", list(refused.values()))
    profiles = delivery.profiles()
    profiles.append(InferenceProfile(MISTYPED_MODEL, MISTYPED_MODEL.partition(".")[2], profiles[0].regions))
    administrators = _administrators(delivery)
    policies = {account: resource_policies(session) for (account, _), session in administrators.items()}
    if delivery.accounts:
        policies[str(COPY.account)] = resource_policies(delivery.emulator.session(str(COPY.account), COPY.region))
    summaries = [
        check_recorded_calls(
            delivery.emulator.record,
            administrator,
            stacks=_stacks(delivery, administrator),
            profiles={each.profile_id: each.foundation_models for each in profiles},
            expected=[*PROBES_OF_THE_CLI, BAD_COMMIT],
            # Not a role of the project: it sets up the account, breaks an environment, and reads everything.
            skipped_callers=[f"arn:aws:iam::{account}:user/{ADMINISTRATOR}"],
            account=account,
            policies=policies,
        )
        for (account, _), administrator in administrators.items()
    ]
    if len(summaries) == 1:
        return str(summaries[0])
    return "; ".join(
        f"account {account}: {summary}" for (account, _), summary in zip(administrators, summaries, strict=True)
    )


def _administrators(delivery: Delivery) -> dict[tuple[str, str], boto3.Session]:
    """Return sessions of administrators by account and region, with those of the account that one was restored into."""
    found = {
        (delivery.account_id(where), delivery.region(where)): delivery.administrator(where)
        for where in reversed(WHERES)
    }
    if delivery.accounts:
        region = delivery.region(LOST_ENVIRONMENT)
        found[FRESH, region] = delivery.emulator.session(FRESH, region)
    return found


def _stacks(delivery: Delivery, administrator: boto3.Session) -> list[str]:
    """Return the names of the project's stacks; the roles of the CDK's bootstrap are read from IAM."""
    pages = administrator.client("cloudformation").get_paginator("describe_stacks").paginate()
    names = [stack["StackName"] for page in pages for stack in page["Stacks"]]
    every = [delivery.names(env) for env in ENVIRONMENT_NAMES]
    bootstraps = {each for own in every for each in (own.toolkit_stack, own.pipeline_toolkit_stack)}
    return [name for name in names if name.startswith(f"{delivery.settings.project}-") and name not in bootstraps]
