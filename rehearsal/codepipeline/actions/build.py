"""The executor of CodeBuild actions, which runs a project's buildspec on this machine with its service role."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.codepipeline import buildspec, shell
from rehearsal.codepipeline.actions.context import Context, Outcome
from rehearsal.codepipeline.actions.machine import Machine
from rehearsal.codepipeline.artifacts import matching, pack, unpack
from rehearsal.codepipeline.aws import Credentials, error_text
from rehearsal.codepipeline.buildspec import Buildspec, Files
from rehearsal.codepipeline.errors import ActionFailedError
from rehearsal.codepipeline.state import Artifact

SERVICE = "codebuild.amazonaws.com"
DEFAULT_BUILDSPEC = "buildspec.yml"


def run(context: Context) -> Outcome:
    """Run the action; raise ActionFailedError when a permission is missing, a command fails, or time runs out."""
    project = _project(context)
    build = _start(context, project["name"])
    # The emulator does not check this action on a project, so a call with the action's role would prove nothing.
    context.aws.require(context.role.role_arn, "codebuild:BatchGetBuilds", project["arn"])
    context.run.external_id = build["id"]
    role = context.aws.as_service(SERVICE, project["serviceRole"], f"AWSCodeBuild-{build['id'].rpartition(':')[2]}")
    folders = {artifact.name: _unpacked(context, artifact, role) for artifact in context.run.inputs}
    primary = context.configuration.get("PrimarySource", context.run.action.inputs[0])
    specification = _buildspec(project, folders[primary])
    machine = Machine(context, build, folders, primary, role)
    variables = {**_of_buildspec(context, specification, role), **_of_project(context, project, role)}
    minutes = int(project.get("timeoutInMinutes", 60))
    ended = machine.run(specification, variables, minutes)
    if ended.failures:
        raise _failed(ended.failures)
    outputs = tuple(_uploaded(context, specification, folders[primary], role))
    return Outcome(ended.exported, outputs, f"Build {build['id']} succeeded.")


def _project(context: Context) -> Mapping[str, Any]:
    name = context.configuration["ProjectName"]
    projects = context.aws.admin_client("codebuild").batch_get_projects(names=[name])["projects"]
    if not projects:
        raise ActionFailedError(f"Error calling startBuild: Project cannot be found: {name}", "ConfigurationError")
    project: Mapping[str, Any] = projects[0]
    for part in ("source", "artifacts"):
        if project[part]["type"] != "CODEPIPELINE":
            message = f"The project {name} has {part} of type {project[part]['type']}; a pipeline needs CODEPIPELINE."
            raise ActionFailedError(message, "ConfigurationError")
    if project["environment"].get("privilegedMode"):
        message = f"The project {name} has privilegedMode, which the stand-in for CodeBuild does not execute."
        raise ActionFailedError(message, "ConfigurationError")
    return project


def _start(context: Context, name: str) -> Mapping[str, Any]:
    """Start the build at the emulator, which only checks the permission and assigns a number."""
    try:
        build: Mapping[str, Any] = context.client("codebuild").start_build(projectName=name)["build"]
    except (ClientError, BotoCoreError) as error:
        raise ActionFailedError(f"Error calling startBuild: {error_text(error)}", "PermissionError") from error
    return build


def _unpacked(context: Context, artifact: Artifact, role: Credentials) -> Path:
    folder = context.scratch / "src" / artifact.name
    unpack(context.fetch(artifact, role), folder)
    return folder


def _buildspec(project: Mapping[str, Any], source: Path) -> Buildspec:
    text = str(project["source"].get("buildspec") or DEFAULT_BUILDSPEC)
    if "\n" in text or text.lstrip().startswith("{"):
        return buildspec.read(text, f"the buildspec of project {project['name']}")
    file = source / text
    if not file.is_file():
        raise ActionFailedError(f"YAML_FILE_ERROR: stat {text}: no such file or directory", "BuildspecError")
    return buildspec.read(file.read_text(encoding="utf-8"), text)


def _of_buildspec(context: Context, specification: Buildspec, role: Credentials) -> dict[str, str]:
    parameters = {name: _parameter(context, value, role) for name, value in specification.parameters.items()}
    return {**specification.variables, **parameters}


def _of_project(context: Context, project: Mapping[str, Any], role: Credentials) -> dict[str, str]:
    """Return the variables of project and action; the action's have priority."""
    declared = [
        *project["environment"].get("environmentVariables", []),
        *json.loads(context.configuration.get("EnvironmentVariables", "[]")),
    ]
    return {each["name"]: _value(context, each, role) for each in declared}


def _value(context: Context, variable: Mapping[str, str], role: Credentials) -> str:
    kind = variable.get("type", "PLAINTEXT")
    if kind == "PLAINTEXT":
        return variable["value"]
    if kind == "PARAMETER_STORE":
        return _parameter(context, variable["value"], role)
    message = f"The variable {variable['name']} is of type {kind}, which the stand-in for CodeBuild does not execute."
    raise ActionFailedError(message, "ConfigurationError")


def _parameter(context: Context, name: str, role: Credentials) -> str:
    try:
        answer = context.aws.client("ssm", role).get_parameter(Name=name, WithDecryption=True)
    except (ClientError, BotoCoreError) as error:
        raise ActionFailedError(
            f"The parameter {name} could not be read: {error_text(error)}", "PermissionError"
        ) from error
    return str(answer["Parameter"]["Value"])


def _failed(failures: list[shell.Failure]) -> ActionFailedError:
    first = failures[0]
    where = f"Error while executing command: {first.command}" if first.command else "A command left the shell"
    return ActionFailedError(
        f"Build terminated with state: FAILED. Phase: {first.phase.upper()}, Code: COMMAND_EXECUTION_ERROR, "
        f"Message: {where}. Reason: exit status {first.status}",
        "JobFailed",
    )


def _uploaded(context: Context, specification: Buildspec, source: Path, role: Credentials) -> Iterator[Artifact]:
    outputs = context.run.action.outputs
    for name in outputs:
        # A single output gets the buildspec's artifacts; with several, each has its own secondary artifact.
        files = specification.secondary.get(name) if len(outputs) > 1 else specification.primary
        if files is None:
            message = f"The buildspec has no artifacts for the output artifact '{name}'."
            raise ActionFailedError(message, "ConfigurationError")
        yield context.store(name, _packed(context, name, files, source), role)


def _packed(context: Context, name: str, files: Files, source: Path) -> Path:
    folder = source / files.base_directory
    found = matching(folder, files.patterns) if folder.is_dir() else set()
    if not found:
        raise ActionFailedError(
            f"CLIENT_ERROR: no matching artifact paths found for {', '.join(files.patterns)} in {files.base_directory}",
            "JobFailed",
        )
    archive = context.scratch / f"{name}.output.zip"
    pack(folder, found, archive)
    return archive
