"""Writing a client file: whole or not at all, and never over what somebody else wrote meanwhile."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vectora_shared.errors import ConfigurationError


class Edit:
    """One file as it was when its edit began; `before` is None where there was none."""

    def __init__(self, path: Path, target: Path, before: bytes | None) -> None:
        self._path = path
        self._target = target
        self.before = before

    def read(self) -> bytes:
        """Raises ConfigurationError when there is no such file."""
        if self.before is None:
            raise ConfigurationError(f"{self._path} cannot be read: No such file or directory.")
        return self.before

    def write(self, content: bytes) -> None:
        """Put `content` in the file's place.

        Raises ConfigurationError, with the file as it is, when the folder is missing or may not be written, or when
        the file is not what it was.
        """
        try:
            self._require_unchanged()
            beside = self._written_beside(content)
            try:
                # Writing took time; what is left between this look and the rename is no more than that.
                self._require_unchanged()
                self._put_in_place(beside)
            finally:
                beside.unlink(missing_ok=True)
            _flush_folder(self._target.parent)
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be written: {error.strerror or error}.") from error

    def _written_beside(self, content: bytes) -> Path:
        mode = self._target.stat().st_mode & 0o777 if self.before is not None else 0o644
        descriptor, name = tempfile.mkstemp(dir=self._target.parent, prefix=f".{self._target.name}.")
        beside = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.chmod(mode)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        return beside

    def _require_unchanged(self) -> None:
        if _content(self._target) != self.before:
            raise self._changed()

    def _put_in_place(self, beside: Path) -> None:
        if self.before is None:
            try:
                # Unlike a rename, a link is refused when somebody was faster.
                self._target.hardlink_to(beside)
            except FileExistsError as error:
                raise self._changed() from error
            except OSError:
                # The file system has no hard links; the comparison remains.
                beside.replace(self._target)
        else:
            beside.replace(self._target)

    def _changed(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self._path} was changed by another program meanwhile: nothing was written, run the command again."
        )


@contextmanager
def edited(path: Path) -> Iterator[Edit]:
    """Edit a file while other commands that edit in its folder wait.

    A link is followed: what it leads to is edited. Editors know nothing of the lock, so the file is compared before it
    is replaced. Raises ConfigurationError when the file is there and cannot be read.
    """
    with _reading(path):
        target = path.resolve()
    with _locked(target.parent):
        with _reading(path):
            before = _content(target)
        yield Edit(path, target, before)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:
        # Before Python 3.13 links in a circle are a RuntimeError.
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ConfigurationError(f"{path} cannot be read: {reason}.") from error


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Locks the folder itself, which leaves no lock file behind; the system frees it when its owner is gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        # Whoever reads or writes the file says what is wrong with the folder.
        yield
        return
    try:
        with contextlib.suppress(OSError):
            # Network file systems may lock no folder; the comparison remains.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    # Not every file system flushes folders; the file itself is flushed and in its place.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
