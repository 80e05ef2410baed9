"""Mapping of an unknown JSON document, guessed from the names of its keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from vectora_core.ingest.json_values import first_text, readable, search

JSON_FEED = "https://jsonfeed.org/version/"
_MAX_DEPTH = 5
_NAMES = {
    "title": ("title", "headline", "brieftitle", "subject", "name"),
    "link": ("url", "link", "permalink", "href", "weburl", "htmlurl", "externalurl"),
    "date": ("datepublished", "publishedat", "published", "pubdate", "publicationdate", "date", "createdat", "created",
             "updatedat", "updated"),
    "content": ("contenthtml", "contenttext", "content", "description", "summary", "abstract", "excerpt", "body",
                "text"),
    "id": ("id", "guid", "uid", "slug"),
}  # fmt: skip
_FEED = {
    "items": "items",
    "title": "title || content_text || content_html",
    "link": "url || external_url || id",
    "id": "id",
    "date": "date_published",
    "content": "content_html || content_text || summary",
    "author": "authors[].name",
    "tags": "tags",
    "next_page": {"address": "next_url"},
}


def is_json_feed(document: Any) -> bool:
    """Return whether a document is a JSON Feed (https://www.jsonfeed.org/version/1.1/)."""
    return isinstance(document, dict) and str(document.get("version", "")).startswith(JSON_FEED)


def guessed_mapping(document: Any) -> dict[str, Any] | None:
    """Return a mapping of the longest list of objects that have a title and a link, or None."""
    if is_json_feed(document):
        return dict(_FEED)
    best: tuple[int, dict[str, Any]] | None = None
    for path, entries in _lists(document, "", 0):
        mapping = _mapping(entries)
        if mapping and (best is None or len(entries) > best[0]):
            best = len(entries), {"items": path or "@", **mapping}
    return best[1] if best else None


def _lists(value: Any, path: str, depth: int) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value[:20]):
        yield path, value
    elif isinstance(value, dict) and depth < _MAX_DEPTH:
        for key, inner in list(value.items())[:100]:
            yield from _lists(inner, f"{path}.{_written(key)}" if path else _written(key), depth + 1)


def _mapping(entries: list[Any]) -> dict[str, Any] | None:
    paths = {part: found for part, names in _NAMES.items() if (found := _path(entries[:20], part, names))}
    return paths if "title" in paths and "link" in paths else None


def _path(entries: list[Any], part: str, names: tuple[str, ...]) -> str | None:
    """Return the path of a part that most of the entries have, by its usual names."""
    keys = list(dict.fromkeys(key for entry in entries for key in entry))
    by_name = {re.sub(r"[^a-z]", "", str(key).lower()): key for key in reversed(keys)}
    for name in names:
        if name not in by_name:
            continue
        # WordPress has each text as {"rendered": "..."} (https://developer.wordpress.org/rest-api/reference/posts/).
        for path in (_written(by_name[name]), f"{_written(by_name[name])}.rendered"):
            values = [search(path, entry) for entry in entries]
            if sum(_fits(part, value) for value in values) * 2 > len(entries):
                return path
    return None


def _fits(part: str, value: Any) -> bool:
    if part == "link":
        return re.match(r"https?://|/", first_text(value)) is not None
    return bool(readable(value))


def _written(key: str) -> str:
    """Return a key as a JMESPath identifier."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        return key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
