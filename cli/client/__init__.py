"""Commands `./vectora client`."""
