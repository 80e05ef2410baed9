"""Zip files of artifacts, which preserve modes and symbolic links."""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from rehearsal.codepipeline.errors import ActionFailedError

# The oldest date of a zip entry; with a constant date, equal contents have equal bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


def unpack(archive: Path, folder: Path) -> None:
    """Extract with modes and symbolic links; raise ActionFailedError for an entry outside of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as source:
        for entry in source.infolist():
            _unpack_entry(source, entry, folder)


def _unpack_entry(source: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    mode = entry.external_attr >> 16
    target = (folder / entry.filename).absolute()
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise ActionFailedError(f"The artifact has the path {entry.filename}, which is outside of its folder.")
    if stat.S_ISLNK(mode):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.read(entry).decode("utf-8"))
        return
    extracted = Path(source.extract(entry, folder))
    if mode and not entry.is_dir():
        extracted.chmod(stat.S_IMODE(mode))


def pack(folder: Path, files: Iterable[Path], archive: Path) -> None:
    """Zip `files`, which are paths within `folder`, under their paths relative to it."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for file in sorted(files):
            _pack_file(target, folder, file)


def _pack_file(target: zipfile.ZipFile, folder: Path, file: Path) -> None:
    entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = file.lstat().st_mode << 16
    target.writestr(entry, str(file.readlink()) if file.is_symlink() else file.read_bytes())


def matching(folder: Path, patterns: Sequence[str]) -> set[Path]:
    """Return the files that match a buildspec's patterns: ** matches any folders, * a part of a name."""
    expressions = [re.compile(_expression(pattern.removeprefix("./"))) for pattern in patterns]
    everything = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return {path for path in everything if _matches(path.relative_to(folder).as_posix(), expressions)}


def _matches(path: str, expressions: Sequence[re.Pattern[str]]) -> bool:
    return any(expression.fullmatch(path) for expression in expressions)


def _expression(pattern: str) -> str:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(meaning.get(part, re.escape(part)) for part in parts)


def read_member(archive: Path, name: str) -> bytes:
    """Return the content of a file in an artifact; raise ActionFailedError when it is missing."""
    with zipfile.ZipFile(archive) as source:
        try:
            return source.read(name)
        except KeyError:
            raise ActionFailedError(
                f"File [{name}] does not exist in artifact [{archive.stem}]", "InvalidActionConfiguration"
            ) from None
