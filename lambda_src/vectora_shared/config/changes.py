"""Changes between two versions of a client's file, and the bump of its semantic version that they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from vectora_shared.config.client import ClientConfig
from vectora_shared.config.wording import Path, dotted
from vectora_shared.keys import client_key

Bump = Literal["patch", "minor", "major"]
BUMPS: tuple[Bump, ...] = ("patch", "minor", "major")
# Texts for people: they decide about no item.
_TEXTS = {("client_profile", "name"), ("client_profile", "language")}
_TEXTS_OF_SECTIONS = {"title"}
# The version itself and its changelog.
_VERSION = {("client_profile", "version"), ("metadata", "config_version"), ("metadata", "changelog")}
# Entries of these lists are identified by one of their keys, regardless of their position.
_KEYS_OF_LISTS: Mapping[Path, str] = {("watch_domains",): "id", ("newsletter_layout", "sections"): "id"}

BUMPS_IN_WORDS: Mapping[Bump, str] = {
    "major": "major (items appear or disappear by a scope or section, or something was removed)",
    "minor": "minor (something was added or another setting changed)",
    "patch": "a patch (texts, comments or layout)",
}


@dataclass(frozen=True)
class Change:
    """One value that differs; `before` is None for an added value, `after` for a removed one.

    `path` names entries of lists by their id, such as newsletter_layout.sections.others.max_items.
    """

    path: str
    before: Any
    after: Any
    bump: Bump

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def changes_between(before: ClientConfig, after: ClientConfig) -> tuple[Change, ...]:
    """Return every value that differs, except the version and its changelog."""
    return tuple(_changes((), before.model_dump(), after.model_dump()))


def needed_bump(before: ClientConfig, after: ClientConfig) -> Bump:
    """Return which part of the version must be raised.

    Major when items would appear or disappear because a scope or a section changed or something was removed; minor for
    additions, for delivery and for other settings; patch for texts, and when only comments and layout differ.
    """
    bumps: set[Bump] = {change.bump for change in changes_between(before, after)}
    return max(bumps, key=BUMPS.index, default="patch")


def bumped(version: str, bump: Bump) -> str:
    """Return the next version, such as 7.1.0 after 7.0.3 for a minor bump."""
    major, minor, patch = parsed_version(version)
    return {"major": f"{major + 1}.0.0", "minor": f"{major}.{minor + 1}.0", "patch": f"{major}.{minor}.{patch + 1}"}[
        bump
    ]


def parsed_version(version: str) -> tuple[int, int, int]:
    """Return the three numbers of a semantic version, by which versions compare."""
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)


def moved_far_enough(before: str, after: str, bump: Bump) -> bool:
    """Return whether `after` is at least the version that `bump` makes of `before`."""
    return parsed_version(after) >= parsed_version(bumped(before, bump))


def version_problem(before: ClientConfig, after: ClientConfig, compared_with: str) -> str | None:
    """Return the problem of a changed file whose version was not raised far enough, or None.

    `compared_with` names in words where the file `before` is.
    """
    there, here = before.client_profile.version, after.client_profile.version
    bump = needed_bump(before, after)
    if moved_far_enough(there, here, bump):
        return None
    client_id = after.client_profile.client_id
    how = f"is still {here}" if here == there else f"is {here}, after {there} there"
    return (
        f"{client_key(client_id)} differs from {compared_with} and its version {how}: "
        f"the change is {BUMPS_IN_WORDS[bump]}, so it "
        f"must be {bumped(there, bump)} or later (./vectora client bump {client_id} --{bump} -m REASON)."
    )


def _changes(path: Path, before: Any, after: Any) -> Iterator[Change]:
    if path in _VERSION or before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _changed_entries(path, before, after)
    elif isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        yield from _changed_entries(path, _by_key(path, before), _by_key(path, after))
    else:
        yield Change(dotted(path), _plain(before), _plain(after), _bump(path, before, after))


def _changed_entries(path: Path, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterator[Change]:
    for key in dict.fromkeys((*before, *after)):
        yield from _changes((*path, key), before.get(key), after.get(key))


def _by_key(path: Path, entries: Any) -> dict[Any, Any]:
    key = _KEYS_OF_LISTS.get(path)
    return {entry[key] if key else entry: entry for entry in entries}


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _bump(path: Path, before: Any, after: Any) -> Bump:
    if path in _TEXTS:
        return "patch"
    in_section = path[:2] == ("newsletter_layout", "sections")
    if in_section and path[-1] in _TEXTS_OF_SECTIONS:
        return "patch"
    if path[0] == "delivery":
        # Readers come and go; they decide about no item.
        return "minor"
    if after is None:
        return "major"
    in_domain = path[0] == "watch_domains"
    if (in_domain or in_section) and not (before is None and _is_new_entry(path)):
        return "major"
    return "minor"


def _is_new_entry(path: Path) -> bool:
    """Return whether the path leads to a whole watch domain or section, not to a part of one."""
    return path[:-1] in _KEYS_OF_LISTS
