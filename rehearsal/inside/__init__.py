"""Additions to the emulator's own process: a resource type, and the rules by which AWS is stricter."""
