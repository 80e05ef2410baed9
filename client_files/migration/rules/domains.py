"""Rules for watch_domains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from client_files.migration.draft import Draft
from client_files.migration.known_names import first_word
from client_files.migration.old_fields import reason_for_dropping
from vectora_shared.config.configuration import DOMAIN_SCOPES
from vectora_shared.config.wording import Path

_UNCHANGED = ("id", "enabled", *DOMAIN_SCOPES)


def apply_domain_rules(draft: Draft) -> None:
    domains = draft.entries("watch_domains")
    if not domains:
        draft.problem(("watch_domains",), "is missing: a newsletter needs at least one domain.")
    for index, domain in enumerate(domains):
        path: Path = ("watch_domains", index)
        for field in _UNCHANGED:
            draft.carry((*path, field))
        for field, kind in DOMAIN_SCOPES.items():
            draft.check_scope((*path, field), [kind])
        technology = _technology_scope(draft, path, domain, domains)
        if technology:
            _add_scopes(draft, path, domain, first_word(technology))
            _replace_exclusions(draft, path)


def _technology_scope(
    draft: Draft, path: Path, domain: dict[str, Any], domains: Sequence[dict[str, Any]]
) -> str | None:
    """Return the domain's technology scope, after adding one if it has none.

    The engine recognises nothing without it.
    """
    field: Path = (*path, "technology_scope")
    if domain.get("technology_scope") is not None:
        return str(domain["technology_scope"])
    known = draft.known.scopes["technologies"]
    prefixes = {first_word(str(domain[name])) for name in DOMAIN_SCOPES if domain.get(name)}
    siblings = [str(other["technology_scope"]) for other in domains if other.get("technology_scope")]
    found = [name for name in (*siblings, *known) if name in known and (first_word(name) in prefixes)]
    found = found or [name for name in siblings if name in known]
    if not found:
        draft.problem(field, f"is missing: add one of {', '.join(known)}, or remove the domain.")
        return None
    draft.add(field, found[0], "a domain is recognised by a technology's words", after="id")
    return found[0]


def _add_scopes(draft: Draft, path: Path, domain: dict[str, Any], prefix: str) -> None:
    companies = draft.known.scopes["companies"]
    trademarks = draft.known.scopes["trademarks"]
    if domain.get("core_company_scope") is None:
        if scope := _pure_player_scope(draft, companies):
            reason = "the scope of the bonus for pure players: their deals, approvals and trials always count"
            draft.add((*path, "core_company_scope"), scope, reason, after="company_scope")
        elif scope := _core_scope(companies, prefix):
            reason = f"canonical's core companies of {prefix}: their deals, approvals and trials always count"
            draft.add((*path, "core_company_scope"), scope, reason, after="company_scope")
    if domain.get("core_trademark_scope") is None and (scope := _core_scope(trademarks, prefix)):
        reason = f"canonical's core brands of {prefix}: the name alone identifies the subject"
        draft.add((*path, "core_trademark_scope"), scope, reason, after="trademark_scope")
    indications = f"{prefix}_indications_global"
    if domain.get("indication_scope") is None and indications in draft.known.scopes["indications"]:
        draft.add(
            (*path, "indication_scope"),
            indications,
            "the old engine searched every client's items for indications",
            after=_last_scope(draft, path),
        )


def _replace_exclusions(draft: Draft, path: Path) -> None:
    exclusions: Path = (*path, "exclusion_scopes")
    for field in draft.decisions.below(exclusions):
        draft.decisions.drop(field, reason_for_dropping(field))
    draft.add(
        exclusions,
        list(draft.known.scopes["exclusions"]),
        "the old engine applied all exclusions to every client",
        after=_last_scope(draft, path),
    )


def _last_scope(draft: Draft, path: Path) -> str | None:
    """Return the domain's last scope key, after which another scope is written."""
    return next((name for name in reversed(DOMAIN_SCOPES) if draft.text.has((*path, name))), None)


def _pure_player_scope(draft: Draft, companies: Sequence[str]) -> str | None:
    bonuses = draft.get("scoring_config", "client_specific_bonuses") or {}
    scopes = (bonus.get("scope") for name, bonus in bonuses.items() if name.startswith("pure_player"))
    return next((scope for scope in scopes if scope in companies), None)


def _core_scope(scopes: Iterable[str], prefix: str) -> str | None:
    return next((name for name in scopes if name.startswith(f"{prefix}_") and name.endswith("_core")), None)
