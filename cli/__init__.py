"""The operator's command: thin, the work is done in vectora_ops."""
