"""What CloudFormation gets is reviewed like code: golden templates, complete and fresh."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tools.templates import (
    GOLDEN_FOLDER,
    golden_path,
    golden_pipeline_path,
    golden_text,
    synthesize,
    synthesize_pipeline,
)

REFRESH = "run `make templates` and review the difference"


def test_every_template_equals_its_golden_file(environment: tuple[str, dict[str, Any]]) -> None:
    env, templates = environment
    for layer, template in templates.items():
        path = golden_path(env, layer)
        assert path.exists(), f"{path.name} of {env} is missing: {REFRESH}"
        assert golden_text(template) == path.read_text(encoding="utf-8"), f"{env}/{path.name} is stale: {REFRESH}"


def test_the_pipelines_template_equals_its_golden_file() -> None:
    path = golden_pipeline_path()
    assert path.exists(), f"{path.name} is missing: {REFRESH}"
    assert golden_text(synthesize_pipeline()) == path.read_text(encoding="utf-8"), f"{path.name} is stale: {REFRESH}"


def test_there_is_no_golden_file_without_a_stack(dev: dict[str, Any]) -> None:
    expected = {f"{env}/{layer}.yaml" for env in ("dev", "stage", "prod") for layer in dev} | {"pipeline.yaml"}
    assert {path.relative_to(GOLDEN_FOLDER).as_posix() for path in GOLDEN_FOLDER.rglob("*.yaml")} == expected


def test_synthesizing_twice_gives_the_same_bytes(dev: dict[str, Any]) -> None:
    again = synthesize("dev")
    assert yaml.safe_dump(again, sort_keys=False) == yaml.safe_dump(dev, sort_keys=False)


def _shape(value: Any, path: str = "") -> dict[str, str]:
    """Each leaf's path, with lists by position, and its type."""
    if isinstance(value, dict):
        return {p: t for key, entry in value.items() for p, t in _shape(entry, f"{path}/{key}").items()}
    if isinstance(value, list):
        return {p: t for index, entry in enumerate(value) for p, t in _shape(entry, f"{path}/{index}").items()}
    return {path: type(value).__name__}


# What config/environments.yaml sets; everything else must be the same in dev and prod but for the environment's name.
CONFIGURED = (
    r"/(DeletionPolicy|UpdateReplacePolicy)$",
    r"/(NoncurrentDays|ExpirationInDays|RetentionInDays)$",
    r"/(DefaultRetention/Days|SNAPSHOT_KEEP_LAST|SNAPSHOT_MINIMUM_AGE_DAYS|PROMOTION_WATCH_HOURS|FAILED_RUNS_A_DAY)$",
    r"SnapshotsBucketPolicy/.*/NumericGreaterThan/s3:object-lock-remaining-retention-days$",
    r"SnapshotsBucket/.*/Rules/\d/Status$",
    r"DailySnapshot/Properties/State$",
    r"/Variables/(ANALYZER|ANALYZER_FALLBACK|LOG_LEVEL|MODEL_CONCURRENCY|MODEL_MAX_ATTEMPTS)$",
    r"Schedule/Properties/State$",
    # A digest of all the others.
    r"(ReleaseDigest|ReleaseDigest/Value|/Release/Properties/Value)$",
)


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {p: leaf for key, entry in value.items() for p, leaf in _leaves(entry, f"{path}/{key}").items()}
    if isinstance(value, list):
        return {p: leaf for index, entry in enumerate(value) for p, leaf in _leaves(entry, f"{path}/{index}").items()}
    return {path: value}


# Nothing comes after prod: no promotion is judged there, and none is tried again.
NOT_IN_THE_LAST = (
    r"^/s0-operations/Resources/(RetryPromotion|RetryScheduleRole)/",
    r"^/s0-operations/Resources/PromotionFunction/Properties/Environment/Variables/(NEXT_ENV|NEXT_PROMOTION)$",
    r"^/s0-operations/Resources/PromotionRole/Properties/Policies/0/PolicyDocument/Statement/(\d+)/",
)


# Nothing comes before the first environment: there is none whose function would judge a client's file.
NOT_IN_THE_FIRST = "AskEnvironmentBefore"


def test_dev_lacks_only_what_asks_the_environment_before(dev: dict[str, Any], stage: dict[str, Any]) -> None:
    here, there = _shape(dev), _shape(stage)
    (policy,) = stage["s0-operations"]["Resources"]["RollbackRole"]["Properties"]["Policies"]
    *_, last = policy["PolicyDocument"]["Statement"]
    assert last["Sid"] == NOT_IN_THE_FIRST
    number = len(policy["PolicyDocument"]["Statement"]) - 1
    prefix = f"/s0-operations/Resources/RollbackRole/Properties/Policies/0/PolicyDocument/Statement/{number}/"
    assert here == {path: kind for path, kind in there.items() if not path.startswith(prefix)}


def test_prod_lacks_only_what_sends_a_release_on(stage: dict[str, Any], prod: dict[str, Any]) -> None:
    here, there = _shape(stage), _shape(prod)
    lacking = {path: kind for path, kind in here.items() if path not in there}
    assert {path for path in lacking if not any(re.search(pattern, path) for pattern in NOT_IN_THE_LAST)} == set()
    assert {path: here.get(path) for path in there} == there


def test_dev_and_prod_differ_in_configuration_only(dev: dict[str, Any], prod: dict[str, Any]) -> None:
    left, right = _leaves(dev), _leaves(prod)
    unexplained = {
        path: (left[path], right[path])
        for path in left.keys() & right.keys()
        if re.sub(r"\bdev\b", "prod", str(left[path])) != str(right[path])
        and not any(re.search(pattern, path) for pattern in CONFIGURED)
    }
    assert unexplained == {}


@pytest.mark.parametrize("pattern", CONFIGURED)
def test_each_configured_difference_really_occurs(pattern: str, dev: dict[str, Any]) -> None:
    assert any(re.search(pattern, path) for path in _leaves(dev))
