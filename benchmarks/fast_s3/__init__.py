"""Fast stand-in for Amazon S3: in memory, in a process of its own, with checked signatures and injected latency."""
