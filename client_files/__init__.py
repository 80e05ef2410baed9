"""Checks, edits, migration and previews of client files."""
