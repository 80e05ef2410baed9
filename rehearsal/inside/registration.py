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
    functions,
    parameters,
    passing,
    pipelines,
    stacks,
)


def register() -> None:
    """Make ministack as strict as AWS and, with the address of a stand-in for CodePipeline, teach it pipelines."""
    for part in (actions, conditions, passing, functions, destinations, parameters, buckets, deliveries):
        part.register()
    collisions.register()
    stacks.register()
    disturbances.register()
    if os.environ.get(pipelines.ENDPOINT):
        pipelines.register()
