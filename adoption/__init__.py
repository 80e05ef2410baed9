"""Adoption of a running system: its resources imported, and its stacks made to say what runs."""
