"""References of a configuration file to names that other files define."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from vectora_shared.config.characters import escaped
from vectora_shared.config.configuration import (
    BONUS_SCOPE_KINDS,
    DOMAIN_SCOPES,
    PROMPTS_PREFIX,
    SCOPE_KEYS,
    SOURCES_KEY,
    Canonical,
    ScopeKind,
    Scopes,
)
from vectora_shared.config.scopes import NameScopes
from vectora_shared.config.wording import Path, first_problems, nearest
from vectora_shared.config.yaml_file import YamlFile

EACH = "*"


@dataclass(frozen=True)
class Reference:
    """A name in one file that another file must define."""

    path: Path
    name: str
    defined_in: str
    known: Collection[str]
    empty: bool = False
    may_be_new: bool = False  # advice to add the name fits better than a name that is not alike


def client_references(file: YamlFile, canonical: Canonical) -> Iterator[Reference]:
    """Yield the names in a client's file, which may have other problems: those are reported at the same time."""
    for path, name in _names(file, "pipeline", "analysis_prompt"):
        yield Reference(path, name, PROMPTS_PREFIX, canonical.prompts)
    for field, kind in DOMAIN_SCOPES.items():
        for path, name in _names(file, "watch_domains", EACH, field):
            yield _scope_reference(canonical.scopes, path, name, kind)
    for path, name in _names(file, "watch_domains", EACH, "exclusion_scopes", EACH):
        yield _scope_reference(canonical.scopes, path, name, "exclusions")
    bouquets = [bouquet.bouquet_id for bouquet in canonical.sources.bouquets]
    for path, name in _names(file, "source_config", "source_bouquets_enabled", EACH):
        yield Reference(path, name, SOURCES_KEY, bouquets)
    keys = [source.source_key for source in canonical.sources.sources]
    for path, name in _names(file, "source_config", "sources_extra_enabled", EACH):
        yield Reference(path, name, SOURCES_KEY, keys)
    for path, name in _names(file, "scoring_config", "client_specific_bonuses", EACH, "scope"):
        yield _bonus_reference(canonical.scopes, path, name)


def _names(file: YamlFile, *pattern: str) -> Iterator[tuple[Path, str]]:
    """Yield path and text of each value at a path in which EACH stands for every key or entry."""
    found: list[tuple[Path, Any]] = [((), file.data)]
    for part in pattern:
        found = [((*path, key), value) for path, outer in found for key, value in _inner(outer, part)]
    yield from ((path, value) for path, value in found if isinstance(value, str) and path not in file.wrong)


def _inner(value: Any, part: str) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items() if part == EACH else [(part, value[part])] if part in value else ()
    return enumerate(value) if isinstance(value, tuple) and part == EACH else ()


def source_references(file: YamlFile, companies: NameScopes) -> Iterator[Reference]:
    """Yield the companies in the catalogue: of one that no scope has, no item would be about it.

    Each spelling of a name counts, so that a rename in the scopes leaves the catalogue valid.
    """
    in_scopes = dict.fromkeys(name for scope in companies.scopes.values() for name in scope.names)
    names = [*in_scopes, *(alias for name in in_scopes for alias in companies.aliases.get(name, ()))]
    for path, name in _names(file, "sources", EACH, "company"):
        yield Reference(path, name, SCOPE_KEYS["companies"], names, may_be_new=True)


def scoring_references(canonical: Canonical) -> Iterator[Reference]:
    for name, bonus in canonical.scoring.bonuses.scopes.items():
        yield _bonus_reference(canonical.scopes, ("bonuses", "scopes", name, "scope"), bonus.scope)


def _scope_reference(scopes: Scopes, path: Path, name: str, kind: ScopeKind) -> Reference:
    known = getattr(scopes, kind).scopes
    return Reference(path, name, SCOPE_KEYS[kind], known, empty=name in known and scopes.is_empty(kind, name))


def _bonus_reference(scopes: Scopes, path: Path, name: str) -> Reference:
    """Return the reference of a bonus to its scope, which may be one of companies, molecules or trademarks."""
    for kind in BONUS_SCOPE_KINDS:
        if name in getattr(scopes, kind).scopes:
            return _scope_reference(scopes, path, name, kind)
    known = [known for kind in BONUS_SCOPE_KINDS for known in getattr(scopes, kind).scopes]
    return Reference(path, name, " or ".join(SCOPE_KEYS[kind] for kind in BONUS_SCOPE_KINDS), known)


def unresolved(file: Callable[[], YamlFile], references: Iterable[Reference]) -> list[str]:
    """Return a message on each reference that does not resolve or leads to an empty scope, with its place in `file`."""
    wrong = [reference for reference in references if reference.empty or reference.name not in reference.known]
    if not wrong:
        return []
    parsed = file()
    return first_problems(escaped(_unresolved_sentence(parsed, reference)) for reference in wrong)


def _unresolved_sentence(file: YamlFile, reference: Reference) -> str:
    where = f"{file.where(reference.path)} names '{reference.name}'"
    if reference.empty:
        return f"{where}, which is empty in {reference.defined_in}: fill it there or do not use it."
    similar = nearest(reference.name, reference.known, cutoff=0.5 if reference.may_be_new else 0)
    advice = f"did you mean '{similar}'?" if similar else "add it there."
    return f"{where}, which {reference.defined_in} does not have: {advice}"
