"""Domain constructs of Vectora Inbox, one a file."""
