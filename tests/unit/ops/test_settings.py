"""Settings of config/environments.yaml, and errors that name file, line, key and allowed values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.repository import ROOT
from tests.unit.ops.environments import VALID, load_text
from vectora_ops.settings import load_settings
from vectora_shared.config.section import read_section
from vectora_shared.config.sources import SourceCatalog
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError


def _line_of(text: str, key: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if line.strip().startswith(key))


def test_the_committed_file_is_valid_and_differs_between_environments() -> None:
    settings = load_settings(ROOT)
    prod = settings.environment("prod")
    assert (prod.removal_policy, prod.schedule.enabled) == ("retain", True)
    assert settings.environment("dev").schedule.enabled is False
    assert {settings.environment(env).region for env in ("dev", "stage", "prod")} == {"eu-west-3"}


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(load_settings(ROOT).environment("dev"), "region", "us-east-1")  # noqa: B010


def test_the_error_on_an_unknown_key_names_its_line_and_the_allowed_keys(tmp_path: Path) -> None:
    text = VALID.replace("      retention_days: 14", "      retention_dayz: 14")
    with pytest.raises(ConfigurationError) as caught:
        load_text(tmp_path, text)
    messages = str(caught.value).splitlines()
    line = _line_of(text, "retention_dayz")
    assert (
        f"config/environments.yaml, line {line}, column 7: key 'environments.dev.logs.retention_dayz' is unknown: "
        "did you mean 'retention_days'? allowed here are level, retention_days." in messages
    )


def test_the_error_on_a_missing_key_names_the_allowed_values(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_text(tmp_path, VALID.replace("    removal_policy: destroy\n", ""))
    line = _line_of(VALID, "dev:")
    assert str(caught.value) == (
        f"config/environments.yaml, line {line}, column 3: key 'environments.dev.removal_policy' is missing: "
        "add it (retain or destroy)."
    )


@pytest.mark.parametrize(
    ("old", "new", "key", "allowed"),
    [
        ("retention_days: 14", "retention_days: 15", "environments.dev.logs.retention_days", "1, 3, 5, 7, 14, 30"),
        ("retention_days: 14", "retention_days: '14'", "environments.dev.logs.retention_days", "a whole number"),
        (
            "removal_policy: destroy",
            "removal_policy: delete",
            "environments.dev.removal_policy",
            "allowed are retain, destroy",
        ),
        ("enabled: false", "enabled: 'no'", "environments.dev.schedule.enabled", "true or false"),
        ("concurrency: 2", "concurrency: 0", "environments.dev.model.concurrency", "greater than or equal to 1"),
        ("analyzer: lexicon", "analyzer: gpt", "environments.dev.model.analyzer", "allowed are bedrock, lexicon"),
        ("monthly_budget_usd: 20", "monthly_budget_usd: -1", "environments.dev.monthly_budget_usd", "equal to 0.01"),
        ("project: vectora-inbox", "project: Vectora_Inbox", "project", "lower-case prefix"),
        ("region: eu-west-3\n", "region: Paris\n", "environments.dev.region", "such as eu-west-3"),
        (
            "weekly: cron(0 6 ? * MON *)",
            "weekly: on mondays",
            "environments.dev.schedule.weekly",
            "cron(...) expression",
        ),
    ],
)
def test_the_error_on_a_wrong_value_names_its_line_its_key_and_the_allowed_values(
    tmp_path: Path, old: str, new: str, key: str, allowed: str
) -> None:
    text = VALID.replace(old, new, 1)
    with pytest.raises(ConfigurationError) as caught:
        load_text(tmp_path, text)
    (message,) = str(caught.value).splitlines()
    line = _line_of(text, new.strip().splitlines()[0])
    where = rf"config/environments\.yaml, line {line}, column \d+: key '{re.escape(key)}' has the value "
    assert re.match(where, message)
    assert allowed in message


def test_a_duplicate_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"key 'project' stands twice"):
        load_text(tmp_path, VALID + "project: other\n")


@pytest.mark.parametrize("text", ["", "- a\n", "just a text", "a: [1\n", "a: \x00", "&a [*a]"])
def test_the_error_on_a_file_that_is_no_yaml_mapping_has_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"config/environments\.yaml") as caught:
        load_text(tmp_path, text)
    assert len(str(caught.value).splitlines()) == 1


def test_another_project_name_changes_all_names(tmp_path: Path) -> None:
    settings = load_text(tmp_path, VALID.replace("project: vectora-inbox", "project: acme-watch"))
    assert settings.names("stage").stack("s0-core") == "acme-watch-s0-core-stage"
    assert settings.names("stage").bucket("data") == "acme-watch-data-stage"


def test_an_unknown_environment_is_refused_with_the_list() -> None:
    with pytest.raises(ConfigurationError, match="There is no environment 'qa': choose one of dev, stage, prod"):
        load_settings(ROOT).environment("qa")


@pytest.mark.parametrize(
    ("model_id", "foundation_model", "is_profile"),
    [
        ("eu.anthropic.claude-x", "anthropic.claude-x", True),
        ("anthropic.claude-x", "anthropic.claude-x", False),
        ("global.anthropic.claude-x", "anthropic.claude-x", True),
    ],
)
def test_the_foundation_model_of_an_inference_profile_has_its_id_without_the_geography(
    model_id: str, foundation_model: str, is_profile: bool
) -> None:
    model = load_settings(ROOT).environment("dev").model.model_copy(update={"id": model_id})
    assert (model.foundation_model_id, model.is_inference_profile) == (foundation_model, is_profile)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: []\nbouquets: []\n", "key 'sources'"),
        (
            "sources:\n  - source_key: a\n    source_type: press_sector\n    url: https://a.example/\nbouquets: []\n",
            "key 'sources[0].ingestion_mode' is missing: add it (rss: an RSS or Atom feed; html: a page that lists",
        ),
        ("bouquets: []\n", "key 'sources' is missing: add it (All sources of news)."),
    ],
)
def test_the_error_on_a_missing_key_describes_its_value(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_section(SourceCatalog, parse_yaml("catalog.yaml", text.encode("utf-8")))
    assert any(message in line for line in str(caught.value).splitlines())
