"""Expected kinds of values in an old client file."""

from __future__ import annotations

from client_files.migration.draft import Draft, display_value
from vectora_shared.config.wording import Path

MAPPING = "a mapping of keys"
_MAPPINGS = (
    "client_profile",
    "pipeline",
    "source_config",
    "source_config.content_filters",
    "matching_config",
    "matching_config.domain_type_thresholds",
    "scoring_config",
    "scoring_config.event_type_weight_overrides",
    "scoring_config.client_specific_bonuses",
    "newsletter_selection",
    "newsletter_selection.deduplication",
    "newsletter_layout",
    "metadata",
)
_LISTS = (
    "watch_domains",
    "source_config.source_bouquets_enabled",
    "source_config.sources_extra_enabled",
    "source_config.content_filters.exclude_patterns",
    "source_config.content_filters.exclude_titles",
    "newsletter_selection.critical_event_types",
    "newsletter_layout.sections",
)
_LISTS_OF_MAPPINGS = ("watch_domains", "newsletter_layout.sections")
_BONUSES = ("scoring_config", "client_specific_bonuses")


def check_shapes(draft: Draft) -> None:
    """Add a problem for each value of another kind than the rules expect."""
    for name in _MAPPINGS:
        _expect(draft, tuple(name.split(".")), dict, MAPPING)
    for name in _LISTS:
        _expect(draft, tuple(name.split(".")), list, "a list")
    for name in _LISTS_OF_MAPPINGS:
        path = tuple(name.split("."))
        for index in range(len(draft.entries(*path))):
            _expect(draft, (*path, index), dict, MAPPING, may_be_empty=False)
    for name in draft.keys(*_BONUSES):
        _expect(draft, (*_BONUSES, name), dict, MAPPING, may_be_empty=False)


def _expect(draft: Draft, path: Path, kind: type, words: str, *, may_be_empty: bool = True) -> None:
    value = draft.get(*path)
    if not (isinstance(value, kind) or (may_be_empty and value is None)):
        draft.problem(path, f"has the value {display_value(value)}: {words} is required.")
