"""Delivery of issues by e-mail: one message for each reader, and a record of who got it."""
