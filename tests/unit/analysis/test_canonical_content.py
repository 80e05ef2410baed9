"""The repository's canonical content and client files are consistent, and every inconsistency is reported."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration, validate_all
from vectora_shared.errors import ConfigurationError

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def line_of(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def problem(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(FolderContent(folder), "lai_weekly")
    return str(caught.value)


def test_every_client_file_of_the_repository_is_valid() -> None:
    configurations = validate_all(FolderContent(CONFIG))
    assert [entry.client.client_profile.client_id for entry in configurations] == ["canary", "lai_weekly"]


@pytest.mark.parametrize(
    ("old", "new", "nearest"),
    [
        ("technology_scope: lai_keywords", "technology_scope: lai_keyword", "lai_keywords"),
        ("core_company_scope: lai_companies_mvp_core", "core_company_scope: lai_mvp_core", "lai_companies_mvp_core"),
        ("- recruitment", "- recruitmnt", "recruitment"),
        ("analysis_prompt: lai_analysis", "analysis_prompt: lai_analyses", "lai_analysis"),
        ("- lai_press_mvp", "- lai_pres_mvp", "lai_press_mvp"),
        ("{scope: lai_trademarks_global, bonus", "{scope: lai_trademark_global, bonus", "lai_trademarks_global"),
    ],
)
def test_an_unknown_name_is_reported_with_file_line_and_nearest_name(
    folder: Path, old: str, new: str, nearest: str
) -> None:
    client = folder / "clients/lai_weekly.yaml"
    replace(client, old, new)
    message = problem(folder)
    assert f"clients/lai_weekly.yaml, line {line_of(client, new)}" in message
    assert f"did you mean '{nearest}'?" in message


def test_a_missing_scope_file_is_named(folder: Path) -> None:
    (folder / "canonical/scopes/trademarks.yaml").unlink()
    assert "trademarks.yaml is missing" in problem(folder)


def test_a_missing_prompt_file_is_named_by_the_client_that_uses_it(folder: Path) -> None:
    (folder / "canonical/prompts/lai_analysis.yaml").unlink()
    message = problem(folder)
    assert "pipeline.analysis_prompt" in message
    assert "'lai_analysis'" in message
    assert "canonical/prompts/" in message


def test_an_empty_scope_that_a_client_uses_is_refused(folder: Path) -> None:
    scopes = folder / "canonical/scopes/companies.yaml"
    replace(scopes, "scopes:\n", "scopes:\n  not_filled_in: {description: To be filled in}\n")
    client = folder / "clients/lai_weekly.yaml"
    replace(client, "core_company_scope: lai_companies_mvp_core", "core_company_scope: not_filled_in")
    message = problem(folder)
    assert "'not_filled_in'" in message
    assert "is empty in canonical/scopes/companies.yaml" in message


def test_a_python_prefix_in_a_pattern_is_refused(folder: Path) -> None:
    replace(folder / "canonical/scopes/technologies.yaml", "- 'q(?:4", '- r"q(?:4')
    assert "r-prefix" in problem(folder)


def test_a_duplicate_name_is_refused_regardless_of_hyphens_and_trade_mark_signs(folder: Path) -> None:
    replace(folder / "canonical/scopes/trademarks.yaml", "      - Uzedy\n", "      - Uzedy\n      - UZEDY®\n")
    assert "and the same name as" in problem(folder)


def test_scopes_that_include_each_other_are_refused(folder: Path) -> None:
    replace(
        folder / "canonical/scopes/companies.yaml",
        "    names: [MedinCell,",
        "    includes: [lai_companies_global]\n    names: [MedinCell,",
    )
    assert "includes itself" in problem(folder)


def test_a_missing_number_of_the_scoring_rules_is_named(folder: Path) -> None:
    replace(folder / "canonical/scoring/scoring.yaml", "  safety_signal: 6.0\n", "")
    assert "key 'base_by_event' lacks safety_signal" in problem(folder)


def test_a_prompt_without_a_place_for_the_text_is_refused(folder: Path) -> None:
    replace(folder / "canonical/prompts/lai_analysis.yaml", "  {content}\n", "")
    assert "placeholders" in problem(folder)


def test_all_problems_of_a_client_are_reported_together(folder: Path) -> None:
    client = folder / "clients/lai_weekly.yaml"
    replace(client, "- recruitment", "- recruitmnt")
    replace(client, "- lai_press_mvp", "- lai_pres_mvp")
    assert len(problem(folder).splitlines()) == 2
