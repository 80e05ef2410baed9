"""Assets of the stacks: packages for Lambda, and releases in a synthesized assembly."""
