"""Parts of an environment that are read one by one, so that one that may not be read stops no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from vectora_shared.aws_errors import is_denied
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

Found = TypeVar("Found")
Otherwise = TypeVar("Otherwise")


class Parts:
    """Reader that notes what could not be read, as clauses for people."""

    def __init__(self) -> None:
        self.unknown: list[str] = []

    def read(self, what: str, reads: Callable[[], Found], otherwise: Otherwise) -> Found | Otherwise:
        """Return what `reads` returns, or `otherwise` when the permission is missing or a record is damaged.

        An error of the connection is raised: every other part would meet it too.
        """
        try:
            return reads()
        except ClientError as error:
            reason = f"AWS denied {error.operation_name}" if is_denied(error) else plain(error)
        except VectoraError as error:
            reason = str(error)
        self.unknown.append(f"{what}: {reason.rstrip('.')}")
        return otherwise
