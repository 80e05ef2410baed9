"""Rollback of an environment to a snapshot."""
