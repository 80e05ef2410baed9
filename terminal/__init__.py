"""Terminal output with rich."""
