"""Checks of bucket names: free, or used by the account's own stacks. Bucket names are global."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import ClientError

from cli.doctor.finding import Check, Finding
from cli.doctor.subject import Subject
from vectora_ops.names import PIPELINE_BUCKETS, BucketContent, StackLayer
from vectora_shared.aws_errors import DENIED_CODES, error_code

State = Literal["free", "ours", "left over", "elsewhere", "in another region"]
# The content names in the bucket names of each layer; a test compares them with the templates.
CONTENTS: Mapping[StackLayer, tuple[BucketContent, ...]] = {
    "s0-operations": ("snapshots", "snapshots-access-logs"),
    "s0-core": ("config", "data", "newsletters", "lambda-code", "access-logs"),
}
BUCKET = "AWS::S3::Bucket"


@dataclass(frozen=True)
class _BucketGroup:
    """Buckets that stacks have or will have; `owner` names the stacks for people."""

    owner: str
    stacks: tuple[str, ...]
    buckets: tuple[str, ...]
    advice: str


def check_buckets(subject: Subject) -> Iterator[Finding]:
    """Check the names of each environment, and of the pipeline."""
    for group in _groups(subject):
        # An environment that cannot be read must not hide the others.
        yield from Check(f"buckets of {group.owner}", lambda s, g=group: _findings(s, g)).run(subject)  # type: ignore[misc]


def _groups(subject: Subject) -> Iterator[_BucketGroup]:
    for env in subject.envs:
        names = subject.settings.names(env)
        yield _BucketGroup(
            env,
            tuple(names.stack(layer) for layer in CONTENTS),
            tuple(names.bucket(content) for contents in CONTENTS.values() for content in contents),
            f"import it: ./vectora adopt --env {env}",
        )
    if subject.pipeline:
        names = subject.settings.pipeline_names
        yield _BucketGroup(
            "the pipeline",
            (names.pipeline,),
            tuple(names.pipeline_bucket(content) for content in PIPELINE_BUCKETS),
            "an administrator empties and deletes it, or imports it into the pipeline's stack (cdk import)",
        )


def _findings(subject: Subject, group: _BucketGroup) -> Iterator[Finding]:
    owned = {name for stack in group.stacks for name in _buckets_of(subject, stack)}
    states = {name: _state(subject, name, owned) for name in group.buckets}
    yield _finding(subject, group, states)


def _finding(subject: Subject, group: _BucketGroup, states: dict[str, State]) -> Finding:
    check = f"buckets of {group.owner}"
    for state, found, advice in (
        (
            "elsewhere",
            "taken by another account, or you have no s3:ListBucket",
            "bucket names are global: set `bucket_suffix` in config/environments.yaml before the first deployment",
        ),
        (
            "in another region",
            f"yours in another region than {subject.region}",
            "empty and delete it, or correct `region` in config/environments.yaml",
        ),
        ("left over", "yours, but in no stack, so creating it will fail", group.advice),
    ):
        if named := [name for name, each in states.items() if each == state]:
            return Finding(check, "fail", f"{', '.join(named)}: {found}", advice)
    free = sum(state == "free" for state in states.values())
    ours = len(states) - free
    return Finding(check, "pass", f"{len(states)} names: {free} free, {ours} in the stacks already")


def _state(subject: Subject, name: str, owned: set[str]) -> State:
    try:
        answer = subject.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=subject.account_id)
    except ClientError as error:
        # The answer to a HEAD request has no body, so its code is the HTTP status (HeadBucket, API reference).
        code = error_code(error)
        if code in ("404", "NoSuchBucket"):
            return "free"
        if code in ("301", "PermanentRedirect"):
            return "in another region"
        if code in DENIED_CODES and name not in owned:
            return "elsewhere"
        raise
    # botocore follows the redirect to the bucket's region, and returns that region.
    if answer.get("BucketRegion", subject.region) != subject.region:
        return "in another region"
    return "ours" if name in owned else "left over"


def _buckets_of(subject: Subject, stack: str) -> set[str]:
    """Return the names of the buckets in a stack, none when there is no such stack."""
    try:
        pages = subject.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] == BUCKET
            and each["ResourceStatus"] != "DELETE_COMPLETE"
            and each.get("PhysicalResourceId")
        }
    except ClientError as error:
        if error_code(error) == "ValidationError":
            return set()
        raise


CHECK = Check("buckets", check_buckets)
