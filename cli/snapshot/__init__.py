"""Commands `./vectora snapshot`."""
