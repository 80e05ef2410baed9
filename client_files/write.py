"""Atomic writes of client files that never overwrite a concurrent change."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vectora_shared.config.content import why_unreadable
from vectora_shared.errors import ConfigurationError


class Edit:
    """Edit of one file; `before` is its content when the edit began, None if there was no file."""

    def __init__(self, path: Path, target: Path, before: bytes | None) -> None:
        self._path = path
        self._target = target
        self.before = before

    def read(self) -> bytes:
        """Return the content of the file; raise ConfigurationError when there is no such file."""
        if self.before is None:
            missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            raise ConfigurationError(f"{why_unreadable(self._path, missing)}.")
        return self.before

    def write(self, content: bytes) -> None:
        """Replace the file by `content`.

        Raises ConfigurationError, without a change of the file, when the folder is missing or not writable, or when
        the file was changed since the edit began.
        """
        try:
            self._require_unchanged()
            if self.before is not None and not os.access(self._target, os.W_OK):
                # A rename needs the folder's permission only, and would replace a file that is protected.
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            temporary = self._write_temporary(content)
            try:
                # Writing took time. After this check only the rename is left.
                self._require_unchanged()
                self._replace_by(temporary)
            finally:
                temporary.unlink(missing_ok=True)
            _flush_folder(self._target.parent)
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be written: {error.strerror or error}.") from error

    def _write_temporary(self, content: bytes) -> Path:
        descriptor, name = tempfile.mkstemp(dir=self._target.parent, prefix=f".{self._target.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._take_over(temporary)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _take_over(self, temporary: Path) -> None:
        """Give the new file the owner and the mode of the old one; a file that is new has those of the user."""
        if self.before is None:
            temporary.chmod(0o666 & ~_umask())
            return
        old = self._target.stat()
        # Only root can give a file to another owner; with sudo it would become root's.
        with contextlib.suppress(OSError):
            os.chown(temporary, old.st_uid, old.st_gid)
        temporary.chmod(old.st_mode & 0o777)

    def _require_unchanged(self) -> None:
        if _content(self._target) != self.before:
            raise self._changed()

    def _replace_by(self, temporary: Path) -> None:
        if self.before is None:
            try:
                # Unlike a rename, a hard link fails when another program created the file meanwhile.
                self._target.hardlink_to(temporary)
            except FileExistsError as error:
                raise self._changed() from error
            except OSError:
                # The file system has no hard links; only the comparison above protects the file.
                temporary.replace(self._target)
        else:
            temporary.replace(self._target)

    def _changed(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self._path} was changed by another program meanwhile: nothing was written, run the command again."
        )


@contextmanager
def edited(path: Path) -> Iterator[Edit]:
    """Edit a file while other commands that edit files in its folder wait.

    Follows a link and edits the file it points to. Editors ignore the lock, so the file is compared before it is
    replaced. Raises ConfigurationError when the file exists and cannot be read.
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
        raise ConfigurationError(f"{why_unreadable(path, error)}.") from error


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock the folder itself, which leaves no lock file; the system releases the lock when the process ends."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        # Reading or writing the file reports the error of the folder.
        yield
        return
    try:
        with contextlib.suppress(OSError):
            # Some network file systems cannot lock folders; the comparison protects the file.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _umask() -> int:
    """Return the mask of new files, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _flush_folder(folder: Path) -> None:
    # Not every file system can flush folders; the file itself is flushed.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
