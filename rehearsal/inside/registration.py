"""Registration of everything that this package adds to ministack."""

from __future__ import annotations

import os

from rehearsal.inside import (
    actions,
    alarms,
    buckets,
    budgets,
    collisions,
    conditions,
    crossing,
    deliveries,
    destinations,
    disturbances,
    encryption,
    execution,
    extraction,
    front_door,
    functions,
    mail,
    parameters,
    passing,
    pipelines,
    replicas,
    stacks,
    workers,
)


def register() -> None:
    """Add AWS's refusals to ministack, pipelines when a stand-in executes them, and the entrance."""
    for part in (
        actions,
        conditions,
        passing,
        functions,
        destinations,
        parameters,
        buckets,
        replicas,
        deliveries,
        extraction,
        workers,
        alarms,
    ):
        part.register()
    collisions.register()
    crossing.register()
    encryption.register()
    stacks.register()
    execution.register()
    disturbances.register()
    mail.register()
    budgets.register()
    if os.environ.get(pipelines.PIPELINES):
        pipelines.register()
    # Registered last, because it wraps everything else.
    front_door.register()
