"""Configuration content by key: in a folder, in an environment's config bucket."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vectora_shared.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CANONICAL_PREFIX = "canonical/"


class Content(Protocol):
    """Read access to configuration content by key, such as `clients/lai_weekly.yaml`."""

    def read(self, key: str) -> bytes:
        """Return the file at `key`; raise ConfigurationError when there is none."""

    def keys(self, prefix: str) -> list[str]:
        """Return all keys below `prefix`, sorted."""


def why_unreadable(path: Path, error: OSError | RuntimeError) -> str:
    """Return why a file cannot be read and what to do, as a sentence without its end."""
    if isinstance(error, RuntimeError) or error.errno == errno.ELOOP:
        # Before Python 3.13, pathlib reports circular links as a RuntimeError.
        return f"{path} cannot be read, because it is a link that leads back to itself: correct the link"
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return f"{path} is a link to {path.readlink()}, where there is no file: correct the link"
    if isinstance(error, FileNotFoundError):
        return f"{path} is missing: add the file"
    return f"{path} cannot be read ({error.strerror or error}): correct its permissions, or name another file"


class FolderContent:
    """Configuration content in a folder, such as the repository's `config/`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, key: str) -> bytes:
        path = self._root / key
        try:
            if path.is_symlink() and not path.resolve(strict=True).is_relative_to(self._root.resolve()):
                raise ConfigurationError(
                    f"{path} is a link to {path.readlink()}, outside of {self._root}, where neither git nor a release "
                    "has it: put the file itself in its place."
                )
            return path.read_bytes()
        except (OSError, RuntimeError) as error:
            raise ConfigurationError(f"{why_unreadable(path, error)}.") from error

    def keys(self, prefix: str) -> list[str]:
        # A link that leads nowhere is a file that cannot be read, and no absent file.
        every = self._root.rglob("*")
        files = (path for path in every if path.is_file() or (path.is_symlink() and not path.exists()))
        paths = (path.relative_to(self._root) for path in files)
        # Hidden files belong to editors and file managers; they are not published.
        keys = (path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
        return sorted(key for key in keys if key.startswith(prefix))


class BucketContent:
    """Configuration content as published to an environment's config bucket."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def read(self, key: str) -> bytes:
        # Imported here because content in a folder, such as that of a synth, needs no client of AWS.
        from botocore.exceptions import ClientError

        from vectora_shared.aws import read_object
        from vectora_shared.aws_errors import is_absent

        try:
            return read_object(self._s3, Bucket=self._bucket, Key=key).body
        except ClientError as error:
            if not is_absent(error, "object"):
                raise
            raise ConfigurationError(
                f"s3://{self._bucket}/{key} is missing: deploy the release again, which publishes it."
            ) from error

    def keys(self, prefix: str) -> list[str]:
        from vectora_shared.storage import Bucket

        return Bucket(self._s3, self._bucket).keys(prefix)


class ContentWithFile:
    """Other content with one file replaced or added."""

    def __init__(self, content: Content, key: str, body: bytes) -> None:
        self._content = content
        self._key = key
        self._body = body

    def read(self, key: str) -> bytes:
        return self._body if key == self._key else self._content.read(key)

    def keys(self, prefix: str) -> list[str]:
        mine = [self._key] if self._key.startswith(prefix) else []
        return sorted({*self._content.keys(prefix), *mine})
