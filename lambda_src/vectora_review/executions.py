"""Executions of the pipeline: their artifacts, their commits and authors, and who approved them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vectora_shared.errors import VectoraError

BUILD, APPROVAL, SOURCE = "Synth", "Approval", "Source"
CONTENT_DIGEST = "RELEASE_CONTENT_DIGEST"
# CodePipeline's list of actions is eventually consistent.
READS, READ_PAUSE_SECONDS = 5, 2.0
# The execution that is reviewed is one of the last.
MOST_PAGES = 5
Action = Mapping[str, Any]
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Artifact:
    """An object in the artifacts bucket; `version` is the only one that it has."""

    bucket: str
    key: str
    version: str


@dataclass(frozen=True)
class Execution:
    """An execution and the actions that it has run, in the order of their start."""

    id: str
    actions: Sequence[Action]

    @property
    def commit(self) -> str | None:
        """Id of the commit."""
        return self._variable(SOURCE, "CommitId")

    @property
    def author(self) -> str | None:
        """E-mail address of the commit's author, where the connection's provider gives it."""
        email = self._variable(SOURCE, "AuthorEmail")
        return email.strip().lower() if email else None

    @property
    def content_digest(self) -> str | None:
        """Digest that the build gave to the content of the release."""
        return self._variable("Build", CONTENT_DIGEST)

    def output(self) -> tuple[str, str] | None:
        """Return bucket and key of the build's artifact."""
        found = [_location(each) for each in self.actions if each["actionName"] == BUILD]
        return next((each for each in reversed(found) if each), None)

    def approver(self, stage: str) -> str | None:
        """Return the ARN of who approved the execution in a stage (ActionExecutionDetail, updatedBy)."""
        found = [
            each.get("updatedBy")
            for each in self.actions
            if each["stageName"] == stage and _category(each) == APPROVAL and each.get("status") == "Succeeded"
        ]
        return found[-1] if found else None

    def _variable(self, category: str, name: str) -> str | None:
        values = (
            each.get("output", {}).get("outputVariables", {}).get(name)
            for each in self.actions
            if _category(each) == category
        )
        return next((str(each) for each in values if each), None)


class Executions:
    """Executions of one pipeline."""

    def __init__(self, client: Any, pipeline: str, *, sleep: Sleep = time.sleep) -> None:
        self._client = client
        self._pipeline = pipeline
        self._sleep = sleep

    def find(self, execution: str) -> Execution:
        """Return an execution; raise VectoraError when CodePipeline has no actions of it."""
        for left in reversed(range(READS)):
            pages = self._client.get_paginator("list_action_executions").paginate(
                pipelineName=self._pipeline, filter={"pipelineExecutionId": execution}
            )
            actions = [each for page in pages for each in page["actionExecutionDetails"]]
            if actions:
                return Execution(execution, sorted(actions, key=lambda each: each["startTime"]))
            if left:
                self._sleep(READ_PAUSE_SECONDS)
        raise VectoraError(f"Pipeline {self._pipeline} has no execution {execution}.")

    def of_artifact(self, bucket: str, key: str) -> Execution:
        """Return the execution whose build wrote an artifact; raise VectoraError when none did."""
        for left in reversed(range(READS)):
            for each in self._recent():
                if each["actionName"] == BUILD and _location(each) == (bucket, key):
                    return self.find(each["pipelineExecutionId"])
            if left:
                self._sleep(READ_PAUSE_SECONDS)
        raise VectoraError(f"No build of pipeline {self._pipeline} wrote the artifact {key}: nothing is deployed.")

    def _recent(self) -> Iterator[Action]:
        pages = self._client.get_paginator("list_action_executions").paginate(pipelineName=self._pipeline)
        for number, page in enumerate(pages):
            if number == MOST_PAGES:
                return
            yield from page["actionExecutionDetails"]


def only_version(s3: Any, bucket: str, key: str) -> Artifact:
    """Return an artifact; raise VectoraError when it was written again, or deleted, since its build wrote it."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    found = [
        each
        for page in pages
        for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        if each["Key"] == key
    ]
    if len(found) != 1 or "ETag" not in found[0]:
        raise VectoraError(
            f"The artifact {key} was {'written again' if len(found) > 1 else 'deleted'} after its build wrote it: "
            "nothing of it is deployed. Look who did (CloudTrail, PutObject), then push the commit again."
        )
    return Artifact(bucket, key, str(found[0]["VersionId"]))


def _location(action: Action) -> tuple[str, str] | None:
    for each in action.get("output", {}).get("outputArtifacts", ()):
        place = each.get("s3location") or {}
        return str(place.get("bucket")), str(place.get("key"))
    return None


def _category(action: Action) -> str:
    return str(action.get("input", {}).get("actionTypeId", {}).get("category"))
