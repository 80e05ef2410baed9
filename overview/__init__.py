"""Overview of all environments, as an operator reads them."""
