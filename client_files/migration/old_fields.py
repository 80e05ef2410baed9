"""Fields that only client files of an old form have, and the reasons why the new file does not have them."""

from __future__ import annotations

from client_files.migration.current_fields import is_current_field
from vectora_shared.config.wording import Path

NOT_READ = "no release of the engine reads it"
ANY = "*"
_DUPLICATES = "of duplicates a critical event is kept first, then the company's own report, then the higher score"
_DELIVERY = "delivery names sender and readers, and the environment decides whether it sends"
# The first row that matches a field, or one of its parents, gives the reason.
_REASONS: tuple[tuple[str, str], ...] = (
    ("client_profile.tone", "no release used a tone: the model's prompt determines the summaries"),
    ("client_profile.voice", "no release used a voice: the model's prompt determines the summaries"),
    ("client_profile.target_audience", "no release used an audience: the model's prompt determines the summaries"),
    ("client_profile.template_version", "client_profile.version replaces it"),
    ("pipeline.newsletter_mode", "a newsletter always contains the items of its day"),
    ("bedrock_config.normalization_prompt", "pipeline.analysis_prompt names the only prompt"),
    ("bedrock_config.matching_prompt", "one call analyzes and matches an item, with pipeline.analysis_prompt"),
    ("bedrock_config.domain_scoring_prompt", "one call analyzes and matches an item, with pipeline.analysis_prompt"),
    ("bedrock_config.enable_domain_scoring", "domain relevance is always scored"),
    ("bedrock_config.editorial_prompt", "the model writes no editorial: the newsletter has the items' summaries"),
    ("bedrock_config", "models and their regions are settings of the environment (config/environments.yaml)"),
    ("watch_domains.*.type", "all domains are matched in the same way"),
    ("watch_domains.*.priority", "domains have no order: the best matching domain of an item counts"),
    ("watch_domains.*.technology_profile", "canonical/scoring/evidence.yaml defines the weight of evidence"),
    ("watch_domains.*.matching_profile", "matching_config.min_domain_score is the only threshold"),
    ("watch_domains.*.exclusion_scope", "exclusion_scopes lists all canonical exclusions"),
    ("watch_domains.*.exclusion_scopes", "exclusion_scopes lists all canonical exclusions"),
    ("source_config.bouquet_ingestion_overrides", "the source catalog defines how a source is read"),
    ("source_config.ingestion_overrides", "the source catalog defines how a source is read"),
    ("ingestion_overrides", "the source catalog defines how a source is read"),
    (
        "source_config.content_filters.min_word_count",
        "short items are kept: many feeds have a title and one sentence only, and exclusion scopes detect noise",
    ),
    ("matching_config.min_confidence_level", "confidence is part of the score and has no levels"),
    ("matching_config.enable_fallback_mode", "an item below min_domain_score is never matched"),
    ("matching_config.fallback_min_score", "an item below min_domain_score is never matched"),
    ("matching_config.fallback_max_domains", "an item below min_domain_score is never matched"),
    ("matching_config.fallback_company_scopes", "core_company_scope lists the companies whose news always counts"),
    ("matching_config.max_domains_per_item", "an item belongs to every domain that it matches"),
    ("matching_config.require_high_confidence_for_multiple", "an item belongs to every domain that it matches"),
    ("matching_config.enable_diagnostic_mode", "reports always say why an item was matched or excluded"),
    ("matching_config.store_rejection_reasons", "reports always say why an item was matched or excluded"),
    (
        "matching_config.default_matching_mode",
        "the scoring mode is an input of a run (scoring_mode), not a setting of a client",
    ),
    ("matching_config.domain_type_overrides", "canonical/scoring/evidence.yaml defines the weight of evidence"),
    ("matching_config.trademark_privileges", "core_trademark_scope lists the brands that are sufficient evidence"),
    ("matching_config.domain_type_thresholds", "no enabled domain has this type"),
    ("scoring_config.selection_overrides", "newsletter_selection has these settings"),
    (
        "newsletter_selection.trimming_policy",
        "a newsletter over its limit keeps critical events first, then higher scores",
    ),
    (
        "newsletter_selection.deduplication.enabled",
        "deduplication is always on; similarity_threshold sets its strictness",
    ),
    (
        "newsletter_selection.deduplication.prefer_critical_events",
        _DUPLICATES,
    ),
    (
        "newsletter_selection.deduplication.prefer_higher_score",
        _DUPLICATES,
    ),
    (
        "newsletter_selection.deduplication.company_based_dedup",
        "duplicates are found by the words of their titles, for all companies",
    ),
    ("newsletter_layout.distribution_strategy", "sections are filled in the order of their priority"),
    ("newsletter_layout.sections.*.source_domains", "sections select by event type from all matched items"),
    ("newsletter_layout.sections.*.filter_domains", "sections select by event type from all matched items"),
    ("newsletter_delivery.format", "every newsletter is written in all formats"),
    ("newsletter_delivery.include_tldr", "every newsletter with enough items begins with them in brief"),
    ("newsletter_delivery.include_intro", "the newsletter has no such section"),
    ("newsletter_delivery.include_metrics", "all metrics are in the manifest"),
    ("newsletter_delivery.metrics_config", "all metrics are in the manifest"),
    ("newsletter_delivery.delivery_method", _DELIVERY),
    ("newsletter_delivery.notification_email", "delivery.recipients names the readers; operators have a topic"),
    ("newsletter_delivery", _DELIVERY),
    ("metadata.template_version", "the changelog has it"),
    ("metadata.created_date", "the changelog has the date of the version"),
    ("metadata.last_modified", "the changelog has the date of the version"),
    ("metadata.created_by", "the changelog describes the version"),
    ("metadata.creation_notes", "the changelog has the objective; the rest describes the steps of one change"),
    ("metadata.migration_notes", "they describe one change of this file; the changelog has its versions"),
    ("metadata.min_runtime_version", "engine and client files are released together"),
    ("metadata.canonical_version", "canonical content and client files are released together"),
    ("metadata.vertical", "watch_domains define what is watched"),
    ("metadata.target_market", "watch_domains define what is watched"),
    ("metadata.coverage_scope", "watch_domains and sources define what is covered"),
    ("metadata.documentation_links", "documentation is in docs/ of the repository"),
    ("documentation_links", "documentation is in docs/ of the repository"),
    ("migration_notes", "they describe one change of this file; the changelog has its versions"),
)


# Fields that the new file has under another name.
_RENAMED = ("newsletter_selection.min_score_threshold", "source_config.content_filters.exclude_patterns")


def is_old_field(path: Path) -> bool:
    """Return whether only an old form has a field at this path; false for an unknown field, which may be a typo."""
    patterns = (*(pattern for pattern, _ in _REASONS), *_RENAMED)
    return not is_current_field(path) and any(_is_at_or_below(pattern, path) for pattern in patterns)


def reason_for_dropping(path: Path) -> str:
    """Return why the new file does not have a field."""
    return next((reason for pattern, reason in _REASONS if _is_at_or_below(pattern, path)), NOT_READ)


def _is_at_or_below(pattern: str, path: Path) -> bool:
    parts = pattern.split(".")
    return len(parts) <= len(path) and all(_fits(part, name) for part, name in zip(parts, path, strict=False))


def _fits(pattern: str, part: str | int) -> bool:
    return isinstance(part, int) if pattern == ANY else part == pattern
