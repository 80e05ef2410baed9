"""Benchmarks of `make bench`; most figures are ratios of two values that are measured in the same run."""
