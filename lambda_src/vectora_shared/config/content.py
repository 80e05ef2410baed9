"""Configuration content by key: in a folder, in an environment's config bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from vectora_shared.aws import read_object
from vectora_shared.aws_errors import is_absent
from vectora_shared.errors import ConfigurationError
from vectora_shared.storage import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CANONICAL_PREFIX = "canonical/"


class Content(Protocol):
    """Read access to configuration content by key, such as `clients/lai_weekly.yaml`."""

    def read(self, key: str) -> bytes:
        """Return the file at `key`; raise ConfigurationError when there is none."""

    def keys(self, prefix: str) -> list[str]:
        """Return all keys below `prefix`, sorted."""


class FolderContent:
    """Configuration content in a folder, such as the repository's `config/`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, key: str) -> bytes:
        try:
            return (self._root / key).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{self._root / key} is missing: add the file.") from error

    def keys(self, prefix: str) -> list[str]:
        paths = (path.relative_to(self._root) for path in self._root.rglob("*") if path.is_file())
        # Hidden files belong to editors and file managers; they are not published.
        keys = (path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
        return sorted(key for key in keys if key.startswith(prefix))


class BucketContent:
    """Configuration content as published to an environment's config bucket."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def read(self, key: str) -> bytes:
        try:
            return read_object(self._s3, Bucket=self._bucket, Key=key).body
        except ClientError as error:
            if not is_absent(error, "object"):
                raise
            raise ConfigurationError(
                f"s3://{self._bucket}/{key} is missing: deploy the release again, which publishes it."
            ) from error

    def keys(self, prefix: str) -> list[str]:
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
