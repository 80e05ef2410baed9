"""Settings of the vault's copy, and of the buckets of one environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repository import ROOT
from vectora_ops.settings import Settings, load_settings
from vectora_shared.errors import ConfigurationError

TEXT = (ROOT / "config" / "environments.yaml").read_text(encoding="utf-8")


def _settings(folder: Path, prod: str, top: str = "") -> Settings:
    (folder / "config").mkdir()
    text = TEXT
    if "\n    backup" in prod:
        # Several accounts or regions need an account everywhere.
        for key, indent in (("pipeline", ""), ("  dev", "  "), ("  stage", "  ")):
            text = text.replace(f"\n{key}:\n", f'\n{key}:\n{indent}  account: "444444444444"\n', 1)
    text = text.replace("\n  prod:\n", f"\n  prod:\n{prod}").replace("\npipeline:\n", f"\n{top}\npipeline:\n", 1)
    (folder / "config" / "environments.yaml").write_text(text, encoding="utf-8")
    return load_settings(folder)


def test_the_committed_settings_have_no_backup() -> None:
    assert not any(load_settings(ROOT).environment(env).backup for env in ("dev", "stage", "prod"))


def test_a_copy_is_in_the_environments_own_account_unless_another_is_named(tmp_path: Path) -> None:
    settings = _settings(tmp_path, '    account: "444444444444"\n    backup: {region: eu-central-1}\n')
    backup = settings.environment("prod").backup
    assert backup
    assert backup.account_beside("444444444444") == "444444444444"
    assert not backup.is_foreign_to("444444444444")


@pytest.mark.parametrize(
    ("prod", "message"),
    [
        ("    backup: {region: eu-central-1}\n", "key 'environments.prod.backup' needs the environment's `account`"),
        (
            '    account: "444444444444"\n    backup: {region: eu-west-3}\n',
            "key 'environments.prod.backup' is the account and region of the environment itself",
        ),
        (
            '    account: "444444444444"\n    backup: {account: "444444444444", region: eu-west-3}\n',
            "key 'environments.prod.backup' is the account and region of the environment itself",
        ),
        (
            '    account: "444444444444"\n    backup: {account: "555555555555"}\n',
            "'environments.prod.backup.region' is",
        ),
        ("    bucket_suffix: A_b\n", "key 'environments.prod.bucket_suffix' has the value 'A_b'"),
        (f"    bucket_suffix: {'s' * 40}\n", "key 'environments.prod.bucket_suffix' results in a name"),
    ],
)
def test_a_backup_that_would_be_lost_too_is_refused(tmp_path: Path, prod: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message.replace("[", r"\[")):
        _settings(tmp_path, prod)


def test_the_suffix_of_an_environment_changes_its_own_buckets_only(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "    bucket_suffix: second\n", "bucket_suffix: acme")
    assert settings.names("prod").bucket("config") == "vectora-inbox-config-prod-second"
    assert settings.names("prod").copy_bucket("snapshots-copy") == "vectora-inbox-snapshots-copy-prod-second"
    assert settings.names("stage").bucket("config") == "vectora-inbox-config-stage-acme"
    assert settings.pipeline_names.pipeline_bucket("artifacts") == "vectora-inbox-pipeline-artifacts-acme"
