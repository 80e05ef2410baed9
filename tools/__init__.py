"""Set-up and maintenance of the repository itself."""
