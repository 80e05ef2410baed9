"""Golden templates, which are reviewed like code: complete, current, and the same except for configuration."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.stacks.bootstraps import SETTINGS
from tests.stacks.deployed import Environment, Templates
from tools.templates import (
    GOLDEN_FOLDER,
    golden_accounts_path,
    golden_backup_path,
    golden_path,
    golden_pipeline_path,
    golden_text,
    synthesize,
    synthesize_pipeline,
    synthesize_with_accounts,
    synthesize_with_backup,
)

UPDATE = "run `make templates` and review the difference"


def test_every_template_equals_its_golden_file(environment: Environment) -> None:
    env, templates = environment
    for layer, template in templates.items():
        path = golden_path(env, layer)
        assert path.exists(), f"{path.name} of {env} is missing: {UPDATE}"
        assert golden_text(template) == path.read_text(encoding="utf-8"), f"{env}/{path.name} is outdated: {UPDATE}"


def test_the_template_of_the_pipeline_equals_its_golden_file() -> None:
    path = golden_pipeline_path()
    assert path.exists(), f"{path.name} is missing: {UPDATE}"
    assert golden_text(synthesize_pipeline()) == path.read_text(encoding="utf-8"), f"{path.name} is outdated: {UPDATE}"


def test_the_templates_with_a_backup_equal_their_golden_files() -> None:
    for name, template in synthesize_with_backup().items():
        path = golden_backup_path(name)
        assert path.exists(), f"with-backup/{path.name} is missing: {UPDATE}"
        assert golden_text(template) == path.read_text(encoding="utf-8"), (
            f"with-backup/{path.name} is outdated: {UPDATE}"
        )


def test_the_templates_of_several_accounts_equal_their_golden_files() -> None:
    for name, template in synthesize_with_accounts().items():
        path = golden_accounts_path(name)
        assert path.exists(), f"with-accounts/{path.name} is missing: {UPDATE}"
        assert golden_text(template) == path.read_text(encoding="utf-8"), (
            f"with-accounts/{path.name} is outdated: {UPDATE}"
        )


def test_every_golden_file_belongs_to_a_stack(dev: Templates) -> None:
    expected = {f"{env}/{layer}.yaml" for env in ("dev", "stage", "prod") for layer in dev} | {
        "pipeline.yaml",
        *(f"with-accounts/access-{env}.yaml" for env in ("dev", "stage", "prod")),
        "with-accounts/pipeline.yaml",
        "with-accounts/pipeline-copies-eu-central-1.yaml",
        "with-backup/backup.yaml",
        "with-backup/s0-operations.yaml",
    }
    assert {path.relative_to(GOLDEN_FOLDER).as_posix() for path in GOLDEN_FOLDER.rglob("*.yaml")} == expected


def test_synthesizing_twice_results_in_equal_templates(dev: Templates) -> None:
    again = synthesize("dev")
    assert yaml.safe_dump(again, sort_keys=False) == yaml.safe_dump(dev, sort_keys=False)


# Set by config/environments.yaml. Everything else must be equal in dev and prod, except for the environment's name.
CONFIGURED = (
    r"/(DeletionPolicy|UpdateReplacePolicy)$",
    r"/(NoncurrentDays|ExpirationInDays|RetentionInDays)$",
    r"/(DefaultRetention/Days|SNAPSHOT_KEEP_LAST|SNAPSHOT_MINIMUM_AGE_DAYS|PROMOTION_WATCH_HOURS|FAILED_RUNS_A_DAY|ALARM_NOISE_PERCENT)$",
    r"SnapshotsBucketPolicy/.*/NumericGreaterThan/s3:object-lock-remaining-retention-days$",
    r"SnapshotsBucket/.*/Rules/\d/Status$",
    r"DailySnapshot/Properties/State$",
    r"/PromotionPolicy/Properties/Value$",
    r"/Variables/(ANALYZER|ANALYZER_FALLBACK|LOG_LEVEL|MODEL_CONCURRENCY|MODEL_MAX_ATTEMPTS|MONTHLY_BUDGET_USD|NOISE_PERCENT|RUN_SCHEDULE)$",
    r"Schedule/Properties/State$",
    r"^/s2-monitoring/Resources/\w+Alarm/Properties/(AlarmDescription|Threshold)$",
    # It shows the alarms that the environment has, and their thresholds.
    r"^/s2-monitoring/Resources/Dashboard/Properties/DashboardBody/",
    # A digest of all the others.
    r"(ReleaseDigest|ReleaseDigest/Value|/Release/Properties/Value)$",
)
# Resources that an environment has by its settings: alarms, the budget of its account, addresses of operators.
CHOSEN = (
    r"^/s2-monitoring/Resources/(\w+Alarm|AccountBudget)/",
    r"^/s0-operations/Resources/OperationsTopicOperator\d+/",
)
# Prod is the last environment: it judges and retries no promotion into another one.
NOT_IN_PROD = (
    r"^/s0-operations/Resources/(RetryPromotion|RetryScheduleRole)/",
    r"^/s0-operations/Resources/PromotionFunction/Properties/Environment/Variables/(NEXT_ENV|NEXT_PROMOTION|RUN_SCHEDULE)$",
    r"^/s0-operations/Resources/PromotionRole/Properties/Policies/0/PolicyDocument/Statement/\w+/",
)
# Dev is the first environment: there is no preceding one whose function could judge a release or a client file.
NOT_IN_DEV = (
    r"/Statement/AskEnvironmentBefore/",
    r"^/s0-operations/Resources/WatchFunction/Properties/Environment/Variables/PRECEDING_ENV$",
    # A path would replace the roles of the system that was adopted in dev.
    r"^/s0-iam/Resources/(IngestNormalizeRole|EngineRole)/Properties/Path$",
)


# Prod alone requires an approval.
ONLY_IN_PROD = (
    r"^/s0-operations/Resources/WatchFunction/Properties/Environment/Variables/APPROVAL_DAYS$",
    r"^/s0-operations/Resources/WatchRole/Properties/Policies/0/PolicyDocument/Statement/SeePipeline/",
)


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Return the values that are neither mappings nor lists, by path; entries of lists by their Sid or position."""
    if isinstance(value, dict):
        return {p: leaf for key, entry in value.items() for p, leaf in _leaves(entry, f"{path}/{key}").items()}
    if isinstance(value, list):
        named = {
            str(entry["Sid"]) if isinstance(entry, dict) and "Sid" in entry else str(index): entry
            for index, entry in enumerate(value)
        }
        return {p: leaf for name, entry in named.items() for p, leaf in _leaves(entry, f"{path}/{name}").items()}
    return {path: value}


