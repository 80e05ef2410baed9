"""Preview of a newsletter with changed configuration."""
