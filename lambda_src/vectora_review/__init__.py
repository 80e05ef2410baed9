"""Review of a commit's assembly before the pipeline updates itself; it uses nothing beyond Lambda's own runtime."""
