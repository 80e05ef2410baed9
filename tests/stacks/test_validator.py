"""Template validator started beside the imports: it finds what the CDK's own finds, and disturbs no import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from stacks.content import neutral_settings
from stacks.environment import environment_stacks
from stacks.validator import start_validator, validated_app

ROOT = Path(__file__).resolve().parents[2]
REPORT = "validation-report.json"
REQUESTS_OF_THE_IMPORTS = """
import aws_cdk
from jsii._kernel.providers.process import _NodeProcess

sent = []
_NodeProcess.send = lambda process, request, response: sent.append(request)
from stacks.assets.packages import platform_of
from stacks.synthesis import synthesize_environment, synthesize_pipeline
from vectora_ops.settings import load_settings
assert not sent, sent
"""


def _report(app: cdk.App) -> dict[str, Any]:
    """Return the report on a bucket with a status and a resource with a type that do not exist."""
    app.node.set_context("@aws-cdk/core:validateAgainstDefaultRules", True)
    stack = cdk.Stack(app, "Stack")
    sometimes = s3.CfnBucket.VersioningConfigurationProperty(status="Sometimes")
    s3.CfnBucket(stack, "Bucket", versioning_configuration=sometimes)
    cdk.CfnResource(stack, "Queue", type="AWS::SQS::Queues")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report: dict[str, Any] = json.loads((Path(app.outdir) / REPORT).read_text(encoding="utf-8"))
    return report


def test_the_started_validator_finds_what_the_cdks_own_finds() -> None:
    of_the_cdk, of_ours = _report(cdk.App()), _report(validated_app(start_validator()))
    assert of_ours == of_the_cdk
    assert "Sometimes" in json.dumps(of_ours)
    assert "AWS::SQS::Queues" in json.dumps(of_ours)


def test_the_imports_during_the_start_send_no_request() -> None:
    subprocess.run([sys.executable, "-c", REQUESTS_OF_THE_IMPORTS], cwd=ROOT, check=True)


def test_the_content_that_is_not_deployed_is_valid_too() -> None:
    """The content's digest is computed without the validator; its templates pass it all the same."""
    app = cdk.App(context=json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"])
    environment_stacks(app, root=ROOT, settings=neutral_settings(), env="stage", platform="lambda")
    app.synth()
