"""What all tests share: the guard against the constructs/ trap, and Node.js for the CDK."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

if (ROOT / "constructs" / "__init__.py").exists():
    raise pytest.UsageError(
        "constructs/__init__.py exists: it hides the package `constructs` from PyPI, so that nothing of the CDK "
        "can be imported. Delete it; see docs/adr/0001-constructs-is-a-source-root.md."
    )

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
os.environ["JSII_NODE"] = str(Path(sys.executable).parent / "node-for-jsii")
for variable in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
    # No test may reach an account of the person who runs it.
    os.environ.pop(variable, None)
os.environ["AWS_DEFAULT_REGION"] = "eu-west-3"
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
