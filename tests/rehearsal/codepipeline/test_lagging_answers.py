"""Answers of CodePipeline that are eventually consistent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest


@pytest.fixture
def lagging(world: Any) -> Iterator[Any]:
    """The world with a CodePipeline that lists no actions in its first two answers."""
    shared = world.service._shared
    before = shared.hooks
    shared.hooks = replace(before, timing=replace(before.timing, unlisted_reads=2))
    yield world
    shared.hooks = before


def test_actions_of_an_execution_are_listed_late(lagging: Any, parts: Any) -> None:
    execution = lagging.create("late", parts.stage("Check", parts.invoke("Echo", "answer")))
    assert lagging.wait("late", execution) == "Succeeded"
    seen = [sorted(lagging.runs("late", execution)) for _ in range(3)]
    assert seen == [[], [], ["Checkout", "Echo"]]
