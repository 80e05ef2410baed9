"""Ingestion: from the sources' feeds and news pages to one file of dated, deduplicated items a day."""
