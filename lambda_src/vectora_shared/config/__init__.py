"""Configuration content: client files and canonical files, validated before anything uses them."""
