"""Stage newsletter: curated items are selected, laid out and written as Markdown, HTML and JSON."""
