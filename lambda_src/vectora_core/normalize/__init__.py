"""Stage normalize-score: ingested items become analyzed, matched and scored items."""
