"""Editing client files: their text keeps its comments and order, whoever edits it."""
