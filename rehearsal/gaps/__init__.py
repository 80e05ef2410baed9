"""Differences between the emulator and AWS, and their completion by API."""
