"""Overview of all environments at one time: what is there, what waits, and what needs a person."""
