"""What operators and the pipeline do with an environment: its settings, names, releases and state."""
