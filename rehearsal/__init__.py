"""The rehearsal: a local AWS in which the real stacks are deployed and the real engine runs, without an account."""