def _types(templates: Templates) -> dict[str, type]:
    found = {path: type(leaf) for path, leaf in _leaves(templates).items()}
    return {path: kind for path, kind in found.items() if not any(re.search(each, path) for each in CHOSEN)}


def test_dev_lacks_only_what_needs_a_preceding_environment_or_replaces_adopted_roles(
    dev: Templates, stage: Templates
) -> None:
    stages = _types(stage).items()
    expected = {path: kind for path, kind in stages if not any(re.search(each, path) for each in NOT_IN_DEV)}
    assert _types(dev) == expected


def test_prod_lacks_only_the_promotion_into_another_environment(stage: Templates, prod: Templates) -> None:
    in_stage, in_prod = _types(stage), _types(prod)
    missing = in_stage.keys() - in_prod.keys()
    assert {path for path in missing if not any(re.search(pattern, path) for pattern in NOT_IN_PROD)} == set()
    shared = {path: kind for path, kind in in_prod.items() if not any(re.search(each, path) for each in ONLY_IN_PROD)}
    assert {path: in_stage.get(path) for path in shared} == shared


def _as_in_prod(text: str) -> str:
    own, other = (SETTINGS.names(env).bootstrap_qualifier for env in ("dev", "prod"))
    return re.sub(r"\bdev\b", "prod", text.replace(own, other))


def test_dev_and_prod_differ_in_configuration_only(dev: Templates, prod: Templates) -> None:
    in_dev, in_prod = _leaves(dev), _leaves(prod)
    unexplained = {
        path: (in_dev[path], in_prod[path])
        for path in in_dev.keys() & in_prod.keys()
        if _as_in_prod(str(in_dev[path])) != str(in_prod[path])
        and not any(re.search(pattern, path) for pattern in CONFIGURED)
    }
    assert unexplained == {}


@pytest.mark.parametrize("pattern", CONFIGURED)
def test_each_pattern_of_a_configured_value_matches_the_templates(pattern: str, dev: Templates) -> None:
    assert any(re.search(pattern, path) for path in _leaves(dev))
