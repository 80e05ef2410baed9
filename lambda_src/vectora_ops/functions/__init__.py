"""Entry points of the operations functions, one module a function."""
