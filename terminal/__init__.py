"""Terminal output: the only place where text meets rich."""
