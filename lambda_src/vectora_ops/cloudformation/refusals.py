"""Refusals of CloudFormation, explained with what to do."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from vectora_ops.cloudformation.statuses import BEHAVIOURS, is_changing, problem_of
from vectora_shared.aws_errors import error_code, error_message
from vectora_shared.errors import VectoraError

# CloudFormation has no code for most refusals: they are a ValidationError, and only the message says why.
EXPLAINED_CODES = ("ValidationError", "InsufficientCapabilitiesException", "LimitExceededException")
# "Stack:ARN is in UPDATE_IN_PROGRESS state and can not be updated." (aws-cdk 901), "This stack is currently in a
# non-terminal [UPDATE_FAILED] state." (aws-cdk 30546), "Stack [ARN] cannot be deleted while in status
# UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" (amplify-backend 2366).
STATUS_IN_MESSAGE = re.compile(r"(?:is in|in a non-terminal|while in status) \[?([A-Z_]+)")
PROTECTED = "TerminationProtection"
# "RollbackStack is not supported for stacks that were last updated using EXPRESS deployment mode", "Follow-up
# operations must use the same DeploymentConfig (mode=EXPRESS)" (aws-cdk-cli 1739).
EXPRESS_WORDS = ("EXPRESS deployment mode", "mode=EXPRESS", "not supported on stack with disable-rollback")
POLICY_WORDS = ("denied by stack policy", "not allowed by stack policy")
ROLE_WORDS = "is invalid or cannot be assumed"
TEMPLATE_WORDS = ("template", "Template", "templateBody", "Parameters:", "parameter", "Unresolved resource", "Circular")


class StackBusyError(VectoraError):
    """Another operation is changing the stack."""


def explained(stack: str, error: ClientError, what: str) -> Exception:
    """Return the refusal to `what`, such as "update" or "delete", as a sentence with what to do.

    The result is the error itself when it says nothing about the stack: throttling, a missing permission, an outage.
    """
    message = error_message(error)
    if "OperationInProgress" in error_code(error):
        return StackBusyError(f"Another operation is changing stack {stack} ({message}): wait for its end.")
    if error_code(error) not in EXPLAINED_CODES:
        return error
    named = STATUS_IN_MESSAGE.search(message)
    if named and is_changing(named[1]):
        return StackBusyError(f"Another operation is changing stack {stack}, which is in {named[1]}: wait for its end.")
    if named and named[1] in BEHAVIOURS and (problem := problem_of(stack, named[1])):
        return VectoraError(problem)
    if advice := advice_for(stack, message):
        return VectoraError(f"CloudFormation refuses to {what} stack {stack}: {message.rstrip('.')}. {advice}")
    if any(words in message for words in TEMPLATE_WORDS):
        return VectoraError(f"CloudFormation does not accept the template of stack {stack}: {message}")
    return VectoraError(f"CloudFormation refuses to {what} stack {stack}: {message}")


def advice_for(stack: str, reason: str) -> str:
    """Return what to do about CloudFormation's reason for a failure or a refusal; empty when it speaks for itself."""
    if PROTECTED in reason:
        return termination_protection_advice(stack)
    if any(words in reason for words in POLICY_WORDS):
        return (
            "Allow the update in the stack's policy (aws cloudformation get-stack-policy and set-stack-policy "
            f"--stack-name {stack}), then run this again."
        )
    if any(words in reason for words in EXPRESS_WORDS):
        return (
            "It was last changed in express mode, which only another express deployment changes: deploy its last good "
            f"release again (cdk deploy {stack} --express --method=direct), then run this again."
        )
    if ROLE_WORDS in reason:
        return "CloudFormation's role is gone: create it again (cdk bootstrap), then run this again."
    return ""


def termination_protection_advice(stack: str) -> str:
    """Return the command that turns off termination protection, which only the person who set it may decide."""
    return (
        "It was left as it is. To allow its deletion: aws cloudformation "
        f"update-termination-protection --no-enable-termination-protection --stack-name {stack}, then run this again."
    )
