"""What the rehearsal shows: newsletters from every environment, and an environment broken and rolled back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rehearsal.publishers import Story, load_stories
from tests.delivery.conftest import Played

SILENT = "peptron"  # fails in the usual scenario


@pytest.fixture(scope="module")
def stage(played: Played) -> dict[str, Any]:
    """The results of environment stage."""
    [found] = [each for each in played.document["environments"] if each["env"] == "stage"]
    environment: dict[str, Any] = found
    return environment


@pytest.fixture(scope="module")
def newsletter(stage: dict[str, Any]) -> dict[str, Any]:
    files = stage["runs"][0]["files"]
    document: dict[str, Any] = json.loads(
        next(Path(name) for name in files if name.endswith(".json") and "manifest" not in name).read_bytes()
    )
    return document


def _stories(verdict: str) -> list[Story]:
    published = [(name, stories) for name, stories in load_stories() if name != SILENT]
    return [story for _, stories in published for story in stories if story.verdict == verdict]


def _key(title: str) -> str:
    return re.sub(r"\W+", "", title).casefold()


def test_it_accounts_for_every_resource(played: Played, stage: dict[str, Any]) -> None:
    stacks = [each for environment in played.document["environments"] for each in environment["stacks"]]
    assert {stack["stack"] for stack in stacks} >= {
        "vectora-inbox-s0-core-stage",
        "vectora-inbox-s0-iam-stage",
        "vectora-inbox-s1-runtime-stage",
        "vectora-inbox-s1-ingest-v2-stage",
    }
    groups = ("unmodified", "completed", "left_out")
    assert sum(played.result.resources.values()) == sum(len(stack[group]) for stack in stacks for group in groups) > 90


def test_the_model_is_asked_once_an_item(stage: dict[str, Any]) -> None:
    run = stage["runs"][0]
    assert run["analyzers"] == {"bedrock": run["items"]["ingested"], "lexicon": 0}


def test_a_failing_source_is_reported_and_does_not_fail_the_others(stage: dict[str, Any]) -> None:
    run = stage["runs"][0]
    assert list(run["troubled_sources"]) == [f"press_corporate__{SILENT}"]
    assert run["items"]["selected"] > 5


def test_the_newsletter_has_what_a_reader_wants_once_and_no_noise(newsletter: dict[str, Any]) -> None:
    titles = [_key(item["title"]) for section in newsletter["sections"] for item in section["items"]]
    assert len(titles) == len(set(titles))
    repeated = {story.url for story in _stories("keep") if story.url}
    for story in _stories("keep"):
        if story.url not in repeated:
            assert _key(story.title) in titles, story.title
    for story in _stories("noise"):
        assert _key(story.title) not in titles, story.title


def test_the_newsletter_can_be_opened_afterwards(stage: dict[str, Any]) -> None:
    names = {Path(name).name for name in stage["runs"][0]["files"]}
    assert names == {*(f"newsletter.{each}" for each in ("html", "txt", "md", "eml", "json")), "manifest.json"}
    assert all(Path(name).stat().st_size for name in stage["runs"][0]["files"])


def test_the_environment_is_broken_and_rolled_back_to_its_snapshot(stage: dict[str, Any]) -> None:
    disaster = stage["disaster"]
    assert len(disaster["broken"]) == 4
    assert disaster["differences"] >= 5
    assert disaster["failed_run"]
    assert "3 items" in disaster["smoke_test"]
    assert disaster["safety_snapshot"] != disaster["snapshot"]
    assert len(disaster["resources_recreated"]) == 3
