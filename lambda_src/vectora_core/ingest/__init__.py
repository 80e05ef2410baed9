"""Stage ingest: feeds and news pages of the sources become one file of dated, deduplicated items per day."""
