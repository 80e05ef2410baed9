"""Recovery of an environment from the copy of its vault, when its account is lost."""
