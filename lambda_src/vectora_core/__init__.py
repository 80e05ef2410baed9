"""The newsletter engine: it ingests news, normalizes and scores it, and writes the newsletter."""
