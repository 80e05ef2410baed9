"""Functions on texts: words, dates and web addresses."""
