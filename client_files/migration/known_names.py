"""Names that client files may use: scopes, bouquets, sources, prompts and bonuses of the canonical files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from vectora_shared.config.configuration import SCOPE_KEYS, Canonical, ScopeKind
from vectora_shared.config.wording import nearest


@dataclass(frozen=True)
class KnownNames:
    scopes: Mapping[ScopeKind, Sequence[str]]
    bouquets: Sequence[str]
    sources: Sequence[str]
    prompts: Sequence[str]
    bonus_of_scope: Mapping[str, str]


def known_names(canonical: Canonical) -> KnownNames:
    return KnownNames(
        scopes={kind: list(getattr(canonical.scopes, kind).scopes) for kind in SCOPE_KEYS},
        bouquets=[bouquet.bouquet_id for bouquet in canonical.sources.bouquets],
        sources=[source.source_key for source in canonical.sources.sources],
        prompts=list(canonical.prompts),
        bonus_of_scope={bonus.scope: name for name, bonus in canonical.scoring.bonuses.scopes.items()},
    )


def closest_hint(name: str, known: Collection[str]) -> str:
    """Return a hint on the closest known name, to end a sentence with."""
    found = nearest(name, known, cutoff=0)
    return f"did you mean '{found}'?" if found else "no known name is similar."


def similar(name: str, known: Collection[str]) -> str:
    """Return a hint on a similar known name, to append to a reason; empty if none is similar."""
    found = nearest(name, known, cutoff=0.6)
    return f" (similar: '{found}')" if found else ""


def first_word(name: str) -> str:
    """Return the prefix that names of one subject share, such as lai of lai_keywords."""
    return name.split("_")[0]
