"""The executor of CodeStarSourceConnection actions, which reads a commit from a local git repository."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path

from checkout.git import environment_of_git
from rehearsal.codepipeline.actions.context import Context, Outcome
from rehearsal.codepipeline.errors import ActionFailedError
from rehearsal.codepipeline.state import Revision

FIELDS = "%H%x00%aI%x00%cI%x00%B"


def run(context: Context) -> Outcome:
    """Run the action; raise ActionFailedError when the role may not use the connection, or the commit is missing."""
    configuration, action = context.configuration, context.run.action
    repository, branch = configuration["FullRepositoryId"], configuration["BranchName"]
    _require_connection(context, configuration["ConnectionArn"])
    folder = _repository(context, repository)
    commit, author_date, created, message = _commit(context, folder, repository, branch)
    archive = context.scratch / "source.zip"
    _git(folder, "archive", "--format=zip", "--output", str(archive), commit)
    artifact = context.store(action.outputs[0], archive, context.role, commit)
    summary = json.dumps({"ProviderType": "GitHub", "CommitMessage": message})
    context.execution.revisions.append(
        Revision(action.name, artifact.name, commit, summary, _url(context, commit), datetime.fromisoformat(created))
    )
    variables = {
        "AuthorDate": author_date,
        "BranchName": branch,
        "CommitId": commit,
        "CommitMessage": message,
        "ConnectionArn": configuration["ConnectionArn"],
        "FullRepositoryName": repository,
    }
    context.run.external_id = commit
    context.run.external_url = _url(context, commit)
    return Outcome(variables, (artifact,), f"{commit[:8]} {message.splitlines()[0] if message else ''}".strip())


def _require_connection(context: Context, connection: str) -> None:
    """Check the permission with the service name of the connection's ARN: codeconnections or codestar-connections.

    Developer Tools console guide, "Connections rename": the prefix in a policy has to match the resource's.
    """
    service = connection.split(":")[2] if connection.count(":") >= 5 else "codeconnections"
    if not context.aws.allows(context.role.role_arn, f"{service}:UseConnection", connection):
        raise ActionFailedError(
            f"Unable to use Connection: {connection}. The provided role does not have sufficient permissions.",
            "PermissionError",
        )


def _repository(context: Context, name: str) -> Path:
    if name not in context.hooks.repositories:
        raise ActionFailedError(f"The connection has no repository [{name}].", "ConfigurationError")
    return context.hooks.repositories[name]


def _commit(context: Context, folder: Path, repository: str, branch: str) -> tuple[str, str, str, str]:
    reference = context.execution.overrides.get(context.run.action.name) or f"refs/heads/{branch}"
    try:
        text = _git(folder, "show", "--no-patch", f"--format={FIELDS}", f"{reference}^{{commit}}")
    except ActionFailedError as error:
        message = f"No Branch [{branch}] or commit [{reference}] found for FullRepositoryName [{repository}]"
        raise ActionFailedError(message, "ConfigurationError") from error
    commit, author_date, created, message = text.split("\0", 3)
    return commit, author_date, created, message.strip()


def _url(context: Context, commit: str) -> str:
    repository = context.configuration["FullRepositoryId"]
    address = f"https://{context.aws.region}.console.aws.amazon.com/codesuite/settings/connections/redirect"
    connection = context.configuration["ConnectionArn"]
    return f"{address}?connectionArn={connection}&referenceType=COMMIT&FullRepositoryId={repository}&Commit={commit}"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", f"safe.directory={folder}", "-C", str(folder), *arguments]
    result = subprocess.run(
        command, env=environment_of_git(), capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if result.returncode:
        raise ActionFailedError(f"git {arguments[0]} failed: {result.stderr.strip()}")
    return result.stdout
