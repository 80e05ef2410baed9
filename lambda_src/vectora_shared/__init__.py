"""Code that the engine and the operations share: configuration, AWS clients, contract of the functions."""
