"""Builds of the delivery pipeline: their image and their commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import aws_codebuild as codebuild

from stacks.assets.packages import with_unix_line_ends
from stacks.assets.release import AUDIT_VARIABLE, CONTENT_VARIABLE, VERSION_VARIABLE, digest_variable
from vectora_ops.names import REVIEW_VERDICT
from vectora_ops.settings import ENVIRONMENT_NAMES

IMAGE = codebuild.LinuxBuildImage.STANDARD_7_0
# mypy without its cache takes 3.5 GB; a small build has 4 GiB for everything (CodeBuild API, ProjectEnvironment).
CHECK_COMPUTE = codebuild.ComputeType.MEDIUM
# These builds run the CDK CLI only, at half the price of medium ones.
DEPLOY_COMPUTE = codebuild.ComputeType.SMALL
# What npm needs to install the very bytes that this repository was tested with.
NPM_FILES = ("package.json", "package-lock.json")
SYNTH_COMMANDS = (
    "make build",
    # In two steps: eval alone would succeed with nothing.
    'RELEASE="$(.venv/bin/python tools/release.py)" && eval "$RELEASE"',
    # The review keeps them, and the reports on later releases compare with them.
    ".venv/bin/python -m tools.release_report files cdk.out/release-files.zip",
)
# A report that fails stops no promotion: a person approves it, and reads that there is none.
REPORT_COMMANDS = (
    f'export {REVIEW_VERDICT}="No report: the log of its build says why."',
    "make .venv/.ready && "
    'REPORT="$(.venv/bin/python -m tools.release_report report --bucket "$BUCKET" --since "$SINCE" '
    '--commit "$COMMIT" --key "$KEY" --lines-at "$LINES_AT")" && eval "$REPORT" || '
    'echo "There is no report."',
)
# The stacks within the pipeline's: its own are published by the build that deploys them, under other permissions.
PUBLISH = "publish-assets --unstable=publish-assets --app . --yes --ci '*/**'"


def update_pipeline(stack_name: str) -> str:
    """Return the arguments of the CDK CLI with which the pipeline deploys itself."""
    return f"-a . deploy {stack_name} --require-approval=never --verbose"


def review_commands(function: str) -> tuple[str, ...]:
    """Return the commands that stop a build when the review refuses the execution whose assembly it has.

    They come from the pipeline that is deployed, and run before anything of the assembly. Python is isolated: a module
    in the assembly would otherwise be imported instead of its own.
    """
    # For a build of CodePipeline, the ARN of its artifact in S3 (thii/aws-codebuild-extras issue 3 shows one).
    event = r"{\"operation\": \"review\", \"artifact\": \"$CODEBUILD_SOURCE_VERSION\"}"
    answer = '"$HOME/review.json"'
    show = (
        "import json, os; answer = json.load(open(os.environ['HOME'] + '/review.json', encoding='utf-8')); "
        "print(answer.get('text') or answer); raise SystemExit(answer.get('outcome') != 'accepted')"
    )
    return (
        # A failure of the function is an answer without an outcome (Lambda API reference, Invoke).
        f"aws lambda invoke --function-name {function} --cli-binary-format raw-in-base64-out --cli-read-timeout 300 "
        f'--payload "{event}" {answer}',
        f'python3 -I -c "{show}"',
    )


def cdk_buildspec(arguments: str, first: Sequence[str] = ()) -> str:
    """Return the buildspec of a build that runs the locked CDK CLI, after the commands `first`."""
    phases = {
        "install": {"commands": [*first, "npm ci --ignore-scripts --no-fund --no-audit"]},
        "build": {"commands": [f"node_modules/.bin/cdk {arguments}"]},
    }
    return json.dumps({"version": "0.2", "phases": phases}, indent=2)


def builds_of(root: Path) -> dict[str, Any]:
    """Return all that decides what the builds do, as JSON; the same in every account."""
    return {
        "image": IMAGE.image_id,
        "compute": {"check": CHECK_COMPUTE.name, "deploy": DEPLOY_COMPUTE.name},
        "synth": {
            "commands": list(SYNTH_COMMANDS),
            "exports": [
                VERSION_VARIABLE,
                CONTENT_VARIABLE,
                AUDIT_VARIABLE,
                *map(digest_variable, ENVIRONMENT_NAMES),
            ],
        },
        "report": {"commands": list(REPORT_COMMANDS), "exports": [REVIEW_VERDICT]},
        "publish": cdk_buildspec(PUBLISH),
        "update": cdk_buildspec(update_pipeline("pipeline"), review_commands("review")),
        "npm": {name: with_unix_line_ends(root / name).decode("utf-8") for name in NPM_FILES},
    }
