"""Check of types with mypy, whose cache a fresh checkout copies from an earlier run with the same locked packages."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")
# Variable with the address of the copy that builds on AWS share.
SHARED = "TYPES_CACHE"
ERRORS = (OSError, sqlite3.Error, tarfile.TarError, BotoCoreError, ClientError, S3UploadFailedError)
UNUSED_DAYS = 30
DAY = 24 * 60 * 60


@dataclass(frozen=True)
class StoredCache:
    """A copy of mypy's cache for one set of locked packages, shared by the checkouts of this user.

    mypy writes into its cache, so each checkout has its own. The copy never changes after it was stored: checkouts that
    run at the same time cannot damage it. mypy compares sizes and hashes of all files with those in its cache
    (mypy/build.py, validate_meta), so the copy may be of other sources in another folder.
    """

    folder: Path

    def copy_to(self, cache: Path) -> None:
        """Copy into a checkout that has no cache yet."""
        if _databases(cache) or not self.folder.is_dir():
            return
        shutil.copytree(self.folder, cache, dirs_exist_ok=True)
        # The time of the last use.
        os.utime(self.folder)

    def store(self, cache: Path) -> None:
        """Store a checkout's cache, unless one is stored; another process finds all of it or nothing."""
        if self.folder.exists():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix=".partial-") as partial:
            whole = Path(partial) / "cache"
            for database in _databases(cache):
                copy = whole / database.relative_to(cache)
                copy.parent.mkdir(parents=True, exist_ok=True)
                # By SQLite, because an editor's mypy may be writing.
                with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
                    source.backup(target)
            try:
                whole.rename(self.folder)
            except OSError:
                # Another process was first.
                if not self.folder.is_dir():
                    raise

    def delete_unused(self, now: float) -> None:
        """Delete the copies for other packages that no checkout has used for 30 days."""
        for other in self.folder.parent.glob("mypy-*"):
            if other != self.folder and other.stat().st_mtime < now - UNUSED_DAYS * DAY:
                shutil.rmtree(other, ignore_errors=True)


@dataclass(frozen=True)
class SharedCopy:
    """A stored cache in S3, for machines that keep no files from one run to the next, such as those of CodeBuild.

    The address is that of a folder in a bucket into which only the pipeline's builds write.
    """

    address: str  # s3://bucket/folder
    stored: StoredCache

    def download(self) -> bool:
        """Download the copy for these packages; return False when there is none yet."""
        bucket, key = self._place()
        with tempfile.TemporaryFile() as archive:
            try:
                boto3.client("s3").download_fileobj(bucket, key, archive)
            except ClientError as error:
                # Without permission to list, S3 answers 403 for a missing key (GetObject, API reference).
                if error.response["Error"]["Code"] in ("403", "404", "NoSuchKey"):
                    return False
                raise
            archive.seek(0)
            self.stored.folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.stored.folder.parent, prefix=".partial-") as partial:
                with tarfile.open(fileobj=archive, mode="r:gz") as files:
                    _extract(files, Path(partial))
                (Path(partial) / "cache").rename(self.stored.folder)
        return True

    def upload(self) -> None:
        """Upload the stored cache."""
        bucket, key = self._place()
        with tempfile.TemporaryFile() as archive:
            with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as files:
                files.add(self.stored.folder, "cache")
            archive.seek(0)
            boto3.client("s3").upload_fileobj(archive, bucket, key)

    def _place(self) -> tuple[str, str]:
        bucket, _, folder = self.address.removeprefix("s3://").partition("/")
        return bucket, f"{folder}/{self.stored.folder.name}.tar.gz"


def _extract(files: tarfile.TarFile, folder: Path) -> None:
    """Extract an archive of files and folders; raise TarError for anything else, and for a path out of the folder."""
    # Since Python 3.11.4 (tarfile, "Extraction filters").
    if hasattr(tarfile, "data_filter"):
        files.extractall(folder, filter="data")
        return
    for member in files.getmembers():
        is_inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not is_inside or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(
                f"{member.name} in the copy of mypy's cache is no file below its folder: delete the copy."
            )
    files.extractall(folder)  # noqa: S202


def stored_cache(root: Path, environment: Mapping[str, str]) -> StoredCache:
    """Return the place for the packages that the checkout at `root` locks and for this version of Python."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode("utf-8"))
    for lock in LOCKS:
        digest.update((root / lock).read_bytes())
    base = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return StoredCache(Path(base) / "vectora-inbox" / f"mypy-{digest.hexdigest()[:16]}")


def _databases(cache: Path) -> list[Path]:
    return sorted(cache.glob("*/cache*.db"))


def main() -> int:
    stored, cache = stored_cache(ROOT, os.environ), ROOT / ".mypy_cache"
    address = os.environ.get(SHARED)
    # Without any cache on this machine; an existing one is at least as new.
    shared = SharedCopy(address, stored) if address and not _databases(cache) and not stored.folder.exists() else None
    try:
        if shared and shared.download():
            shared = None
        stored.copy_to(cache)
    except ERRORS as error:
        print(f"mypy starts without a cache, because none can be copied: {error}", file=sys.stderr)
    code = subprocess.run([sys.executable, "-m", "mypy", *sys.argv[1:]], cwd=ROOT, check=False).returncode
    if code == 0:
        try:
            stored.store(cache)
            stored.delete_unused(time.time())
            if shared:
                shared.upload()
        except ERRORS as error:
            print(f"mypy's cache is not stored for other runs: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
