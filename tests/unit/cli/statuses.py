"""Status of an environment of which nothing is known but its stacks."""

from __future__ import annotations

from cli.environment_status import EnvironmentStatus, StackStatus


def status_with_stacks(env: str, *stacks: StackStatus) -> EnvironmentStatus:
    """Return the status of an environment with these stacks, without a release and without functions."""
    return EnvironmentStatus(
        env=env,
        release_digest=None,
        release_version=None,
        release_since=None,
        release_commit=None,
        verified=False,
        held=False,
        promotion=(),
        stacks=stacks,
        functions=(),
        clients=(),
        drift=(),
        config_bucket="",
        old_clients=(),
    )
