"""Bucket names: free, used by own stacks, left behind, or taken."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from cli.doctor.buckets import BUCKET, CHECK, CONTENTS
from cli.doctor.finding import Finding
from tests.repository import ROOT
from tests.unit.cli.doctor.conftest import ACCOUNT, REGION, Aws, Run
from vectora_ops.names import PIPELINE_BUCKETS, EnvName, Names
from vectora_ops.settings import ENVIRONMENT_NAMES

NAMES = [f"vectora-inbox-{content}-stage" for contents in CONTENTS.values() for content in contents]
TEMPLATES = ROOT / "tests" / "stacks" / "templates"


def _bucket_names(file: str) -> set[str]:
    template = yaml.safe_load((TEMPLATES / file).read_text(encoding="utf-8"))
    return {each["Properties"]["BucketName"] for each in template["Resources"].values() if each["Type"] == BUCKET}


@pytest.mark.parametrize("env", ENVIRONMENT_NAMES)
def test_the_names_are_those_of_the_templates(env: EnvName) -> None:
    names = Names("vectora-inbox", env)
    found = {layer: _bucket_names(f"{env}/{layer}.yaml") for layer in ("s0-operations", "s0-core", "s0-iam")}
    expected = {layer: {names.bucket(each) for each in contents} for layer, contents in CONTENTS.items()}
    assert {layer: buckets for layer, buckets in found.items() if buckets} == expected


def test_the_pipelines_names_are_those_of_its_template() -> None:
    assert _bucket_names("pipeline.yaml") == {f"vectora-inbox-pipeline-{each}" for each in PIPELINE_BUCKETS}


def _no_stack(aws: Aws, count: int = 2) -> None:
    for _ in range(count):
        aws.refuses("cloudformation", "list_stack_resources", "ValidationError")


def _stack(aws: Aws, *buckets: str, kind: str = BUCKET) -> None:
    summaries = [
        {
            "LogicalResourceId": "A",
            "PhysicalResourceId": bucket,
            "ResourceType": kind,
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": "2026-01-01",
        }
        for bucket in buckets
    ]
    aws.answers("cloudformation", "list_stack_resources", {"StackResourceSummaries": summaries})


def _free(aws: Aws, count: int) -> None:
    for _ in range(count):
        aws.refuses("s3", "head_bucket", "404")


def _here(aws: Aws, name: str, region: str = REGION) -> None:
    aws.answers("s3", "head_bucket", {"BucketRegion": region}, Bucket=name, ExpectedBucketOwner=ACCOUNT)


def _one(findings: list[Finding]) -> Finding:
    [finding] = findings
    return finding


def test_free_names_pass(aws: Aws, run: Run) -> None:
    _no_stack(aws)
    _free(aws, len(NAMES))
    finding = _one(run(CHECK))
    assert (finding.verdict, finding.found) == ("pass", "7 names: 7 free, 0 in the stacks already")


def test_buckets_of_own_stacks_pass(aws: Aws, run: Run) -> None:
    _stack(aws, *NAMES[:2])
    _stack(aws, *NAMES[2:])
    for name in NAMES:
        _here(aws, name)
    finding = _one(run(CHECK))
    assert (finding.verdict, finding.found) == ("pass", "7 names: 0 free, 7 in the stacks already")


def test_a_bucket_left_behind_by_its_stack_fails_with_the_advice_to_import_it(aws: Aws, run: Run) -> None:
    _no_stack(aws)
    _here(aws, NAMES[0])
    _free(aws, len(NAMES) - 1)
    finding = _one(run(CHECK))
    assert finding.verdict == "fail"
    assert finding.found.startswith(f"{NAMES[0]}: yours, but in no stack")
    assert "./vectora adopt --env stage" in finding.advice


def test_a_name_taken_by_another_account_fails(aws: Aws, run: Run) -> None:
    _no_stack(aws)
    _free(aws, 1)
    aws.refuses("s3", "head_bucket", "403")
    _free(aws, len(NAMES) - 2)
    finding = _one(run(CHECK))
    assert finding.verdict == "fail"
    assert finding.found.startswith(f"{NAMES[1]}: taken by another account")


@pytest.mark.parametrize("redirected", [True, False])
def test_a_bucket_in_another_region_fails(aws: Aws, run: Run, redirected: bool) -> None:
    _no_stack(aws)
    if redirected:
        _here(aws, NAMES[0], "eu-west-1")
    else:
        aws.refuses("s3", "head_bucket", "301")
    _free(aws, len(NAMES) - 1)
    finding = _one(run(CHECK))
    assert finding.verdict == "fail"
    assert "in another region" in finding.found


def test_an_unreadable_bucket_of_an_own_stack_is_unknown(aws: Aws, run: Run) -> None:
    _stack(aws, NAMES[0])
    _no_stack(aws, 1)
    aws.refuses("s3", "head_bucket", "403")
    finding = _one(run(CHECK))
    assert (finding.verdict, finding.found) == ("unknown", "you may not call HeadBucket")


def test_unreadable_stacks_are_unknown(aws: Aws, run: Run) -> None:
    aws.refuses("cloudformation", "list_stack_resources", "AccessDenied")
    assert _one(run(CHECK)).verdict == "unknown"


def test_an_unreadable_environment_does_not_hide_the_others(aws: Aws, run: Run) -> None:
    aws.refuses("cloudformation", "list_stack_resources", "AccessDenied")
    _no_stack(aws, 2 + 2 + 1)
    _free(aws, 2 * len(NAMES) + len(PIPELINE_BUCKETS))
    findings: dict[str, Any] = {each.check: each.verdict for each in run(CHECK, pipeline=True)}
    assert findings == {
        "buckets of dev": "unknown",
        "buckets of stage": "pass",
        "buckets of prod": "pass",
        "buckets of the pipeline": "pass",
    }
