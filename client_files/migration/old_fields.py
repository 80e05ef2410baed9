"""Fields of the client files v3 to v17 that no longer say anything, and why."""

from __future__ import annotations

from vectora_shared.config.wording import Path

NOBODY_READS = "no release of the engine reads it"
ANY = "*"
_ONE_STORY = "of items that tell one story a critical event stays, then the company's own report, then the higher score"
# The first row that fits a field, or a part of the file that it lies in, gives the reason.
_REASONS: tuple[tuple[str, str], ...] = (
    ("client_profile.tone", "nothing wrote in a tone: summaries come from the model's prompt"),
    ("client_profile.voice", "nothing wrote in a voice: summaries come from the model's prompt"),
    ("client_profile.target_audience", "nothing wrote for an audience: summaries come from the model's prompt"),
    ("client_profile.template_version", "client_profile.version takes its place"),
    ("pipeline.newsletter_mode", "the newsletter is always made from the items of its day"),
    ("bedrock_config.normalization_prompt", "pipeline.analysis_prompt names the one prompt there is"),
    ("bedrock_config.matching_prompt", "one call analyzes and matches an item, with pipeline.analysis_prompt"),
    ("bedrock_config.domain_scoring_prompt", "one call analyzes and matches an item, with pipeline.analysis_prompt"),
    ("bedrock_config.enable_domain_scoring", "relevance for a domain is always scored"),
    ("bedrock_config.editorial_prompt", "the model writes no editorial: the newsletter has the items' summaries"),
    ("bedrock_config", "models and their regions are settings of the environment (config/environments.yaml)"),
    ("watch_domains.*.type", "all domains are matched in the same way"),
    ("watch_domains.*.priority", "domains have no order: an item counts by its best one"),
    ("watch_domains.*.technology_profile", "how strong a sign is stands in canonical/scoring/evidence.yaml"),
    ("watch_domains.*.matching_profile", "matching_config.min_domain_score decides"),
    ("watch_domains.*.exclusion_scope", "exclusion_scopes has all of canonical's"),
    ("watch_domains.*.exclusion_scopes", "exclusion_scopes has all of canonical's"),
    ("source_config.bouquet_ingestion_overrides", "how a source is read stands in its entry of the source catalog"),
    ("source_config.ingestion_overrides", "how a source is read stands in its entry of the source catalog"),
    ("ingestion_overrides", "how a source is read stands in its entry of the source catalog"),
    (
        "source_config.content_filters.min_word_count",
        "short items stay in: many feeds carry a title and one sentence, and noise is known by exclusion scopes",
    ),
    ("matching_config.min_confidence_level", "confidence is part of the score, there are no levels of it"),
    ("matching_config.enable_fallback_mode", "an item below min_domain_score is not matched by anything else"),
    ("matching_config.fallback_min_score", "an item below min_domain_score is not matched by anything else"),
    ("matching_config.fallback_max_domains", "an item below min_domain_score is not matched by anything else"),
    ("matching_config.fallback_company_scopes", "core_company_scope says whose news always counts"),
    ("matching_config.max_domains_per_item", "an item belongs to every domain that it matches"),
    ("matching_config.require_high_confidence_for_multiple", "an item belongs to every domain that it matches"),
    ("matching_config.enable_diagnostic_mode", "reports always say why an item was matched or left out"),
    ("matching_config.store_rejection_reasons", "reports always say why an item was matched or left out"),
    ("matching_config.default_matching_mode", "modes are given to a run (scoring_mode), not to a client"),
    ("matching_config.domain_type_overrides", "how strong a sign is stands in canonical/scoring/evidence.yaml"),
    ("matching_config.trademark_privileges", "core_trademark_scope says which brands are enough by themselves"),
    ("matching_config.domain_type_thresholds", "no enabled domain has this type"),
    ("scoring_config.selection_overrides", "newsletter_selection decides"),
    (
        "newsletter_selection.trimming_policy",
        "a newsletter that is too long keeps critical events first, then the higher scores",
    ),
    ("newsletter_selection.deduplication.enabled", "deduplication is always on; similarity_threshold says how strict"),
    (
        "newsletter_selection.deduplication.prefer_critical_events",
        _ONE_STORY,
    ),
    (
        "newsletter_selection.deduplication.prefer_higher_score",
        _ONE_STORY,
    ),
    (
        "newsletter_selection.deduplication.company_based_dedup",
        "one story is known by the words of its title, whatever the company",
    ),
    ("newsletter_layout.distribution_strategy", "sections are filled in the order of their priority"),
    ("newsletter_layout.sections.*.source_domains", "sections choose by event type, from all matched items"),
    ("newsletter_layout.sections.*.filter_domains", "sections choose by event type, from all matched items"),
    ("newsletter_delivery.format", "every newsletter is written as Markdown, HTML and JSON"),
    ("newsletter_delivery.include_tldr", "the newsletter has no such part"),
    ("newsletter_delivery.include_intro", "the newsletter has no such part"),
    ("newsletter_delivery.include_metrics", "all metrics are in the manifest"),
    ("newsletter_delivery.metrics_config", "all metrics are in the manifest"),
    ("newsletter_delivery.delivery_method", "newsletters lie in the newsletters bucket, and nowhere else"),
    ("newsletter_delivery.notification_email", "nothing sends mail; alarms go to the operators' topic"),
    ("newsletter_delivery", "newsletters lie in the newsletters bucket, and nothing is sent"),
    ("metadata.template_version", "the changelog has it"),
    ("metadata.created_date", "the changelog has the date of the version"),
    ("metadata.last_modified", "the changelog has the date of the version"),
    ("metadata.created_by", "the changelog has the story of the version"),
    ("metadata.creation_notes", "the changelog has the objective; the rest was the steps of one change"),
    ("metadata.migration_notes", "they are about one change of this file; the changelog has its versions"),
    ("metadata.min_runtime_version", "engine and client files are released together"),
    ("metadata.canonical_version", "canonical content and client files are released together"),
    ("metadata.vertical", "watch_domains say what is watched"),
    ("metadata.target_market", "watch_domains say what is watched"),
    ("metadata.coverage_scope", "watch_domains and sources say what is covered"),
    ("metadata.documentation_links", "documentation is in docs/ of the repository"),
    ("documentation_links", "documentation is in docs/ of the repository"),
    ("migration_notes", "they are about one change of this file; the changelog has its versions"),
)


def reason_for_dropping(path: Path) -> str:
    """Why a field that does not reach the new file says nothing any more."""
    for pattern, reason in _REASONS:
        parts = pattern.split(".")
        if len(parts) <= len(path) and all(_fits(part, name) for part, name in zip(parts, path, strict=False)):
            return reason
    return NOBODY_READS


def _fits(pattern: str, part: str | int) -> bool:
    return isinstance(part, int) if pattern == ANY else part == pattern
