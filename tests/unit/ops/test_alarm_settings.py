"""Settings of alarms: severities, readers, thresholds, and that code reads every setting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from tests.repository import ROOT
from tests.unit.ops.environments import VALID, load_text
from vectora_ops.settings import Settings
from vectora_shared.config.section import Section
from vectora_shared.errors import ConfigurationError

PROD_PAGES = "      page: [failed-runs, runs-timed-out, empty-newsletter, newsletter-overdue, watch-silent]"
OPERATORS = "    operators: [operators@example.org]"
# Packages with code that may read a setting; the models themselves do not count.
READERS = ("cli", "client_files", "lambda_src", "rehearsal", "stacks")
MODELS = ("settings.py", "alarm_settings.py", "backup_settings.py", "delivery_settings.py", "windows.py")


def _refused(folder: Path, old: str, new: str) -> str:
    assert old in VALID
    with pytest.raises(ConfigurationError) as caught:
        load_text(folder, VALID.replace(old, new, 1))
    return str(caught.value)


@pytest.mark.parametrize("new", ["", "    # operators: []\n", "    operators: []\n"])
def test_the_last_environment_needs_operators(tmp_path: Path, new: str) -> None:
    lines = [line for line in VALID.splitlines(keepends=True) if not line.startswith(OPERATORS)]
    with pytest.raises(ConfigurationError, match=r"key 'environments\.prod\.operators' is missing: name who receives"):
        load_text(tmp_path, "".join(lines) + new)


def test_an_environment_with_pages_needs_operators(tmp_path: Path) -> None:
    message = _refused(tmp_path, "      page: []\n", "      page: [noise]\n")
    assert "key 'environments.dev.operators' is missing: name who receives the pages of noise" in message


def test_an_alarm_has_one_severity(tmp_path: Path) -> None:
    message = _refused(tmp_path, PROD_PAGES, PROD_PAGES.replace("]", ", drift]"))
    assert "key 'environments.prod.alarms.ticket' has drift, which `page` has too: remove it" in message


def test_an_unknown_alarm_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    message = _refused(tmp_path, PROD_PAGES, PROD_PAGES.replace("failed-runs", "failed-run"))
    assert "key 'environments.prod.alarms.page[0]' has the value 'failed-run'" in message
    assert "did you mean 'failed-runs'?" in message


def test_a_run_may_not_take_as_long_as_its_time_out_before_it_raises_an_alarm(tmp_path: Path) -> None:
    message = _refused(tmp_path, "      run_minutes: 45", "      run_minutes: 60")
    assert "key 'environments.dev.alarms.run_minutes' has the value 60" in message
    assert "less than 60" in message


def test_an_alarm_on_old_snapshots_needs_daily_ones(tmp_path: Path) -> None:
    message = _refused(tmp_path, "      daily: true\n", "      daily: false\n")
    assert "key 'environments.prod.alarms.ticket' has snapshot-too-old, which would not end without daily" in message


def test_an_account_has_one_environment_with_notices_on_its_cost(tmp_path: Path) -> None:
    notices = "    cost_anomalies: {minimum_usd: 10}\n"
    one = VALID.replace("    monthly_budget_usd: 20\n", f"    monthly_budget_usd: 20\n{notices}", 1)
    with pytest.raises(ConfigurationError, match=r"key 'environments\.prod\.cost_anomalies' is in the account of dev"):
        load_text(tmp_path, one.replace(OPERATORS, notices + OPERATORS, 1))
    (tmp_path / "one").mkdir()
    found = load_text(tmp_path / "one", one).environment("dev").cost_anomalies
    assert found is not None
    assert found.minimum_usd == 10


def _models(model: type[Section]) -> Iterator[type[Section]]:
    yield model
    for field in model.model_fields.values():
        for each in _parts(field.annotation):
            yield from _models(each)


def _parts(annotation: object) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _names_read() -> Iterator[str]:
    for package in READERS:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            is_model = path.name in MODELS and path.parent.name == "vectora_ops"
            for part in _answers(tree) if is_model else (tree,):
                for node in ast.walk(part):
                    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                        yield node.attr


def _answers(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the functions of a model that answer with its settings; those that validate have no effect of their own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith(("_", "check_")):
            yield node


def test_something_reads_every_setting() -> None:
    read = set(_names_read())
    fields = [(model, name) for model in _models(Settings) for name in model.model_fields]
    unread = [f"{model.__name__}.{name}" for model, name in fields if name not in read]
    assert unread == []


def test_the_settings_of_every_part_are_looked_at() -> None:
    names = {model.__name__ for model in _models(Settings)}
    assert {"Alarms", "CostAnomalies", "Backup", "Delivery", "Model", "Promotion", "Pipeline", "Snapshots"} <= names
