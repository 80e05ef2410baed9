"""Configuration: client files and canonical files, their models, loading and publication."""
