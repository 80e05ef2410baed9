"""Metadata of S3 objects beside their bytes: headers, storage class and tags."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

# Headers that S3 stores with an object and returns as they were sent (S3 user guide, "Working with object metadata").
# Content-Type is recorded on its own.
STORED_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    "x-amz-website-redirect-location",
)
USER_METADATA = "x-amz-meta-"
TAG_COUNT = "x-amz-tagging-count"
# S3 names the class of an object only if it is another (API reference, HeadObject).
DEFAULT_CLASS = "STANDARD"
DEFAULT_CONTENT_TYPE = "binary/octet-stream"
# Tags of AWS services, which only these can write (S3 user guide, "Categorizing your storage using tags").
RESERVED_TAGS = "aws:"


def metadata_in(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that belong to an object, sorted by name, of all headers of a response in lower case.

    User metadata beyond ASCII stays in the form of RFC 2047 in which S3 returns it, and in which S3 takes it back.
    """
    names = (name for name in headers if name in STORED_HEADERS or name.startswith(USER_METADATA))
    return {name: header_text(headers[name]) for name in sorted(names)}


def header_text(value: str) -> str:
    """Return the text of a header: Python decodes its bytes as Latin-1, clients encode text as UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def other_class(storage_class: str | None) -> str | None:
    """Return a storage class, None for the default one."""
    return None if storage_class in (None, DEFAULT_CLASS) else storage_class


def headers_to_restore(
    content_type: str | None,
    metadata: Mapping[str, str] | None,
    storage_class: str | None,
    tags: Mapping[str, str] | None,
) -> dict[str, str]:
    """Return the headers of a write that stores an object with this metadata."""
    headers = {"Content-Type": content_type or DEFAULT_CONTENT_TYPE, **(metadata or {})}
    if storage_class:
        headers["x-amz-storage-class"] = storage_class
    if tags:
        headers["x-amz-tagging"] = urlencode(tags, quote_via=quote)
    return headers
