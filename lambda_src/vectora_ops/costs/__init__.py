"""Cost of an environment in a month, measured from its runs and resources with a dated price table."""
