"""Third-party modules that code in the layers imports are in the layer of dependencies, or in Lambda's runtime."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

from tests.repository import ROOT

SOURCE = ROOT / "lambda_src"
OWN = {path.name for path in SOURCE.iterdir() if path.is_dir()}
# Lambda's runtime for Python has boto3 (AWS Lambda developer guide, "Lambda runtimes").
OF_THE_RUNTIME = {"boto3", "botocore", "s3transfer"}
# Imported by type checkers only.
STUBS = {"mypy_boto3_s3", "mypy_boto3_bedrock_runtime", "mypy_boto3_stepfunctions", "mypy_boto3_cloudformation"}


def _imported() -> Iterator[str]:
    for package in ("vectora_core", "vectora_ops", "vectora_shared"):
        for path in (SOURCE / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield node.module.partition(".")[0]


def test_engine_and_operations_import_only_packages_that_their_layer_or_the_runtime_has() -> None:
    lock = (SOURCE / "requirements.txt").read_text(encoding="utf-8")
    locked = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
    distributions = packages_distributions()
    third_party = set(_imported()) - OWN - OF_THE_RUNTIME - STUBS - sys.stdlib_module_names
    assert {"brotli", "jmespath", "pydantic"} <= third_party
    missing = {
        name
        for name in third_party
        if not {re.sub(r"[-_.]+", "-", each).lower() for each in distributions.get(name, ())} & locked
    }
    assert missing == set()
