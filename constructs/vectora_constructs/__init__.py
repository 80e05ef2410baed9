"""Domain constructs of Vectora Inbox, one per file."""
