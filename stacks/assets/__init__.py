"""Assets of the stacks: packages for Lambda, and the identity of a release."""
