"""Part of a client file's version that its changes move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vectora_shared.config.changes import (
    BUMPS,
    BUMPS_IN_WORDS,
    Bump,
    bumped,
    changes_between,
    moved_far_enough,
    needed_bump,
)
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_file
from vectora_shared.errors import ConfigurationError

CHOOSE = "choose the next version with exactly one of --major, --minor and --patch"
MOST_NAMED = 3


@dataclass(frozen=True)
class EarlierFile:
    """A client's file as of a commit; `name` says in words where it is."""

    name: str
    body: bytes


@dataclass(frozen=True)
class _Requirement:
    """An earlier file that differs, and the part of the version that the difference moves."""

    name: str
    version: str
    bump: Bump
    keys: tuple[str, ...]

    def is_met_by(self, version: str) -> bool:
        return moved_far_enough(self.version, version, self.bump)

    @property
    def sentence(self) -> str:
        """The requirement as the end of a sentence."""
        named = ", ".join(self.keys[:MOST_NAMED]) + (", ..." if len(self.keys) > MOST_NAMED else "")
        changed = f": {named}" if named else ""
        return (
            f"it differs from {self.name}, which has version {self.version}, and the change is "
            f"{BUMPS_IN_WORDS[self.bump]}{changed}; it must be {bumped(self.version, self.bump)} or later"
        )


def chosen_bump(
    name: str, client: ClientConfig, body: bytes, wish: Bump | None, earlier: Sequence[EarlierFile]
) -> Bump:
    """Return the wished part of the version, or without a wish the lowest one that the changes require.

    Raises ConfigurationError when the wished one is too low, or when there is nothing to derive it from.
    """
    requirements = list(_requirements(client, body, earlier))
    if wish is None and not requirements:
        compared = " and ".join(file.name for file in earlier)
        reason = f"{name} is as in {compared}" if compared else f"There is no earlier version to compare {name} with"
        raise ConfigurationError(f"{reason}: {CHOOSE}.")
    before = client.client_profile.version
    enough = [bump for bump in BUMPS if all(each.is_met_by(bumped(before, bump)) for each in requirements)]
    if wish is None and enough:
        return enough[0]
    if wish in enough:
        return wish
    version = bumped(before, wish or "major")
    unmet = next(each for each in requirements if not each.is_met_by(version))
    advice = f"use --{enough[0]}" if enough else f"set the version to {unmet.version} first"
    raise ConfigurationError(f"{name} would have version {version}, but {unmet.sentence}: {advice}.")


def _requirements(client: ClientConfig, body: bytes, earlier: Sequence[EarlierFile]) -> Iterator[_Requirement]:
    for file in earlier:
        if file.body == body:
            continue
        try:
            before = read_file(ClientConfig, file.name, file.body)
        except ConfigurationError:
            # A file of an earlier schema: its changes cannot be classified.
            continue
        bump = needed_bump(before, client)
        keys = tuple(change.path for change in changes_between(before, client) if change.bump == bump)
        yield _Requirement(file.name, before.client_profile.version, bump, keys)
