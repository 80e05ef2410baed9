"""Stacks of the environments and of the pipeline, one file per stack."""
