"""What `make bench` measures; each figure is a ratio of two things measured in the same run."""
