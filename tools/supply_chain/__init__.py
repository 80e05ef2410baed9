"""Supply chain of a release: its bill of materials, its licences, and its known vulnerabilities."""
