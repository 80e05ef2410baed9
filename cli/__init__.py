"""Operators' command line: thin commands over client_files and vectora_ops."""
