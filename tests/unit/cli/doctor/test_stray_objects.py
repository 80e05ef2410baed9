"""Doctor names the objects of a config bucket that nothing reads, and does not fail for them."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from cli.doctor.stray_objects import CHECK
from tests.unit.cli.doctor.conftest import Aws, Run

BUCKET = "vectora-inbox-config-stage"
RECORD = {"keys": {"clients/lai_weekly.yaml": "0"}}


def holds(aws: Aws, *keys: str) -> None:
    aws.answers("s3", "list_objects_v2", {"Contents": [{"Key": key} for key in keys]}, Bucket=BUCKET, Prefix="")


def has_record(aws: Aws) -> None:
    body: Any = io.BytesIO(json.dumps(RECORD).encode())
    aws.answers("s3", "get_object", {"Body": body}, Bucket=BUCKET, Key="published.json")


def test_stray_objects_are_named(aws: Aws, run: Run) -> None:
    holds(aws, "clients/", "clients/lai_weekly.yaml", "published.json")
    has_record(aws)

    [finding] = run(CHECK)

    assert (finding.check, finding.verdict) == ("stray objects of stage", "pass")
    assert finding.found == f"s3://{BUCKET} holds 'clients/', which nothing reads"
    assert finding.advice


def test_a_bucket_without_stray_objects_needs_no_advice(aws: Aws, run: Run) -> None:
    holds(aws, "clients/lai_weekly.yaml", "published.json")
    has_record(aws)

    [finding] = run(CHECK)

    assert (finding.verdict, finding.found, finding.advice) == ("pass", "2 objects, each of which is read", "")


@pytest.mark.parametrize(("code", "verdict"), [("NoSuchBucket", "pass"), ("AccessDenied", "unknown")])
def test_a_bucket_that_cannot_be_listed_is_no_failure(aws: Aws, run: Run, code: str, verdict: str) -> None:
    aws.refuses("s3", "list_objects_v2", code)

    [finding] = run(CHECK)

    assert finding.verdict == verdict
