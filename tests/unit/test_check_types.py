"""Cache of mypy shared by checkouts: taken over by a fresh one, whole or not at all, and deleted when unused."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import IO

import boto3
import pytest
from botocore.exceptions import ClientError

from tools.check_types import DAY, ERRORS, LOCKS, UNUSED_DAYS, SharedCopy, StoredCache, stored_cache

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_800_000_000.0


def _cache(folder: Path, content: str) -> Path:
    """Write a cache with one row, as mypy's is a number of SQLite files in a folder for the version of Python."""
    folder = folder / ".mypy_cache"
    (folder / "3.11").mkdir(parents=True)
    with closing(sqlite3.connect(folder / "3.11" / "cache.0.db")) as database:
        database.execute("CREATE TABLE files (data TEXT)")
        database.execute("INSERT INTO files VALUES (?)", (content,))
        database.commit()
    return folder


def _content(cache: Path) -> str:
    with closing(sqlite3.connect(cache / "3.11" / "cache.0.db")) as database:
        return str(database.execute("SELECT data FROM files").fetchone()[0])


@pytest.fixture
def stored(tmp_path: Path) -> StoredCache:
    return StoredCache(tmp_path / "user" / "mypy-1")


def test_a_fresh_checkout_takes_over_the_stored_cache(tmp_path: Path, stored: StoredCache) -> None:
    stored.store(_cache(tmp_path / "first", "of the first"))
    second = tmp_path / "second" / ".mypy_cache"
    second.mkdir(parents=True)
    stored.copy_to(second)
    assert _content(second) == "of the first"


def test_a_checkout_keeps_its_own_cache(tmp_path: Path, stored: StoredCache) -> None:
    stored.store(_cache(tmp_path / "first", "of the first"))
    second = _cache(tmp_path / "second", "its own")
    stored.copy_to(second)
    stored.store(second)
    assert _content(second) == "its own"
    assert _content(stored.folder) == "of the first"


def test_without_a_stored_cache_nothing_is_copied(tmp_path: Path, stored: StoredCache) -> None:
    stored.copy_to(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_checkouts_that_store_at_the_same_time_leave_one_whole_cache(tmp_path: Path, stored: StoredCache) -> None:
    caches = [_cache(tmp_path / str(number), f"of {number}") for number in range(8)]
    with ThreadPoolExecutor(len(caches)) as pool:
        list(pool.map(stored.store, caches))
    assert _content(stored.folder) in {f"of {number}" for number in range(8)}
    assert list(stored.folder.parent.iterdir()) == [stored.folder]


def test_an_interrupted_copy_is_not_a_stored_cache(
    tmp_path: Path, stored: StoredCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(path: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stored.store(_cache(tmp_path / "first", "of the first"))
    assert list(stored.folder.parent.iterdir()) == []


def test_caches_of_other_packages_are_deleted_when_unused(tmp_path: Path, stored: StoredCache) -> None:
    for name, days in (("mypy-1", 90), ("mypy-old", UNUSED_DAYS + 1), ("mypy-recent", UNUSED_DAYS - 1)):
        folder = stored.folder.parent / name
        folder.mkdir(parents=True)
        os.utime(folder, (NOW - days * DAY, NOW - days * DAY))
    stored.delete_unused(NOW)
    assert {folder.name for folder in stored.folder.parent.iterdir()} == {"mypy-1", "mypy-recent"}


def test_other_locked_packages_have_another_cache(tmp_path: Path) -> None:
    for lock in LOCKS:
        shutil.copyfile(ROOT / lock, tmp_path / lock)
    environment = {"XDG_CACHE_HOME": str(tmp_path / "user")}
    same = stored_cache(tmp_path, environment)
    assert same == stored_cache(ROOT, environment)
    assert same.folder.is_relative_to(tmp_path / "user")
    for lock in LOCKS:
        before = stored_cache(tmp_path, environment)
        (tmp_path / lock).write_text("other==1\n", encoding="utf-8")
        assert stored_cache(tmp_path, environment) != before


def test_mypy_accepts_the_cache_of_a_checkout_in_another_folder(tmp_path: Path, stored: StoredCache) -> None:
    """The cache is that of the first folder; mypy checks nothing again in the second, whose files are newer."""
    logs = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "module.py").write_text("import json\n\nvalue: int = len(json.dumps({}))\n", encoding="utf-8")
        stored.copy_to(folder / ".mypy_cache")
        command = [sys.executable, "-m", "mypy", "--verbose", "--config-file=", "module.py"]
        result = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=True)
        stored.store(folder / ".mypy_cache")
        logs.append(result.stderr)
    assert "Could not load cache for module" in logs[0]
    assert "Could not load cache" not in logs[1]


# --- the copy that machines without files share


class Bucket:
    """One bucket of S3, as the two transfers of boto3 that are used see it."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def upload_fileobj(self, file: IO[bytes], bucket: str, key: str) -> None:
        self.objects[bucket, key] = file.read()

    def download_fileobj(self, bucket: str, key: str, file: IO[bytes]) -> None:
        if (bucket, key) not in self.objects:
            raise ClientError({"Error": {"Code": "403"}}, "HeadObject")
        file.write(self.objects[bucket, key])


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    found = Bucket()
    monkeypatch.setattr(boto3, "client", lambda service: found)
    return found


def test_a_new_machine_takes_over_the_cache_that_another_one_uploaded(tmp_path: Path, bucket: Bucket) -> None:
    first, second = (StoredCache(tmp_path / name / "mypy-1") for name in ("first", "second"))
    address = "s3://artifacts/types-cache"
    assert not SharedCopy(address, second).download()
    first.store(_cache(tmp_path / "checkout", "of the first"))
    SharedCopy(address, first).upload()

    assert SharedCopy(address, second).download()

    assert list(bucket.objects) == [("artifacts", "types-cache/mypy-1.tar.gz")]
    assert _content(second.folder) == "of the first"
    assert [each.name for each in second.folder.parent.iterdir()] == ["mypy-1"]


def test_a_damaged_copy_leaves_nothing_behind(tmp_path: Path, bucket: Bucket) -> None:
    stored = StoredCache(tmp_path / "user" / "mypy-1")
    bucket.objects["artifacts", "types-cache/mypy-1.tar.gz"] = b"no archive"
    with pytest.raises(ERRORS):
        SharedCopy("s3://artifacts/types-cache", stored).download()
    assert list(stored.folder.parent.iterdir()) == []
