"""Client files that are links: edits go through to the file, and links that lead nowhere or outside are named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from typer.testing import Result

from client_files.bump import bump_file
from client_files.validate import validate_files, validate_folder
from client_files.write import edited
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_client
from vectora_shared.errors import ConfigurationError

Run = Callable[..., Result]
TODAY = date(2026, 11, 25)
OLD = Path(__file__).parent / "old" / "lai_weekly_v7.yaml"


@pytest.fixture
def mask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def _bump(path: Path) -> None:
    bump_file(path, "patch", "x", TODAY)


def test_an_edit_through_a_chain_of_links_changes_the_file_alone(config: Path, tmp_path: Path) -> None:
    target = tmp_path / "real" / "file.yaml"
    target.parent.mkdir()
    target.write_bytes((config / "clients/canary.yaml").read_bytes())
    target.chmod(0o600)
    (tmp_path / "chain.yaml").symlink_to("real/file.yaml")
    link = config / "link.yaml"
    link.symlink_to("../chain.yaml")
    before = target.read_bytes()
    _bump(link)
    assert [str(path.readlink()) for path in (link, tmp_path / "chain.yaml")] == ["../chain.yaml", "real/file.yaml"]
    assert target.read_bytes() != before
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["file.yaml"]


def test_a_migration_writes_through_a_link(run: Run, config: Path) -> None:
    target = config / "elsewhere.yaml"
    client = config / "clients/lai_weekly.yaml"
    client.rename(target)
    client.symlink_to(target)
    result = run("migrate", OLD, "--replace", "--client-id", "lai_weekly")
    assert result.exit_code == 0, result.output
    assert client.is_symlink()
    assert load_client(FolderContent(config), "lai_weekly").metadata.changelog[0].changes.startswith("Migrated")


def test_a_link_that_leads_nowhere_is_named_with_where_it_leads(config: Path, tmp_path: Path) -> None:
    link = config / "clients/new.yaml"
    link.symlink_to("../gone.yaml")
    sentence = f"{link} is a link to ../gone.yaml, where there is no file: correct the link."
    with pytest.raises(ConfigurationError) as caught:
        _bump(link)
    assert str(caught.value) == sentence
    assert sentence in validate_folder(FolderContent(config)).problems
    assert validate_files([link], config).problems == (sentence,)
    assert not (config / "gone.yaml").exists()


def test_a_link_that_leads_back_to_itself_is_named(config: Path) -> None:
    link = config / "clients/new.yaml"
    link.symlink_to("new.yaml")
    sentence = f"{link} cannot be read, because it is a link that leads back to itself: correct the link."
    with pytest.raises(ConfigurationError) as caught:
        _bump(link)
    assert str(caught.value) == sentence
    assert sentence in validate_folder(FolderContent(config)).problems


def test_a_file_of_the_configuration_may_not_be_outside_of_it(config: Path, tmp_path: Path) -> None:
    client = config / "clients/canary.yaml"
    inside = client.rename(config / "canary.txt")
    client.symlink_to(inside)
    assert validate_folder(FolderContent(config)).problems == ()
    outside = inside.rename(tmp_path / "canary.yaml")
    client.unlink()
    client.symlink_to(outside)
    [problem] = validate_folder(FolderContent(config)).problems
    assert problem == (
        f"{client} is a link to {outside}, outside of {config}, where neither git nor a release has it: put the file "
        "itself in its place."
    )


def test_a_configuration_folder_that_is_a_link_is_read(config: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(config)
    assert validate_folder(FolderContent(tmp_path / "link")).problems == ()


@pytest.mark.usefixtures("mask")
def test_a_new_file_has_the_mode_that_the_user_gives_new_files(tmp_path: Path) -> None:
    with edited(tmp_path / "new.yaml") as edit:
        edit.write(b"a: 1\n")
    assert (tmp_path / "new.yaml").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("mask")
def test_a_file_that_others_may_read_stays_so(config: Path) -> None:
    path = config / "clients/canary.yaml"
    path.chmod(0o664)
    _bump(path)
    assert path.stat().st_mode & 0o777 == 0o664


def test_a_file_keeps_its_owner_when_another_user_edits_it(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config / "clients/canary.yaml"
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "chown", lambda file, user, group: given.append((user, group)))
    _bump(path)
    assert given == [(path.stat().st_uid, path.stat().st_gid)]


def test_a_file_that_is_write_protected_is_not_replaced(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config / "clients/canary.yaml"
    before = path.read_bytes()
    # root may write every file, so the answer of the system is replaced.
    monkeypatch.setattr(os, "access", lambda file, mode: False)
    with pytest.raises(ConfigurationError, match=r"canary\.yaml cannot be written: Permission denied"):
        _bump(path)
    assert path.read_bytes() == before


def test_a_folder_in_place_of_a_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.mkdir()
    for read in (lambda: _bump(path), lambda: FolderContent(tmp_path).read("x.yaml")):
        with pytest.raises(ConfigurationError, match=r"x\.yaml cannot be read \(Is a directory\): "):
            read()
