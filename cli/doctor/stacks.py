"""Check of the status of each stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cli.cdk_bootstrap import EXECUTION_ROLE
from cli.doctor.bootstrap import UPGRADE
from cli.doctor.finding import Check, Finding
from cli.doctor.subject import Subject
from vectora_ops.cloudformation.statuses import ABSENT, behaviour_of, command_for
from vectora_ops.names import STACK_LAYERS
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_shared.aws_errors import is_absent

NAME = "status of stacks"


def check_stack_statuses(subject: Subject) -> Iterator[Finding]:
    """Check that CloudFormation can update each stack of the environments, and of the pipeline."""
    stacks = [subject.settings.names(env).stack(layer) for env in subject.envs for layer in STACK_LAYERS]
    if subject.pipeline:
        stacks.append(subject.settings.names(ENVIRONMENT_NAMES[0]).pipeline)
    described = {stack: found for stack in stacks if (found := _described(subject, stack)) is not None}
    statuses = {stack: str(found["StackStatus"]) for stack, found in described.items()}
    failed = False
    for finding in _of_another_bootstrap(subject, described):
        failed = True
        yield finding
    for stack, status in statuses.items():
        behaviour = behaviour_of(stack, status)
        if behaviour.doctor == "fail":
            failed = True
            yield Finding(NAME, "fail", f"{stack} is in {status}: {behaviour.meaning}", command_for(stack, status))
        elif behaviour.command:
            yield Finding(NAME, "pass", f"{stack} is in {status}: {behaviour.meaning}", command_for(stack, status))
    if not failed:
        yield Finding(NAME, "pass", f"{len(statuses)} of {len(stacks)} stacks exist, none in a failed status")


def _of_another_bootstrap(subject: Subject, described: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield the stacks that CloudFormation still changes with the role of another bootstrap.

    It keeps the role of the last operation that named one (CreateChangeSet, API reference, RoleARN).
    """
    own = {each.role_arn(EXECUTION_ROLE): each.owner for each in subject.bootstraps}
    for stack, found in described.items():
        role = found.get("RoleARN")
        if role and role not in own:
            text = f"{stack} is deployed with {str(role).rpartition('/')[2]}, which is not of its own bootstrap"
            yield Finding(NAME, "fail", text, f"deploy it again ({UPGRADE})")


def _described(subject: Subject, stack: str) -> Mapping[str, Any] | None:
    try:
        described: Mapping[str, Any] = subject.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if is_absent(error, "stack"):
            return None
        raise
    return None if described["StackStatus"] == ABSENT else described


CHECK = Check(NAME, check_stack_statuses)
