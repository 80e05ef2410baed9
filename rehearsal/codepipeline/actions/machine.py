"""The machine of a build: scratch folders, an environment without the host's variables, and a supervised bash."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

from rehearsal.codepipeline import shell
from rehearsal.codepipeline.actions.context import Context
from rehearsal.codepipeline.aws import Credentials
from rehearsal.codepipeline.buildspec import Buildspec
from rehearsal.codepipeline.errors import ActionFailedError
from rehearsal.supervisor import end_supervised, start_supervised

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class BuildResult:
    """Result of a build's commands."""

    failures: list[shell.Failure]
    exported: Mapping[str, str]


class Machine:
    """The machine of one build; it ends all processes when the result is no longer needed."""

    def __init__(
        self, context: Context, build: Mapping[str, Any], folders: Mapping[str, Path], primary: str, role: Credentials
    ) -> None:
        self._context = context
        self._build = build
        self._folders = folders
        self._primary = primary
        self._role = role

    def run(self, specification: Buildspec, variables: Mapping[str, str], minutes: int) -> BuildResult:
        """Run the commands; raise ActionFailedError when they take longer than `minutes` of `Timing.build_minute`."""
        scratch = self._context.scratch
        reports, exports, program = scratch / "reports", scratch / "exports", scratch / "build.sh"
        program.write_text(shell.script(specification, reports, exports), encoding="utf-8")
        own = self._own_folders()
        environment = self._environment(own, self._image(specification, Path(own["HOME"])), variables)
        log = self._context.logs / f"{self._build['id'].replace(':', '-')}.log"
        self._context.run.log = log
        with log.open("wb") as output:
            process = start_supervised(
                [shutil.which("bash") or "/bin/bash", "--noprofile", "--norc", str(program)],
                environment=environment,
                folder=self._folders[self._primary],
                output=output,
            )
            try:
                in_time = self._wait(process, minutes * self._context.hooks.timing.build_minute)
            finally:
                end_supervised(process)
        if not in_time:
            message = f"Build terminated with state: TIMED_OUT. It took longer than the project's {minutes} minutes."
            raise ActionFailedError(message, "JobFailed")
        return BuildResult(shell.failures(specification, reports), shell.exported(exports, specification.exported))

    def _wait(self, process: Popen[bytes], seconds: float) -> bool:
        ended = threading.Event()

        def notify_at_end() -> None:
            process.wait()
            ended.set()
            with self._context.changed:
                self._context.changed.notify_all()

        threading.Thread(target=notify_at_end, daemon=True, name="build").start()
        return self._context.wait_until(ended.is_set, seconds)

    def _image(self, specification: Buildspec, home: Path) -> Mapping[str, str]:
        image = self._context.hooks.image
        if specification.runtime_versions and image is None:
            message = "The buildspec has runtime-versions, which only a build image can provide; this build has none."
            raise ActionFailedError(message, "BuildspecError")
        return image(self._folders[self._primary], home) if image else {}

    def _environment(
        self, own: Mapping[str, str], image: Mapping[str, str], variables: Mapping[str, str]
    ) -> dict[str, str]:
        aws, codebuild = self._context.aws.build_environment(self._role), self._codebuild_variables()
        merged = {**aws, **own, **image, **variables, **codebuild}
        path = f"{self._context.scratch / 'npm' / 'bin'}:{merged.get('PATH', DEFAULT_PATH)}"
        return {**merged, "PATH": path}

    def _own_folders(self) -> dict[str, str]:
        home, temporary, npm = (self._context.scratch / name for name in ("home", "tmp", "npm"))
        for folder in (home, temporary, npm / "bin", npm / "lib"):
            folder.mkdir(parents=True)
        return {
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "CDK_HOME": str(home),
            "LANG": "C.UTF-8",
            # Without it, `npm install -g` would install on the host.
            "npm_config_prefix": str(npm),
        }

    def _codebuild_variables(self) -> dict[str, str]:
        source = self._context.input(self._primary)
        identity = str(self._build["id"])
        of_build = {
            "CODEBUILD_BUILD_ID": identity,
            "CODEBUILD_BUILD_ARN": str(self._build["arn"]),
            "CODEBUILD_BUILD_NUMBER": str(self._build["buildNumber"]),
            "CODEBUILD_CI": "true",
            "CODEBUILD_INITIATOR": f"codepipeline/{self._context.execution.pipeline.name}",
            "CODEBUILD_LOG_PATH": identity.rpartition(":")[2],
            "CODEBUILD_RESOLVED_SOURCE_VERSION": self._commit(),
            "CODEBUILD_SOURCE_VERSION": f"arn:aws:s3:::{source.bucket}/{source.key}",
            "CODEBUILD_START_TIME": str(int(time.time() * 1000)),
            "CODEBUILD_SRC_DIR": str(self._folders[self._primary]),
        }
        others = {
            f"CODEBUILD_SRC_DIR_{name}": str(folder) for name, folder in self._folders.items() if name != self._primary
        }
        return of_build | others

    def _commit(self) -> str:
        """Return the commit of the source of the primary input; on AWS, it is part of the artifact."""
        revisions = self._context.execution.revisions
        named = (revision.revision_id for revision in revisions if revision.artifact == self._primary)
        return next(named, revisions[0].revision_id if revisions else "")
