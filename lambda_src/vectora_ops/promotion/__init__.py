"""Promotion of releases and client files from one environment to the next, and automatic rollback."""
