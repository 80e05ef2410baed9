"""Rules for source_config."""

from __future__ import annotations

from client_files.migration.draft import Draft
from vectora_shared.config.configuration import SOURCES_KEY
from vectora_shared.config.wording import Path


def apply_source_rules(draft: Draft) -> None:
    bouquets: Path = ("source_config", "source_bouquets_enabled")
    missing = f"{SOURCES_KEY} has no bouquet of this name"
    draft.carry_known_names(bouquets, draft.known.bouquets, missing, needs_one=True)
    sources: Path = ("source_config", "sources_extra_enabled")
    draft.carry_known_names(sources, draft.known.sources, f"{SOURCES_KEY} has no source of this name")
    _excluded_titles(draft)


def _excluded_titles(draft: Draft) -> None:
    old: Path = ("source_config", "content_filters", "exclude_patterns")
    new: Path = ("source_config", "content_filters", "exclude_titles")
    draft.carry_known_names(new, None, "")
    if draft.get(*old) is None:
        return
    if draft.get(*new) is not None:
        draft.decisions.drop_below(old, "exclude_titles is there too, and takes precedence")
        return
    draft.carry_known_names(old, None, "", to=new, reason="entries with exactly such a title are not ingested")
    if draft.decisions.is_in_new_file(old):
        draft.rename_key(old, "exclude_titles")
