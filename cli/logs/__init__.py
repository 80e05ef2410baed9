"""Command `./vectora logs`."""
