"""A pipeline in memory, as the review sees it: artifacts, executions, the deployed template and approvals."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_review.review import Opinion, Reviewer
from vectora_review.store import Store

PIPELINE, BUCKET = "vectora-inbox-pipeline", "vectora-inbox-pipeline-artifacts"
PARAMETER = "/vectora-inbox/pipeline/approved-change"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
Files = dict[str, bytes]
Change = Callable[[Files], None]
ANN, BOB = (f"arn:aws:sts::111111111111:assumed-role/Approver/{name}" for name in ("ann", "bob"))


class Pages:
    """A paginator with one page."""

    def __init__(self, page: Callable[..., dict[str, Any]]) -> None:
        self._page = page

    def paginate(self, **given: Any) -> Iterable[dict[str, Any]]:
        return iter([self._page(**given)])


class Objects:
    """S3 with versions."""

    def __init__(self) -> None:
        self.versions: list[dict[str, Any]] = []

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        version = {"Key": Key, "VersionId": f"v{len(self.versions)}", "ETag": "e", "Body": Body}
        self.versions.append(version)

    def get_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:  # noqa: N803
        found = [each for each in self.versions if each["Key"] == Key and VersionId in (None, each["VersionId"])]
        if not found:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(found[-1]["Body"])}

    def get_paginator(self, name: str) -> Pages:
        assert name == "list_object_versions"
        return Pages(lambda Bucket, Prefix: {"Versions": [v for v in self.versions if v["Key"].startswith(Prefix)]})  # noqa: N803


class World:
    """One pipeline: commits are built, reviewed, approved and deployed."""

    def __init__(self, files: Mapping[str, bytes], *, people: Mapping[str, str] | None = None) -> None:
        self.files: Files = dict(files)
        self.s3 = Objects()
        self.template = json.loads(self.files[f"{PIPELINE}.template.json"])
        self.actions: list[dict[str, Any]] = []
        self.approvals: list[dict[str, Any]] = []
        self.people = dict(people or {})

    def get_paginator(self, name: str) -> Pages:
        if name == "get_parameter_history":
            return Pages(lambda Name: {"Parameters": self.approvals})  # noqa: N803
        assert name == "list_action_executions"
        return Pages(self._listed)

    def get_template(self, **_: Any) -> dict[str, Any]:
        return {"TemplateBody": self.template}

    def reviewer(self) -> Reviewer:
        clients = {"s3": self.s3, "ssm": self, "codepipeline": self, "cloudformation": self}
        store = Store(self.s3, self, bucket=BUCKET, approvals=PARAMETER)
        return Reviewer(
            clients, store, pipeline=PIPELINE, bucket=BUCKET, environments=ENVIRONMENT_NAMES, people=self.people
        )

    def build(self, *changes: Change, author: str = "ann@example.org", content: str | None = None) -> str:
        """Build a commit; return its execution."""
        files = dict(self.files)
        for change in changes:
            change(files)
        number = len([each for each in self.actions if each["actionName"] == "Synth"]) + 1
        execution, key = f"execution-{number}", f"vectora-inbox-pipeli/Synth_Outp/key{number:04d}"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=zipped(files))
        self.add(execution, "Source", "Source", "Source", variables={"CommitId": f"c{number}", "AuthorEmail": author})
        variables = {"RELEASE_CONTENT_DIGEST": content or f"{number:064d}"}
        self.add(execution, "Build", "Synth", "Build", variables=variables, key=key)
        return execution

    def add(self, execution: str, stage: str, name: str, category: str, **more: Any) -> None:
        artifacts = [{"name": "x", "s3location": {"bucket": BUCKET, "key": more["key"]}}] if "key" in more else []
        self.actions.append(
            {
                "pipelineExecutionId": execution,
                "stageName": stage,
                "actionName": name,
                "startTime": BEGAN + timedelta(minutes=len(self.actions)),
                "status": "Succeeded",
                "updatedBy": more.get("by"),
                "input": {"actionTypeId": {"category": category}},
                "output": {"outputArtifacts": artifacts, "outputVariables": more.get("variables", {})},
            }
        )

    def key(self, execution: str) -> str:
        [built] = [e for e in self.actions if (e["pipelineExecutionId"], e["actionName"]) == (execution, "Synth")]
        return str(built["output"]["outputArtifacts"][0]["s3location"]["key"])

    def review(self, execution: str) -> Opinion:
        return self.reviewer().review(f"arn:aws:s3:::{BUCKET}/{self.key(execution)}")

    def approve(self, execution: str, by: str = BOB) -> None:
        digest = self.reviewer().explain(execution).changes.digest
        value = json.dumps({"digest": digest, "execution": execution, "reason": "reviewed"})
        self.approvals.append({"Value": value, "Version": len(self.approvals) + 1, "LastModifiedUser": by})

    def _listed(self, *, pipelineName: str, filter: Mapping[str, str] | None = None) -> dict[str, Any]:  # noqa: N803
        assert pipelineName == PIPELINE
        wanted = (filter or {}).get("pipelineExecutionId")
        found = [each for each in reversed(self.actions) if wanted in (None, each["pipelineExecutionId"])]
        return {"actionExecutionDetails": found}


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()
