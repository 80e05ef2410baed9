"""Context of an action's executor: configuration, roles, artifacts, and waits that can be interrupted."""

from __future__ import annotations

import secrets
import shutil
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.codepipeline.aws import Aws, Credentials, error_text
from rehearsal.codepipeline.definition import Store
from rehearsal.codepipeline.errors import ActionFailedError, InterruptedActionError
from rehearsal.codepipeline.hooks import Hooks
from rehearsal.codepipeline.jobs import Jobs
from rehearsal.codepipeline.state import ActionRun, Artifact, Execution

KEY_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Outcome:
    """Result of an action that succeeded."""

    variables: Mapping[str, str]
    outputs: tuple[Artifact, ...] = ()
    summary: str | None = None


@dataclass(frozen=True)
class Context:
    """Context of one action execution; `role` is the action's role or, when it has none, the pipeline's."""

    aws: Aws
    hooks: Hooks
    jobs: Jobs
    changed: threading.Condition
    is_closing: Callable[[], bool]
    scratch: Path
    logs: Path
    execution: Execution
    run: ActionRun
    pipeline_role: Credentials
    role: Credentials

    @property
    def configuration(self) -> Mapping[str, str]:
        """Configuration with the values of variables."""
        return self.run.configuration

    @property
    def region(self) -> str:
        """Region of the action."""
        return self.run.action.region or self.aws.region

    @property
    def artifact_store(self) -> Store:
        """Artifact store of the action's region."""
        return self.execution.pipeline.store(self.region)

    def client(self, service: str) -> Any:
        """Return a client with the action's role, in the action's region."""
        return self.aws.client(service, self.role, self.region)

    def interrupted(self) -> bool:
        """Return whether the action's result is no longer needed."""
        return self.is_closing() or self.run.status != "InProgress"

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition; return whether it holds in time.

        Raise InterruptedActionError when the action's result is no longer needed.
        """
        with self.changed:
            self.changed.wait_for(lambda: condition() or self.interrupted(), seconds)
            if self.interrupted():
                raise InterruptedActionError(f"Action '{self.run.action.name}' was interrupted.")
            return condition()

    def pause(self, seconds: float) -> None:
        """Wait some seconds; raise InterruptedActionError when the action's result is no longer needed."""
        self.wait_until(lambda: False, seconds)

    def input(self, name: str) -> Artifact:
        """Return one of the action's input artifacts."""
        return next(artifact for artifact in self.run.inputs if artifact.name == name)

    def copy_inputs(self) -> None:
        """Copy the input artifacts of other regions to the store of the action's region, with the pipeline's role.

        CodePipeline guide, "Add a cross-Region action in CodePipeline": it copies the artifacts between the buckets.
        """
        self.run.inputs = tuple(
            artifact if artifact.bucket == self.artifact_store.bucket else self._copied(artifact)
            for artifact in self.run.inputs
        )

    def _copied(self, artifact: Artifact) -> Artifact:
        source = self.aws.client("s3", self.pipeline_role, self.execution.pipeline.region_of(artifact.bucket))
        archive = self._download(source, artifact, self.pipeline_role)
        return self.store(artifact.name, archive, self.pipeline_role, artifact.revision)

    def fetch(self, artifact: Artifact, role: Credentials) -> Path:
        """Download the artifact's zip; raise ActionFailedError when the role may not read it."""
        return self._download(self.aws.client("s3", role, self.region), artifact, role)

    def _download(self, s3: Any, artifact: Artifact, role: Credentials) -> Path:
        target = self.scratch / f"{artifact.name}.zip"
        try:
            body = s3.get_object(Bucket=artifact.bucket, Key=artifact.key)["Body"]
            with target.open("wb") as file:
                shutil.copyfileobj(body, file)
        except (ClientError, BotoCoreError) as error:
            raise _unreachable(artifact, role, error) from error
        return target

    def store(self, name: str, archive: Path, role: Credentials, revision: str | None = None) -> Artifact:
        """Upload a zip as the output artifact `name`; raise ActionFailedError when the role may not write it."""
        artifact = self.output_location(name, revision)
        key = self.artifact_store.encryption_key
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
        try:
            with archive.open("rb") as body:
                self.aws.client("s3", role, self.region).put_object(
                    Bucket=artifact.bucket, Key=artifact.key, Body=body, **encryption
                )
        except (ClientError, BotoCoreError) as error:
            raise _unreachable(artifact, role, error) from error
        return artifact

    def output_location(self, name: str, revision: str | None = None) -> Artifact:
        """Return the location of the output artifact `name`; CodePipeline truncates long names in its key."""
        key = "".join(secrets.choice(KEY_LETTERS) for _ in range(7))
        path = f"{self.execution.pipeline.name[:20]}/{name[:10]}/{key}"
        return Artifact(name, self.artifact_store.bucket, path, revision)


def _unreachable(artifact: Artifact, role: Credentials, error: Exception) -> ActionFailedError:
    return ActionFailedError(
        f"Insufficient permissions: unable to access the artifact with Amazon S3 object key '{artifact.key}' located "
        f"in the Amazon S3 artifact bucket '{artifact.bucket}' with the role {role.role_arn}: {error_text(error)}",
        "PermissionError",
    )
