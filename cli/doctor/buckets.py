"""Whether the buckets' names are free, or taken by the account's own stacks: bucket names are global."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import ClientError

from cli.doctor.finding import DENIED, Check, Finding, code_of
from cli.doctor.subject import Subject
from vectora_ops.names import PIPELINE_BUCKETS, BucketContent, StackLayer

State = Literal["free", "ours", "left over", "elsewhere", "in another region"]
# By layer what its bucket names are made of; a test compares them with the templates.
CONTENTS: Mapping[StackLayer, tuple[BucketContent, ...]] = {
    "s0-operations": ("snapshots", "snapshots-access-logs"),
    "s0-core": ("config", "data", "newsletters", "lambda-code", "access-logs"),
}
BUCKET = "AWS::S3::Bucket"


@dataclass(frozen=True)
class _Place:
    """Buckets that a stack has or will have; `whose` names it for people."""

    whose: str
    stacks: tuple[str, ...]
    buckets: tuple[str, ...]
    advice: str


def look(subject: Subject) -> Iterator[Finding]:
    """Look at every name, an environment at a time."""
    for place in _places(subject):
        # An environment that cannot be read says nothing about the others.
        yield from Check(f"buckets of {place.whose}", lambda s, p=place: _findings(s, p)).run(subject)  # type: ignore[misc]


def _places(subject: Subject) -> Iterator[_Place]:
    for env in subject.envs:
        names = subject.settings.names(env)
        yield _Place(
            env,
            tuple(names.stack(layer) for layer in CONTENTS),
            tuple(names.bucket(content) for contents in CONTENTS.values() for content in contents),
            f"import it: ./vectora adopt --env {env}",
        )
    if subject.pipeline:
        names = subject.settings.names(subject.envs[0])
        yield _Place(
            "the pipeline",
            (names.pipeline,),
            tuple(names.pipeline_bucket(content) for content in PIPELINE_BUCKETS),
            "an administrator empties and deletes it, or imports it into the pipeline's stack (cdk import)",
        )


def _findings(subject: Subject, place: _Place) -> Iterator[Finding]:
    owned = {name for stack in place.stacks for name in _buckets_of(subject, stack)}
    states = {name: _state(subject, name, owned) for name in place.buckets}
    yield _finding(subject, place, states)


def _finding(subject: Subject, place: _Place, states: dict[str, State]) -> Finding:
    check = f"buckets of {place.whose}"
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
        ("left over", "yours, and in no stack, so that creating it will fail", place.advice),
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
        # A HEAD request's answer has no body, so that there is only a status (HeadBucket, API reference).
        code = code_of(error)
        if code in ("404", "NoSuchBucket"):
            return "free"
        if code in ("301", "PermanentRedirect"):
            return "in another region"
        if code in DENIED and name not in owned:
            return "elsewhere"
        raise
    # botocore follows S3 into the bucket's own region, and says which it was.
    if answer.get("BucketRegion", subject.region) != subject.region:
        return "in another region"
    return "ours" if name in owned else "left over"


def _buckets_of(subject: Subject, stack: str) -> set[str]:
    """Names of the buckets in a stack; empty when there is no such stack."""
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
        if code_of(error) == "ValidationError":
            return set()
        raise


CHECK = Check("buckets", look)
