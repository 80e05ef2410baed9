"""Snapshots of a whole environment: taken, verified, compared, kept by policy."""
