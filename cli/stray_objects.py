"""Objects of a config bucket that nothing reads: folder markers, copies, files of editors, names that look alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from vectora_shared.config.publication import PREFIXES, RECORD_KEY
from vectora_shared.keys import client_of_key

NAMED = 10


def stray_keys(keys: Iterable[str], published: Collection[str]) -> tuple[str, ...]:
    """Return the keys that are neither published, nor the record of it, nor those of clients.

    Before the first release nothing is published: then the files of the system that ran before are no stray objects.
    """
    return tuple(key for key in keys if key not in published and _is_stray(key, before_releases=not published))


def stray_sentence(bucket: str, strays: Collection[str]) -> str:
    """Return the start of a sentence that names stray objects, so that spaces and other scripts are seen."""
    named = ", ".join(ascii(key) for key in list(strays)[:NAMED])
    more = f" and {len(strays) - NAMED} more" if len(strays) > NAMED else ""
    return f"s3://{bucket} holds {named}{more}, which nothing reads"


def _is_stray(key: str, *, before_releases: bool) -> bool:
    if key == RECORD_KEY or client_of_key(key):
        return False
    is_file_of_the_earlier_system = before_releases and key.startswith(PREFIXES[0]) and not key.endswith("/")
    return not is_file_of_the_earlier_system
