"""The stacks of an environment, one file a stack."""
