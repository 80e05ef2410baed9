"""Permissions of the roles."""
