"""Runtime and architecture of all functions and layers, known without loading the CDK."""

RUNTIME = "python3.14"
ARCHITECTURE = "arm64"
