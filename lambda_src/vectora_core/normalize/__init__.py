"""Stage normalize-score: ingested items become curated items, which are analyzed, matched and scored."""
