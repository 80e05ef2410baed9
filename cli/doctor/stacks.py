"""Check of the status of each stack."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

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
    statuses = {stack: status for stack in stacks if (status := _status(subject, stack)) is not None}
    failed = False
    for stack, status in statuses.items():
        behaviour = behaviour_of(stack, status)
        if behaviour.doctor == "fail":
            failed = True
            yield Finding(NAME, "fail", f"{stack} is in {status}: {behaviour.meaning}", command_for(stack, status))
        elif behaviour.command:
            yield Finding(NAME, "pass", f"{stack} is in {status}: {behaviour.meaning}", command_for(stack, status))
    if not failed:
        yield Finding(NAME, "pass", f"{len(statuses)} of {len(stacks)} stacks exist, none in a failed status")


def _status(subject: Subject, stack: str) -> str | None:
    try:
        described = subject.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if is_absent(error, "stack"):
            return None
        raise
    status = str(described["StackStatus"])
    return None if status == ABSENT else status


CHECK = Check(NAME, check_stack_statuses)
