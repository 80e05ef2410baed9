"""Commands `./vectora newsletter`."""
