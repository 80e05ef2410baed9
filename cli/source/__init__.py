"""Commands `./vectora source`."""
