"""Watch of an environment: conditions that no event reports, as gauges and as notifications."""
