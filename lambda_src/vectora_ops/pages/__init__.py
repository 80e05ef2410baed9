"""HTML pages about environments: self-contained, without a request to anywhere."""
