"""Registration of everything that this package adds to ministack."""

from __future__ import annotations

import os

from rehearsal.inside import (
    actions,
    buckets,
    collisions,
    conditions,
    deliveries,
    destinations,
    disturbances,
    front_door,
    functions,
    parameters,
    passing,
    pipelines,
    stacks,
)


def register() -> None:
    """Make ministack as strict as AWS, teach it pipelines where a stand-in executes them, and open its entrance."""
    for part in (actions, conditions, passing, functions, destinations, parameters, buckets, deliveries):
        part.register()
    collisions.register()
    stacks.register()
    disturbances.register()
    if os.environ.get(pipelines.PIPELINES):
        pipelines.register()
    # Last, as it stands before everything else.
    front_door.register()
