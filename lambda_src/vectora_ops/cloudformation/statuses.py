"""Statuses of stacks, and the behaviour of snapshot, rollback, adoption, promotion and doctor in each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from vectora_shared.errors import VectoraError

REVIEW = "REVIEW_IN_PROGRESS"
ABSENT = "DELETE_COMPLETE"
EXPRESS = "EXPRESS"
# "taken": the snapshot holds the definition. "absent": to a snapshot, there is no such stack. "refused": none is taken.
InSnapshot = Literal["taken", "absent", "refused"]
InRollback = Literal["use", "wait", "roll back", "continue rollback", "delete", "ask", "create"]
Permission = Literal["allowed", "refused"]
InDoctor = Literal["pass", "fail"]


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """Behaviour towards a stack in one status. `meaning` completes the sentence "Stack X is in STATUS: ..."."""

    meaning: str
    snapshot: InSnapshot
    rollback: InRollback
    adopt: Permission
    promotion: Permission
    doctor: InDoctor
    # Command of the AWS CLI that leads out of the status, without `aws cloudformation` and the stack's name.
    command: str = ""


def _changing(meaning: str) -> Behaviour:
    return Behaviour(
        meaning=meaning,
        snapshot="refused",
        rollback="wait",
        adopt="refused",
        promotion="refused",
        doctor="pass",
        command="describe-stack-events",
    )


def _usable(meaning: str) -> Behaviour:
    return Behaviour(
        meaning=meaning, snapshot="taken", rollback="use", adopt="allowed", promotion="allowed", doctor="pass"
    )


def _failed(meaning: str, snapshot: InSnapshot, rollback: InRollback, command: str) -> Behaviour:
    return Behaviour(
        meaning=meaning,
        snapshot=snapshot,
        rollback=rollback,
        adopt="refused",
        promotion="refused",
        doctor="fail",
        command=command,
    )


def _nothing(meaning: str, rollback: InRollback, command: str = "") -> Behaviour:
    return Behaviour(
        meaning=meaning,
        snapshot="absent",
        rollback=rollback,
        adopt="allowed",
        promotion="allowed",
        doctor="pass",
        command=command,
    )


# Every status of the API: StackStatus in botocore's model. Meanings: CloudFormation user guide, "Stack status codes".
# What leads out of a status: API reference, RollbackStack (from CREATE_FAILED and UPDATE_FAILED, to the last stable
# status), ContinueUpdateRollback (from UPDATE_ROLLBACK_FAILED only) and DeleteStack.
BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "CREATE_IN_PROGRESS": _changing("it is being created"),
        "CREATE_COMPLETE": _usable("its creation succeeded"),
        # RollbackStack would delete it too, as it has no earlier stable status.
        "CREATE_FAILED": _failed("its creation failed and was not rolled back", "absent", "delete", "delete-stack"),
        "ROLLBACK_IN_PROGRESS": _changing("its failed creation is being rolled back"),
        "ROLLBACK_COMPLETE": _failed(
            "its creation failed, so CloudFormation only allows its deletion", "absent", "delete", "delete-stack"
        ),
        # No operation continues this rollback (aws-cdk 31407).
        "ROLLBACK_FAILED": _failed("its creation failed, and so did the rollback", "absent", "delete", "delete-stack"),
        "UPDATE_IN_PROGRESS": _changing("it is being updated"),
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": _changing("old resources are being deleted after an update"),
        "UPDATE_COMPLETE": _usable("its update succeeded"),
        "UPDATE_FAILED": _failed(
            "an update failed and was not rolled back, as with cdk deploy --no-rollback",
            "taken",
            "roll back",
            "rollback-stack",
        ),
        "UPDATE_ROLLBACK_IN_PROGRESS": _changing("its failed update is being rolled back"),
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": _changing(
            "new resources are being deleted after a failed update"
        ),
        "UPDATE_ROLLBACK_COMPLETE": _usable("its update failed and was rolled back"),
        "UPDATE_ROLLBACK_FAILED": _failed(
            "an update failed, and so did its rollback", "taken", "continue rollback", "continue-update-rollback"
        ),
        "IMPORT_IN_PROGRESS": _changing("resources are being imported into it"),
        "IMPORT_COMPLETE": _usable("its import succeeded"),
        "IMPORT_ROLLBACK_IN_PROGRESS": _changing("its failed import is being rolled back"),
        # A stable status (API reference, RollbackStack).
        "IMPORT_ROLLBACK_COMPLETE": _usable("its import failed and was rolled back"),
        # A deletion could delete what was not imported, so a person decides.
        "IMPORT_ROLLBACK_FAILED": _failed(
            "an import failed, and so did its rollback", "taken", "ask", "describe-stack-events"
        ),
        "DELETE_IN_PROGRESS": _changing("it is being deleted"),
        "DELETE_FAILED": _failed(
            "its deletion failed halfway, so CloudFormation only allows to delete it again",
            "absent",
            "delete",
            "delete-stack",
        ),
        ABSENT: _nothing("it was deleted", "create"),
        # No creation has begun: the stack has a change set, and no template and no resources (API reference,
        # CreateChangeSet). A change set of type CREATE, as of the pipeline, creates it.
        REVIEW: _nothing("it waits for its first change set to be executed", "delete", "delete-stack"),
    }
)


def behaviour_of(stack: str, status: str) -> Behaviour:
    """Return the behaviour towards a stack in this status; raises VectoraError for a status that is not known."""
    if status not in BEHAVIOURS:
        raise VectoraError(_unknown(stack, status))
    return BEHAVIOURS[status]


def _unknown(stack: str, status: str) -> str:
    return (
        f"Stack {stack} is in {status}, a status that this version does not know: bring it to UPDATE_COMPLETE first "
        f"(aws cloudformation describe-stack-events --stack-name {stack}), or update this app."
    )


def is_changing(status: str) -> bool:
    """Return whether CloudFormation works on a stack in this status; also for statuses that are not known yet."""
    if status in BEHAVIOURS:
        return BEHAVIOURS[status].rollback == "wait"
    return status.endswith("_IN_PROGRESS")


def is_usable(status: str) -> bool:
    """Return whether a stack in this status exists and can be updated."""
    return status in BEHAVIOURS and BEHAVIOURS[status].rollback == "use"


def has_definition(status: str) -> bool:
    """Return whether a stack in this status has a definition that counts; a creation that never succeeded has none."""
    return status not in BEHAVIOURS or BEHAVIOURS[status].snapshot != "absent"


def command_for(stack: str, status: str) -> str:
    """Return the command of the AWS CLI that leads out of the status."""
    return f"aws cloudformation {behaviour_of(stack, status).command} --stack-name {stack}"


def problem_of(stack: str, status: str) -> str | None:
    """Return one sentence on a stack that cannot be updated, with the command to run; None for all others."""
    if status not in BEHAVIOURS:
        return _unknown(stack, status)
    behaviour = BEHAVIOURS[status]
    state = f"Stack {stack} is in {status}: {behaviour.meaning}"
    if behaviour.rollback == "wait":
        return f"{state}. Wait for the end ({command_for(stack, status)})."
    if behaviour.doctor == "pass":
        return None
    first = "Find out why, then import again or repair it" if behaviour.rollback == "ask" else "Run"
    return f"{state}. {first}: {command_for(stack, status)}"


def require_at_rest(stack: str, status: str | None) -> None:
    """Raise VectoraError when resources cannot be adopted into a stack in this status."""
    if status is not None and behaviour_of(stack, status).adopt == "refused":
        raise VectoraError(f"Nothing was adopted. {problem_of(stack, status)}")


def deployment_mode(described: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the field DeploymentConfig of requests on a stack that was last changed in express mode.

    CloudFormation refuses the others with "Follow-up operations must use the same DeploymentConfig (mode=EXPRESS)".
    """
    return {"DeploymentConfig": {"Mode": EXPRESS}} if is_express(described) else {}


def is_express(described: Mapping[str, Any] | None) -> bool:
    """Return whether the stack was last changed in express mode, for which there is no RollbackStack."""
    return bool(described) and (described or {}).get("DeploymentConfig", {}).get("Mode") == EXPRESS
