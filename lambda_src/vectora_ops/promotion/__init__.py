"""How a release goes from one environment to the next: its ledger, its gates, and the way back."""
