"""Schedules of the operations functions: the daily snapshot, retries of promotions, and the watch."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_iam as iam

from stacks.component import ComponentStack
from vectora_constructs.python_function import PythonFunction
from vectora_constructs.schedule import Schedule
from vectora_constructs.service_role import Grant, ServiceRole
from vectora_ops.settings import Promotion

# Local times, six hours apart. The report comes after the night's newsletters, at the beginning of a working day.
REPORT_AT, MEASURE_AT = "cron(30 8 * * ? *)", "cron(30 2,14,20 * * ? *)"


def take_daily_snapshots(stack: ComponentStack, snapshot: PythonFunction, *, invoke: Grant) -> None:
    """Take a snapshot each day, where the settings enable it."""
    snapshots = stack.settings.snapshots
    description = "Takes the daily snapshot"
    _schedule(
        stack,
        "DailySnapshot",
        schedule_name=stack.names.schedule("snapshot", "daily"),
        description=description,
        expression=snapshots.daily_at,
        enabled=snapshots.daily,
        function=snapshot,
        role=_role(
            stack,
            "SnapshotScheduleRole",
            role_name=stack.names.role("snapshot-schedule"),
            description=description,
            invoke=invoke,
        ),
        event={
            "operation": "create",
            "label": "daily",
            "occasion": "schedule",
            # All runs: nothing else has those of earlier days when the account is lost.
            **({"data": "all"} if stack.settings.backup else {}),
        },
    )


def retry_promotions(stack: ComponentStack, promotion: PythonFunction, policy: Promotion, *, invoke: Grant) -> None:
    """Try a refused promotion again when the following environment's `policy` says so."""
    if policy.retry_at is None:
        return
    description = "Tries a promotion again that was refused"
    _schedule(
        stack,
        "RetryPromotion",
        schedule_name=stack.names.schedule("promotion", "retry"),
        description=description,
        expression=policy.retry_at,
        enabled=True,
        function=promotion,
        role=_role(
            stack,
            "RetryScheduleRole",
            role_name=stack.names.role("retry-schedule"),
            description=description,
            invoke=invoke,
        ),
        event={"operation": "retry"},
    )


def watch_the_environment(stack: ComponentStack, watch: PythonFunction, *, invoke: Grant) -> None:
    """Measure the environment four times a day, and notify the operators of what lasts once a day."""
    role = _role(
        stack,
        "WatchScheduleRole",
        role_name=stack.names.role("watch-schedule"),
        description="Measures the environment",
        invoke=invoke,
    )
    for construct_id, operation, description, expression in (
        ("WatchMeasures", "measure", "Measures the environment", MEASURE_AT),
        ("WatchReports", "report", "Measures the environment, and notifies of what lasts", REPORT_AT),
    ):
        _schedule(
            stack,
            construct_id,
            schedule_name=stack.names.schedule("watch", operation),
            description=description,
            expression=expression,
            enabled=True,
            function=watch,
            role=role,
            event={"operation": operation},
        )


def _role(stack: ComponentStack, construct_id: str, *, role_name: str, description: str, invoke: Grant) -> iam.CfnRole:
    """Add the role of a schedule, which allows to invoke one function and nothing else."""
    return ServiceRole(
        stack,
        construct_id,
        role_name=role_name,
        service="scheduler.amazonaws.com",
        description=f"{description}: invokes the function",
        path=stack.names.role_path,
        boundary_arn=stack.boundary_arn,
        policy_name=construct_id.removesuffix("Role") + "Policy",
        grants=(invoke,),
    ).resource


def _schedule(
    stack: ComponentStack,
    construct_id: str,
    *,
    schedule_name: str,
    description: str,
    expression: str,
    enabled: bool,
    function: PythonFunction,
    role: iam.CfnRole,
    event: Mapping[str, str],
) -> None:
    """Invoke `function` with `event` on a schedule in the time zone of the settings."""
    Schedule(
        stack,
        construct_id,
        schedule_name=schedule_name,
        description=description,
        expression=expression,
        time_zone=stack.settings.schedule.time_zone,
        enabled=enabled,
        target_arn=function.resource.attr_arn,
        role_arn=role.attr_arn,
        target_input=event,
    )
