"""Rules that turn the fields of an old client file into those of the current form."""

from client_files.migration.draft import Draft
from client_files.migration.rules.domains import apply_domain_rules
from client_files.migration.rules.newsletter import apply_newsletter_rules
from client_files.migration.rules.profile import apply_profile_rules
from client_files.migration.rules.scoring import apply_scoring_rules
from client_files.migration.rules.sources import apply_source_rules
from client_files.migration.shapes import check_shapes

# Fields with the same meaning and the same path in the current form.
_UNCHANGED = (
    "client_profile.language",
    "client_profile.frequency",
    "client_profile.active",
    "pipeline.default_period_days",
    "matching_config.sure_domain_score",
    "newsletter_selection.max_items_total",
    "newsletter_selection.min_score",
    "newsletter_selection.deduplication.similarity_threshold",
    "newsletter_selection.deduplication.max_days_apart",
)


def apply_rules(draft: Draft) -> None:
    """Apply all rules to a draft; its problems name what a person must decide."""
    check_shapes(draft)
    if draft.problems:
        return
    for name in _UNCHANGED:
        draft.carry(tuple(name.split(".")))
    apply_profile_rules(draft)
    apply_domain_rules(draft)
    apply_source_rules(draft)
    apply_scoring_rules(draft)
    apply_newsletter_rules(draft)
