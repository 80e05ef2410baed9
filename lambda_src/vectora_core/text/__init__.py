"""Text tools: words, dates, addresses."""
