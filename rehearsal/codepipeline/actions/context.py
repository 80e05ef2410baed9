"""What an action's executor works with: its configuration and roles, its artifacts, and waiting that can be ended."""

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

from rehearsal.codepipeline.aws import Aws, Credentials, said
from rehearsal.codepipeline.errors import ActionFailedError, InterruptedActionError
from rehearsal.codepipeline.hooks import Hooks
from rehearsal.codepipeline.jobs import Jobs
from rehearsal.codepipeline.state import ActionRun, Artifact, Execution

KEY_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Outcome:
    """An action's success."""

    variables: Mapping[str, str]
    outputs: tuple[Artifact, ...] = ()
    summary: str | None = None


@dataclass(frozen=True)
class Context:
    """One action execution; `role` is the action's role or, when it has none, the pipeline's."""

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
        """With the values of variables."""
        return self.run.configuration

    def client(self, service: str) -> Any:
        """A client that acts with the action's role."""
        return self.aws.client(service, self.role)

    def interrupted(self) -> bool:
        """Whether nobody waits for the result any more."""
        return self.is_closing() or self.run.status != "InProgress"

    def wait_until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Whether it came true in time; raises InterruptedActionError when nobody waits any more."""
        with self.changed:
            self.changed.wait_for(lambda: is_so() or self.interrupted(), seconds)
            if self.interrupted():
                raise InterruptedActionError(f"Action '{self.run.action.name}' was interrupted.")
            return is_so()

    def pause(self, seconds: float) -> None:
        """Raises InterruptedActionError when nobody waits any more."""
        self.wait_until(lambda: False, seconds)

    def input(self, name: str) -> Artifact:
        """One of the action's input artifacts."""
        return next(artifact for artifact in self.run.inputs if artifact.name == name)

    def fetch(self, artifact: Artifact, role: Credentials) -> Path:
        """The artifact's zip; raises ActionFailedError when the role may not read it."""
        target = self.scratch / f"{artifact.name}.zip"
        try:
            body = self.aws.client("s3", role).get_object(Bucket=artifact.bucket, Key=artifact.key)["Body"]
            with target.open("wb") as file:
                shutil.copyfileobj(body, file)
        except (ClientError, BotoCoreError) as error:
            raise _unreachable(artifact, role, error) from error
        return target

    def store(self, name: str, archive: Path, role: Credentials, revision: str | None = None) -> Artifact:
        """Upload a zip as the output artifact `name`; raises ActionFailedError when the role may not."""
        artifact = self.place(name, revision)
        key = self.execution.pipeline.encryption_key
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
        try:
            with archive.open("rb") as body:
                self.aws.client("s3", role).put_object(
                    Bucket=artifact.bucket, Key=artifact.key, Body=body, **encryption
                )
        except (ClientError, BotoCoreError) as error:
            raise _unreachable(artifact, role, error) from error
        return artifact

    def place(self, name: str, revision: str | None = None) -> Artifact:
        """Where the output artifact `name` goes: CodePipeline cuts long names."""
        pipeline = self.execution.pipeline
        key = "".join(secrets.choice(KEY_LETTERS) for _ in range(7))
        return Artifact(name, pipeline.bucket, f"{pipeline.name[:20]}/{name[:10]}/{key}", revision)


def _unreachable(artifact: Artifact, role: Credentials, error: Exception) -> ActionFailedError:
    return ActionFailedError(
        f"Insufficient permissions: unable to access the artifact with Amazon S3 object key '{artifact.key}' located "
        f"in the Amazon S3 artifact bucket '{artifact.bucket}' with the role {role.role_arn}: {said(error)}",
        "PermissionError",
    )
