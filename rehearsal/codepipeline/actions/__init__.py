"""Executors of the action types of the catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rehearsal.codepipeline.actions import approval, build, invoke, source, stack
from rehearsal.codepipeline.actions.context import Context, Outcome
from rehearsal.codepipeline.catalog import PROVIDERS
from rehearsal.codepipeline.definition import ActionType

_BY_PROVIDER: Mapping[str, Callable[[Context], Outcome]] = {
    "CodeStarSourceConnection": source.run,
    "CodeBuild": build.run,
    "CloudFormation": stack.run,
    "Lambda": invoke.run,
    "Manual": approval.run,
}
EXECUTORS: Mapping[ActionType, Callable[[Context], Outcome]] = {kind: _BY_PROVIDER[kind.provider] for kind in PROVIDERS}
