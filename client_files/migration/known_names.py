"""The names that client files may use: scopes, bouquets, sources, prompts and bonuses of the canonical content."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from vectora_shared.config import wording
from vectora_shared.config.configuration import SCOPE_KEYS, Canonical, ScopeKind


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


def nearest(name: str, known: Collection[str]) -> str:
    """A hint on the known name that is most like it."""
    found = wording.nearest(name, known, cutoff=0)
    return f"did you mean '{found}'?" if found else "there is none like it."


def similar(name: str, known: Collection[str]) -> str:
    """A hint on a known name that could be meant; empty where none is similar."""
    found = wording.nearest(name, known, cutoff=0.6)
    return f" (similar: '{found}')" if found else ""
