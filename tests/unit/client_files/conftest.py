"""Old client files, and commands on a configuration folder that tests may change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.client import bump, migrate
from client_files.migration.migrate import Migration, new_client_id, read_old_files
from client_files.migration.migrate import migrate as migrate_files
from vectora_shared.config.configuration import Canonical
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_canonical

CONFIG = Path(__file__).parents[3] / "config"
OLD = Path(__file__).parent / "old"
TODAY = date(2026, 11, 25)
Run = Callable[..., Result]
Migrate = Callable[..., Migration]
Change = Callable[..., Path]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of config/ that the commands use instead of the repository's."""
    copy = tmp_path / "config"
    shutil.copytree(CONFIG, copy)
    monkeypatch.setattr(bump, "CONFIG", copy)
    monkeypatch.setattr(migrate, "CONFIG", copy)
    return copy


@pytest.fixture
def run(config: Path) -> Run:
    app = typer.Typer()
    app.command()(migrate.migrate)
    app.command()(bump.bump)

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture(scope="session")
def canonical() -> Canonical:
    return load_canonical(FolderContent(CONFIG))


@pytest.fixture
def migrated(canonical: Canonical) -> Migrate:
    def run_rules(*files: Path, client_id: str | None = None) -> Migration:
        read = read_old_files(list(files), client_id)
        return migrate_files(
            read, new_client_id(read, client_id), content=FolderContent(CONFIG), canonical=canonical, today=TODAY
        )

    return run_rules


@pytest.fixture
def changed(tmp_path: Path) -> Change:
    """Return a function that replaces texts in an old file, which must have them."""

    def change(name: str, *replacements: tuple[str, str]) -> Path:
        text = (OLD / name).read_text(encoding="utf-8")
        for before, after in replacements:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return change
