"""Sources of news on an operator's machine: tried, listed and checked with the engine's code."""
