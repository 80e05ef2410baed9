"""Code that the engine and the operations share: configuration, AWS clients, function contract."""
