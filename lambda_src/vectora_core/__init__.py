"""The newsletter engine: news is ingested, normalized and scored, then written as a newsletter."""
