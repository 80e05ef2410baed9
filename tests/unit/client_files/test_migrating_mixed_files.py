"""Migration of client files that have fields of the current form beside those of an old one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from client_files.migration.current_fields import is_current_field
from client_files.migration.migrate import Migration
from client_files.migration.old_fields import is_old_field
from client_files.migration.old_file import read_old_file
from client_files.migration.outcomes import leaves
from tests.unit.client_files.migrations import client, outcomes_by_path, with_lists
from vectora_shared.config.wording import dotted
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

CONFIG = Path(__file__).parents[3] / "config"
OLD = Path(__file__).parent / "old"
PRODUCTION = OLD / "lai_weekly_production.yaml"
NAMES = sorted(path.name for path in OLD.glob("*.yaml"))
Migrate = Callable[..., Migration]
Change = Callable[..., Path]


def fields(path: Path) -> list[tuple[str | int, ...]]:
    return list(leaves(with_lists(parse_yaml(path.name, path.read_bytes()).data)))


def test_a_file_with_the_version_fields_of_the_current_form_and_otherwise_the_old_one_is_migrated(
    migrated: Migrate,
) -> None:
    migration = migrated(PRODUCTION)
    found = client(migration)
    outcomes = outcomes_by_path(migration)
    assert (found.client_profile.client_id, found.client_profile.version) == ("lai_weekly", "8.0.0")
    assert outcomes["client_profile.version"][:2] == ("changed", "client_profile.version")
    assert outcomes["metadata.config_version"][:2] == ("changed", "metadata.config_version")
    assert outcomes["client_profile.client_id"][0] == "carried"
    assert found.matching_config.sure_domain_score == 0.6
    assert not any(addition.path == "client_profile.version" for addition in migration.added)


def test_the_changelog_of_an_old_file_is_kept_entry_by_entry(migrated: Migrate) -> None:
    migration = migrated(PRODUCTION)
    entries = {entry.version: (entry.date, entry.changes) for entry in client(migration).metadata.changelog}
    assert list(entries) == ["8.0.0", "7.2.0", "7.1.0"]
    assert entries["8.0.0"][1].startswith("Migrated from lai_weekly: semantic version")
    assert entries["7.2.0"] == (
        "2026-02-02",
        "Identifiant stable; Une seule configuration pour tous les environnements; lai_weekly: Production Set-up",
    )
    assert entries["7.1.0"] == ("2026-01-30", "Filtrage des items courts")
    outcomes = outcomes_by_path(migration)
    assert outcomes["metadata.changelog[0].changes[1]"][:2] == ("changed", "metadata.changelog[1].changes")
    assert outcomes["metadata.changelog[0].author"] == ("dropped", None, "an entry has version, date and changes")
    assert outcomes["metadata.changelog[2].changes"] == ("dropped", None, "an entry needs a version and changes")


def test_a_mixed_file_is_newer_than_old_files_of_a_lower_version(migrated: Migrate) -> None:
    migration = migrated(OLD / "lai_weekly_v6.yaml", PRODUCTION)
    assert Path(migration.files[0]).stem == "lai_weekly_production"
    assert [entry.version for entry in client(migration).metadata.changelog] == ["8.0.0", "7.2.0", "7.1.0", "6.0.0"]


@pytest.mark.parametrize(
    ("removed", "stays"),
    [
        ('  version: "7.2.0"\n  active', "  active"),
        ('  config_version: "7.2.0"\n', ""),
        ("", ""),
    ],
)
def test_any_mixture_of_version_fields_is_migrated(
    migrated: Migrate, changed: Change, removed: str, stays: str
) -> None:
    path = changed("lai_weekly_production.yaml", (removed, stays)) if removed else PRODUCTION
    assert client(migrated(path)).client_profile.version == "8.0.0"


def test_fields_of_the_current_form_in_a_mixed_file_stay(migrated: Migrate, changed: Change) -> None:
    path = changed(
        "lai_weekly_production.yaml",
        ('  notes: "Version stable"', "  analysis_prompt: lai_analysis\n  reuse_analyses: false"),
    )
    assert client(migrated(path)).pipeline.reuse_analyses is False


def test_the_errors_of_a_current_file_are_shown_instead_of_migrating_it(tmp_path: Path) -> None:
    path = tmp_path / "lai_weekly.yaml"
    text = (CONFIG / "clients" / "lai_weekly.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("min_domain_score:", "min_domain_scor:"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"already has the current form.*with errors to correct") as caught:
        read_old_file(path)
    assert "min_domain_scor" in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_old_file_has_a_field_that_the_current_form_does_not_have(name: str) -> None:
    assert any(map(is_old_field, fields(OLD / name)))


def test_no_field_of_a_current_file_is_old() -> None:
    paths = fields(CONFIG / "clients" / "lai_weekly.yaml")
    assert [dotted(path) for path in paths if not is_current_field(path) or is_old_field(path)] == []
