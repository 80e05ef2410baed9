"""Function pipeline-relay, which is deployed alone: it runs in no environment."""
