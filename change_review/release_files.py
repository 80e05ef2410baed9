"""Files of a release that later reviews compare with: what a review reads, and the digests of all others, as a zip."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path

from change_review.sides import LARGEST_FILE, PATHS, Files, Repository
from checkout.git import Git
from vectora_shared.errors import VectoraError

FILE_NAME = "release-files.zip"
# Of every file of the commit, so that a review knows without git which ones differ.
DIGESTS = "digests.json"
LARGEST_RELEASE = 64 * 1024 * 1024
# The same bytes for the same files: zip files have no earlier time.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ReleaseFiles:
    """Files of a release that a review reads, and the SHA-256 of all files of its commit by path."""

    files: Files
    digests: Mapping[str, str]

    def changed_paths(self, root: Path) -> tuple[str, ...]:
        """Return the paths that differ between the release and the working tree."""
        after = digests_of(root)
        return tuple(sorted(path for path in {*self.digests, *after} if self.digests.get(path) != after.get(path)))


def packed_release_files(root: Path) -> bytes:
    """Return the files of the working tree as a zip file, the same for the same files."""
    found = {**Repository(root).working_files().by_path, DIGESTS: _json(digests_of(root))}
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, body in sorted(found.items()):
            archive.writestr(zipfile.ZipInfo(path, _TIME), body, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def read_release_files(name: str, body: bytes) -> ReleaseFiles:
    """Return what `packed_release_files` packed; `name` is that of the release for people.

    Raises VectoraError when it is no such file. Nothing is unpacked to the disk or run.
    """
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            found = dict(_contents(name, archive))
        digests = json.loads(found.pop(DIGESTS))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, RuntimeError) as error:
        raise VectoraError(f"The files of {name} are no {FILE_NAME} of a release: give another base.") from error
    if not isinstance(digests, dict):
        raise VectoraError(f"{DIGESTS} of {name} is no JSON object: give another base.")
    return ReleaseFiles(Files(name, found), {str(path): str(digest) for path, digest in digests.items()})


def _contents(name: str, archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    total = 0
    for entry in archive.infolist():
        total += entry.file_size
        if entry.file_size > LARGEST_FILE or total > LARGEST_RELEASE:
            raise VectoraError(f"The files of {name} are larger than those of any release: give another base.")
        if entry.filename == DIGESTS or any(_is_below(entry.filename, path) for path in PATHS):
            yield entry.filename, archive.read(entry)


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")


def digests_of(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a checkout by its path, without what git ignores."""
    return {path: hashlib.sha256((root / path).read_bytes()).hexdigest() for path in sorted(_paths(root))}


def _paths(root: Path) -> Iterator[str]:
    git = Git(root)
    if git.is_repository:
        listed = git.output("ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
        yield from {path for path in listed if path and _is_file(root / path)}
    else:
        # The source of a build has no history.
        yield from _walked(root, root, _ignored_names(root))


def _walked(root: Path, folder: Path, ignored: tuple[str, ...]) -> Iterator[str]:
    for path in folder.iterdir():
        if any(fnmatch(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walked(root, path, ignored)
        elif _is_file(path):
            yield path.relative_to(root).as_posix()


def _ignored_names(root: Path) -> tuple[str, ...]:
    """Return the patterns in .gitignore, all of which are names here (a test compares both listings)."""
    file = root / ".gitignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return (".git", *(line.rstrip("/") for line in lines if line and not line.startswith("#")))


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _json(document: Mapping[str, str]) -> bytes:
    return json.dumps(document, indent=0, sort_keys=True).encode("utf-8")
