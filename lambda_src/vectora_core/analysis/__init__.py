"""What one item is about: read from its words alone (lexicon) or by a model (bedrock)."""
