"""Checkout that a command works on."""
