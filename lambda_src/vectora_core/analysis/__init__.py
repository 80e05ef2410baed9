"""Analysis of items: by their words alone (lexicon) or by a model (bedrock)."""
