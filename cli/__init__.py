"""Operators' command line: thin commands over adoption, client_files and vectora_ops."""
