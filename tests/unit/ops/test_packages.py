"""Packages depend on the commit alone: same files, same bytes, and nothing twice."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from stacks.assets.packages import (
    DEPENDENCIES_LOCK,
    TEXT_SUFFIXES,
    LambdaPlatform,
    Packages,
    dependencies_digest,
    files_below,
    install_dependencies,
    write_zip,
)
from tests.repository import ROOT
from vectora_shared.errors import VectoraError

MEBIBYTE = 1024 * 1024
ELF_MACHINE_AARCH64 = 183
PLATFORMS: tuple[LambdaPlatform, ...] = ("lambda", "host")
FUNCTIONS = ("ingest_v2", "normalize_score_v2", "newsletter_v2", "deliver_v2", "publish_configuration")


def _names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def packages() -> Packages:
    return Packages(ROOT, "lambda")


def test_zips_of_the_same_files_are_the_same_bytes_whenever_and_wherever_they_are_made(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder / "package").mkdir(parents=True)
        for name in ("b.py", "a.py"):
            (tmp_path / folder / "package" / name).write_text(f"# {name}", encoding="utf-8")
    os.utime(tmp_path / "two" / "package" / "a.py", (0, 0))
    (tmp_path / "two" / "package" / "b.py").chmod(0o600)
    for folder in ("one", "two"):
        base = tmp_path / folder
        write_zip(tmp_path / f"{folder}.zip", base, files_below(base, base), prefix="python/")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_two_builds_of_the_dependencies_layer_give_the_same_bytes(tmp_path: Path, packages: Packages) -> None:
    install_dependencies(ROOT / DEPENDENCIES_LOCK, tmp_path / "target", "lambda")
    again = tmp_path / "again.zip"
    base = tmp_path / "target"
    write_zip(again, base, files_below(base, base), prefix="python/")
    assert again.read_bytes() == packages.dependencies_layer().path.read_bytes()


def test_compiled_code_in_the_dependencies_layer_is_for_lambdas_processor(packages: Packages) -> None:
    with zipfile.ZipFile(packages.dependencies_layer().path) as archive:
        headers = {
            name: archive.read(name)[:20] for name in archive.namelist() if name.endswith((".so", ".pyd", ".dylib"))
        }
    assert headers
    for name, header in headers.items():
        assert header[:4] == b"\x7fELF", name
        assert int.from_bytes(header[18:20], "little") == ELF_MACHINE_AARCH64, name


def test_both_layers_together_are_smaller_than_16_mib(packages: Packages) -> None:
    sizes = [package().path.stat().st_size for package in (packages.engine_layer, packages.dependencies_layer)]
    assert sum(sizes) < 16 * MEBIBYTE


def test_the_engine_layer_holds_the_engine_and_nothing_else(packages: Packages) -> None:
    names = _names(packages.engine_layer().path)
    assert {name.split("/")[1] for name in names} == {"vectora_core", "vectora_shared"}
    assert "python/vectora_core/items.py" in names
    assert not any("__pycache__" in name for name in names)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_holds_its_handler_and_nothing_of_a_layer(packages: Packages, function: str) -> None:
    assert _names(packages.function(function).path) == {"handler.py"}


def a_checkout(root: Path, content: str) -> Packages:
    """Return the packages of a checkout with one function, whose files all have that content."""
    for name in ("lambda_src/task/handler.py", "lambda_src/task/page.j2", "lambda_src/task/logo.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode("utf-8"))
    return Packages(root, "lambda")


def test_a_changed_file_gives_another_digest(tmp_path: Path) -> None:
    before = a_checkout(tmp_path, "1").function("task")
    assert a_checkout(tmp_path, "1").function("task") == before
    assert a_checkout(tmp_path, "2").function("task").digest != before.digest


def test_text_files_with_other_line_ends_give_the_same_package(tmp_path: Path) -> None:
    unix = a_checkout(tmp_path / "unix", "one\ntwo\n").function("task")
    windows = a_checkout(tmp_path / "windows", "one\r\ntwo\r\n")
    (tmp_path / "windows" / "lambda_src" / "task" / "logo.png").write_bytes(b"one\ntwo\n")
    package = windows.function("task")
    assert package.digest == unix.digest
    assert package.path.read_bytes() == unix.path.read_bytes()


def test_the_bytes_of_a_binary_file_stay_as_they_are(tmp_path: Path) -> None:
    package = a_checkout(tmp_path, "one\r\ntwo\r\n").function("task")
    with zipfile.ZipFile(package.path) as archive:
        assert archive.read("logo.png") == b"one\r\ntwo\r\n"
        assert archive.read("handler.py") == b"one\ntwo\n"


def test_the_lock_of_the_dependencies_counts_without_its_line_ends(tmp_path: Path) -> None:
    lock = tmp_path / DEPENDENCIES_LOCK
    lock.parent.mkdir(parents=True)
    lock.write_bytes(b"feedparser==6.0.12\n")
    digests = {platform: dependencies_digest(tmp_path, platform) for platform in PLATFORMS}
    assert len(set(digests.values())) == 2
    lock.write_bytes(b"feedparser==6.0.12\r\n")
    assert digests == {platform: dependencies_digest(tmp_path, platform) for platform in PLATFORMS}


def test_every_packaged_file_is_known_as_text_or_binary() -> None:
    packaged = [file for name in ("lambda_src", "config") for file in files_below(ROOT, ROOT / name)]
    assert {file.suffix for file in packaged} <= TEXT_SUFFIXES


def test_what_python_leaves_behind_does_not_change_the_release(tmp_path: Path) -> None:
    (tmp_path / "package" / "__pycache__").mkdir(parents=True)
    (tmp_path / "package" / "module.py").write_text("", encoding="utf-8")
    (tmp_path / "package" / "__pycache__" / "module.cpython-311.pyc").write_bytes(b"x")
    assert [path.name for path in files_below(tmp_path, tmp_path / "package")] == ["module.py"]


def test_a_lock_that_cannot_be_installed_is_refused_with_pips_reason(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("feedparser==6.0.14 --hash=sha256:" + "0" * 64 + "\n", encoding="utf-8")
    with pytest.raises(VectoraError, match="common-deps cannot be built") as caught:
        install_dependencies(lock, tmp_path / "target", "lambda")
    assert "HASHES" in str(caught.value)


def test_a_package_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lambda_src" / "empty").mkdir(parents=True)
    with pytest.raises(VectoraError, match="holds no files"):
        Packages(tmp_path, "lambda").function("empty")
