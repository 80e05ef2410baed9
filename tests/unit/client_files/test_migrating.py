"""Migration of old client files: every field is carried, changed, kept as a comment or dropped, with a reason."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client_files.migration.migrate import Migration, migrate, new_client_id, read_old_files
from client_files.migration.old_file import read_old_file
from client_files.migration.outcomes import leaves
from tests.unit.client_files.migrations import client, outcomes_by_path, with_lists
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Canonical
from vectora_shared.config.content import ContentWithFile, FolderContent
from vectora_shared.config.loading import load_configuration
from vectora_shared.config.section import read_section
from vectora_shared.config.wording import dotted
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import client_key

CONFIG = Path(__file__).parents[3] / "config"
OLD = Path(__file__).parent / "old"
TODAY = date(2026, 11, 25)
NAMES = sorted(path.name for path in OLD.glob("*.yaml"))
Migrate = Callable[..., Migration]
Change = Callable[..., Path]


@pytest.mark.parametrize("name", NAMES)
def test_every_old_file_becomes_a_valid_configuration(migrated: Migrate, name: str) -> None:
    migration = migrated(OLD / name)
    assert migration.problems == ()
    content = ContentWithFile(FolderContent(CONFIG), client_key(migration.client_id), migration.body)
    assert load_configuration(content, migration.client_id).client.client_profile.version == migration.version
    assert migration.body.startswith(b"# yaml-language-server: $schema=../schemas/client.json\n")


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_an_old_file_has_exactly_one_outcome(migrated: Migrate, name: str) -> None:
    migration = migrated(OLD / name)
    data = parse_yaml(name, (OLD / name).read_bytes()).data
    expected = [dotted(path) for path in leaves(with_lists(data))]
    assert Counter(outcome.path for outcome in migration.outcomes) == Counter(expected)
    assert all(outcome.reason for outcome in migration.outcomes if outcome.action != "carried")


@pytest.mark.parametrize("name", NAMES)
def test_the_report_matches_the_new_file(migrated: Migrate, name: str) -> None:
    migration = migrated(OLD / name)
    reported = {outcome.to for outcome in migration.outcomes if outcome.to}
    reported |= {addition.path for addition in migration.added}
    new = [dotted(path) for path in leaves(with_lists(parse_yaml("new", migration.body).data))]
    unreported = [
        path
        for path in new
        if path not in reported and not any(path.startswith((f"{to}[", f"{to}.")) for to in reported)
    ]
    assert [path for path in unreported if not path.startswith("metadata.changelog[1]")] == []
    assert [to for to in reported if not any(path == to or path.startswith((f"{to}[", f"{to}.")) for path in new)] == []


def test_the_newest_file_is_used_and_each_old_file_has_a_changelog_entry(migrated: Migrate) -> None:
    migration = migrated(*(OLD / f"lai_weekly_{name}.yaml" for name in ("v4", "v6", "v3", "v5_test")))
    found = client(migration)
    assert [Path(name).stem for name in migration.files] == [
        "lai_weekly_v6", "lai_weekly_v5_test", "lai_weekly_v4", "lai_weekly_v3",
    ]  # fmt: skip
    assert found.client_profile.client_id == "lai_weekly"
    assert found.client_profile.name == "LAI Intelligence Weekly"
    assert [(entry.version, entry.date) for entry in found.metadata.changelog] == [
        ("7.0.0", "2026-11-25"),
        ("6.0.0", "2026-01-27"),
        ("5.0.0", "2025-12-22"),
        ("4.0.0", "2025-12-19"),
        ("3.0.0", "2025-12-01"),
    ]
    changes = [entry.changes for entry in found.metadata.changelog]
    assert changes[0].startswith("Migrated from lai_weekly_v6 (and v5_test, v4, v3): ")
    assert changes[1] == "lai_weekly_v6: Focus exclusif sur le domaine; Simplification"
    assert changes[2] == "lai_weekly_v5_test: Focus exclusif sur le domaine"
    assert changes[4].startswith("lai_weekly_v3: ")


def test_fields_that_only_an_older_file_has_are_reported_and_the_others_counted(migrated: Migrate) -> None:
    older = OLD / "lai_weekly_v3.yaml"
    migration = migrated(OLD / "lai_weekly_v4.yaml", older)
    reasons = {outcome.path: outcome.reason for outcome in migration.outcomes if outcome.file == str(older)}
    assert reasons["watch_domains[1].id"].startswith("lai_weekly_v4 no longer has it")
    assert "client_profile.name" not in reasons
    total = len(list(leaves(with_lists(parse_yaml("x", older.read_bytes()).data))))
    assert migration.superseded[str(older)] + len(reasons) == total


def test_two_files_of_one_version_make_one_entry(migrated: Migrate, changed: Change) -> None:
    other = changed("lai_weekly_v4.yaml", ("lai_weekly_v4", "lai_weekly_v4_debug"), ("2025-12-20", "2025-12-24"))
    found = client(migrated(OLD / "lai_weekly_v4.yaml", other))
    assert [entry.version for entry in found.metadata.changelog] == ["5.0.0", "4.0.0"]
    assert found.metadata.changelog[0].changes.startswith("Migrated from lai_weekly_v4_debug (and v4)")
    assert "lai_weekly_v4_debug: Focus" in found.metadata.changelog[1].changes
    assert "; lai_weekly_v4: Focus" in found.metadata.changelog[1].changes


def test_the_changelog_of_a_replaced_file_is_kept_and_its_version_exceeded(canonical: Canonical) -> None:
    existing = read_section(ClientConfig, parse_yaml("x", (CONFIG / "clients" / "lai_weekly.yaml").read_bytes()))
    files = read_old_files([OLD / "lai_weekly_v6.yaml"], None)
    content = FolderContent(CONFIG)
    migration = migrate(files, "lai_weekly", content=content, canonical=canonical, today=TODAY, existing=existing)
    found = client(migration)
    major = int(existing.client_profile.version.split(".")[0])
    assert found.client_profile.version == f"{major + 1}.0.0"
    kept = {entry.changes for entry in found.metadata.changelog}
    assert {entry.changes for entry in existing.metadata.changelog} <= kept
    assert "6.0.0" in {entry.version for entry in found.metadata.changelog}


def test_comments_of_kept_fields_are_kept(migrated: Migrate) -> None:
    text = migrated(OLD / "lai_weekly_v4.yaml").body.decode()
    for comment in (
        "# LAI WEEKLY v4 (TECH FOCUS)",
        "  # THE ONE DOMAIN",
        "    # Names of canonical scopes",
        "  # How many\n  max_items_total: 20\n  min_score: 0  # scores are for sorting",
        "max_items: 6  # more than before",
        '- "*"  # whatever is left',
        "# top_signals REMOVED",
        "# METADATA",
        "# END",
    ):
        assert comment in text
    for comment in ("# Profiles", "# How it is trimmed", "# DELIVERY", "# the last run only"):
        assert comment not in text


def test_free_texts_become_comments_above_their_parent(migrated: Migrate) -> None:
    migration = migrated(OLD / "lai_weekly_v4.yaml")
    text = migration.body.decode()
    assert "# Wide window for long cycles\npipeline:" in text
    assert '  # the one domain of v4\n  - id: "tech_lai_ecosystem"' in text
    assert "    # pure players: a strong sign\n    pure_player_company:" in text
    assert '    # no item is lost\n    - id: "others"' in text
    assert outcomes_by_path(migration)["pipeline.notes"][0] == "comment"


def test_bonuses_get_their_canonical_names(migrated: Migrate) -> None:
    migration = migrated(OLD / "lai_weekly_v4.yaml")
    assert set(client(migration).scoring_config.client_specific_bonuses) == {"pure_player_company", "hybrid_company"}
    action, to, reason = outcomes_by_path(migration)[
        "scoring_config.client_specific_bonuses.pure_player_companies.bonus"
    ]
    assert (action, to) == ("carried", "scoring_config.client_specific_bonuses.pure_player_company.bonus")
    assert "both would count" in reason


def test_two_bonuses_for_one_scope_become_one_with_the_points_of_both(migrated: Migrate, changed: Change) -> None:
    path = changed("lai_weekly_v4.yaml", ("lai_companies_hybrid", "lai_companies_mvp_core"))
    migration = migrated(path)
    bonuses = client(migration).scoring_config.client_specific_bonuses
    assert {name: bonus.bonus for name, bonus in bonuses.items()} == {"pure_player_company": 6.5}
    assert outcomes_by_path(migration)["scoring_config.client_specific_bonuses.hybrid_companies.bonus"][0] == "changed"


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("lai_weekly_v4.yaml", [], 0.30),
        ("lai_weekly_v4.yaml", [("    technology: 0.30", "    corporate: 0.30")], 0.25),
        ("lai_weekly_v4.yaml", [("type:", "kind:")], 0.25),
        ("lai_weekly_v7.yaml", [], 0.2),
        ("lai_weekly_v7.yaml", [("  enabled: true\n  tech", "  enabled: false\n  tech")], 0.35),
        ("lai_weekly_v3.yaml", [], 0.3),
    ],
)
def test_the_threshold_that_was_in_force_stays_in_force(
    migrated: Migrate, changed: Change, name: str, changes: list[tuple[str, str]], expected: float
) -> None:
    assert client(migrated(changed(name, *changes))).matching_config.min_domain_score == expected


def test_without_priorities_sections_keep_their_order_and_catch_alls_come_last(migrated: Migrate) -> None:
    sections = client(migrated(OLD / "lai_weekly_v3.yaml")).newsletter_layout.sections
    assert {section.id: section.priority for section in sections} == {"top_signals": 2, "regulatory_updates": 1}
    sections = client(migrated(OLD / "lai_weekly_v17.yaml")).newsletter_layout.sections
    assert {section.id: section.priority for section in sections} == {"deals": 2, "science": 3, "everything": 4}


def test_implicit_behaviour_of_the_old_engine_becomes_explicit(migrated: Migrate) -> None:
    migration = migrated(OLD / "lai_weekly_v3.yaml")
    found = client(migration)
    assert found.client_profile.active is False
    assert found.newsletter_selection.max_items_total == 15
    assert found.pipeline.analysis_prompt == "lai_analysis"
    for domain in found.watch_domains:
        assert domain.core_company_scope == "lai_companies_mvp_core"
        assert domain.core_trademark_scope == "lai_trademarks_core"
        assert domain.indication_scope == "lai_indications_global"
        assert "recruitment" in domain.exclusion_scopes
    assert found.watch_domains[1].molecule_scope is None
    assert {addition.path for addition in migration.added} >= {
        "client_profile.active", "pipeline.analysis_prompt", "watch_domains[1].exclusion_scopes",
    }  # fmt: skip
    assert all(addition.reason for addition in migration.added)


def test_unknown_bouquets_events_and_orders_are_named(migrated: Migrate) -> None:
    found = outcomes_by_path(migrated(OLD / "lai_weekly_v7.yaml"))
    action, _, reason = found["source_config.source_bouquets_enabled[1]"]
    assert action == "dropped"
    assert "no bouquet of this name (similar: 'lai_press_mvp')" in reason
    assert found["newsletter_layout.sections[0].sort_by"][0] == "changed"
    found = outcomes_by_path(migrated(OLD / "lai_weekly_v4.yaml"))
    assert found["newsletter_selection.critical_event_types[0]"][0] == "dropped"


def test_deduplication_that_was_off_stays_off(migrated: Migrate) -> None:
    assert client(migrated(OLD / "lai_weekly_v7.yaml")).newsletter_selection.deduplication.similarity_threshold == 1.0


def test_excluded_link_texts_stay_excluded(migrated: Migrate) -> None:
    found = client(migrated(OLD / "lai_weekly_v6.yaml"))
    assert found.source_config.content_filters.exclude_titles == ("Download attachment", "Read more")


def test_unknown_fields_are_dropped_with_line_and_reason(migrated: Migrate) -> None:
    migration = migrated(OLD / "lai_weekly_v17.yaml")
    outcome = next(
        outcome for outcome in migration.outcomes if outcome.path == "metadata.never_seen_before.deep[1].deeper"
    )
    lines = (OLD / "lai_weekly_v17.yaml").read_text().splitlines()
    assert "deeper" in lines[outcome.line - 1]
    assert outcome.reason == "no release of the engine reads it"


@pytest.mark.parametrize(
    ("written", "client_id", "expected"),
    [
        ("6.0.0", "lai_weekly_v4", (6, 0, 0)),
        ("5.0.0-test", "x", (5, 0, 0)),
        ("v7", "x", (7, 0, 0)),
        ("2.3", "x", (2, 3, 0)),
        ("soon", "lai_weekly_v12", (12, 0, 0)),
        ("", "lai_weekly_v2_1", (2, 1, 0)),
        ("", "lai_weekly_v17_test", (17, 0, 0)),
        ("", "lai_weekly", (1, 0, 0)),
    ],
)
def test_versions_are_read_from_the_template_or_from_the_id(
    changed: Change, written: str, client_id: str, expected: tuple[int, int, int]
) -> None:
    path = changed("lai_weekly_v4.yaml", ('"4.0.0"', f'"{written}"'), ('"lai_weekly_v4"', f'"{client_id}"'))
    assert read_old_file(path).version == expected


@pytest.mark.parametrize(
    ("client_id", "stem"),
    [
        ("lai_weekly_v6", "lai_weekly"),
        ("lai_weekly_v5_test", "lai_weekly"),
        ("lai_weekly_v2.1", "lai_weekly"),
        ("lai_weekly_v2_1_debug", "lai_weekly"),
        ("tech_weekly_template", "tech_weekly_template"),
        ("lai_vision", "lai_vision"),
        ("lai_v3x", "lai_v3x"),
    ],
)
def test_the_stable_id_is_the_old_one_without_its_version(changed: Change, client_id: str, stem: str) -> None:
    path = changed("lai_weekly_v4.yaml", ('"lai_weekly_v4"', f'"{client_id}"'))
    assert new_client_id(read_old_files([path], None), None) == stem


def test_an_invalid_id_requires_the_option(changed: Change) -> None:
    path = changed("lai_weekly_v4.yaml", ('"lai_weekly_v4"', '"LAI-Weekly"'))
    with pytest.raises(ConfigurationError, match=r"line \d+: 'LAI-Weekly' is no client id.*--client-id"):
        new_client_id(read_old_files([path], None), None)
    assert new_client_id(read_old_files([path], None), "lai") == "lai"


@pytest.mark.parametrize(
    ("before", "after", "line_of", "message"),
    [
        ('"lai_keywords"', '"lai_keyword"', '"lai_keyword"', "did you mean 'lai_keywords'?"),
        ('"lai_companies_mvp_core"', '"lai_core"', '"lai_core"', "names 'lai_core', which canonical/scopes/companies"),
        ('"lai_corporate_mvp"\n    - "lai_press_mvp"', '"a"\n    - "b"', "source_bouquets", "none of them is known"),
        ('- "regulatory"\n      sort', '- "approval"\n      sort', "filter_event_types", "none of them is known"),
        ("max_items: 6", "max_items: six", "max_items: six", "max_items"),
        ("bonus: 5.0", "bonus: 500", "bonus: 500", "bonus"),
        ("technology: 0.30", "technology: high", "technology: high", "a number from 0 to 1"),
        ('frequency: "weekly"', 'frequency: "Weekly"', 'frequency: "Weekly"', "frequency"),
    ],
)
def test_a_required_decision_is_reported_with_the_old_files_line(
    migrated: Migrate, changed: Change, before: str, after: str, line_of: str, message: str
) -> None:
    path = changed("lai_weekly_v4.yaml", (before, after))
    migration = migrated(path)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if line_of in text)
    assert any(f"{path}, line {line}" in problem and message in problem for problem in migration.problems)
    assert len(migration.problems) == 1


def test_all_problems_are_reported_together(migrated: Migrate, changed: Change) -> None:
    path = changed("lai_weekly_v4.yaml", ('"lai_keywords"', '"x"'), ('"lai_trademarks_global"', '"y"'))
    assert len(migrated(path).problems) == 2


def test_a_domain_without_technology_gets_that_of_its_sibling(migrated: Migrate, changed: Change) -> None:
    scope = '    technology_scope: "lai_keywords"\n    company_scope: "lai_companies_global"\n    trade'
    path = changed("lai_weekly_v3.yaml", (scope, scope.split("\n", 1)[1]))
    assert client(migrated(path)).watch_domains[1].technology_scope == "lai_keywords"


BASE = yaml.safe_load((OLD / "lai_weekly_v6.yaml").read_text(encoding="utf-8"))
LEAF_PATHS = list(leaves(BASE))
ALL_PATHS = [path[:length] for path in leaves(BASE) for length in range(1, len(path) + 1)]
NEW_VALUES: Any = (
    st.none()
    | st.booleans()
    | st.integers(-5, 500)
    | st.floats(0, 1)
    | st.text(max_size=8)
    | st.just({})
    | st.just([])
    | st.just([{"unseen": 1}])
    | st.just({"deep": {"er": [1, "two"]}})
)


@given(
    deletions=st.lists(st.sampled_from(LEAF_PATHS) | st.sampled_from(ALL_PATHS), max_size=4),
    mutations=st.lists(st.tuples(st.sampled_from(LEAF_PATHS), NEW_VALUES), max_size=2),
    additions=st.lists(st.tuples(st.sampled_from(ALL_PATHS), NEW_VALUES), max_size=3),
)
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_every_field_of_any_old_file_is_reported(
    tmp_path_factory: pytest.TempPathFactory, canonical: Canonical, deletions: Any, mutations: Any, additions: Any
) -> None:
    data = copy.deepcopy(BASE)
    for path in deletions:
        _at(data, path, lambda parent, key: parent.pop(key))
    for path, value in mutations:
        _at(data, path, lambda parent, key, value=value: parent.__setitem__(key, value))
    for path, value in additions:
        _at(data, path, lambda parent, _key, value=value: isinstance(parent, dict) and parent.update(unseen=value))
    file = tmp_path_factory.mktemp("old") / "client_v6.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    refusal = ""
    try:
        old = read_old_files([file], None)
        client_id = new_client_id(old, None)
    except ConfigurationError as error:
        refusal = str(error)
    if refusal:
        assert str(file) in refusal
        return
    migration = migrate(old, client_id, content=FolderContent(CONFIG), canonical=canonical, today=TODAY)
    if migration.problems and not migration.outcomes:
        assert all(str(file) in problem for problem in migration.problems)
        return
    read = with_lists(parse_yaml("old", file.read_bytes()).data)
    assert Counter(outcome.path for outcome in migration.outcomes) == Counter(dotted(path) for path in leaves(read))
    new = with_lists(parse_yaml("new", migration.body).data)
    for outcome in migration.outcomes:
        if outcome.action == "carried":
            assert _found(new, outcome.to) == outcome.value, outcome


def _at(data: Any, path: tuple[str | int, ...], change: Callable[..., Any]) -> None:
    for part in path[:-1]:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return
    if (isinstance(data, dict) and path[-1] in data) or (
        isinstance(data, list) and isinstance(path[-1], int) and path[-1] < len(data)
    ):
        change(data, path[-1])


def _found(data: Any, path: str | None) -> Any:
    by_path = {dotted(leaf): leaf for leaf in leaves(data)}
    value = data
    for part in by_path[path or ""]:
        value = value[part]
    return value
