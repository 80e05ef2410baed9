"""What people see in a terminal: the only place where text meets rich."""
