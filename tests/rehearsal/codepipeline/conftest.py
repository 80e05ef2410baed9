"""Fixtures: an account with a repository, roles and a function for each module, and declarations of pipelines."""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from rehearsal.certificates import Authority
from rehearsal.codepipeline import ActionAddress, CodePipeline, FailAfter, StateChange, Timing
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.proxy import Proxy

REGION = "eu-west-3"
# Only a guard against hanging: each wait ends as soon as its condition holds.
PATIENCE = 600.0
BUCKET = "artifacts"
REPOSITORY = "owner/name"
CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/one"
# Long enough for any machine; a test that expects a timeout sets its own (World.impatient).
TIMING = Timing(job_answer=PATIENCE, job_limit=PATIENCE, continuation_pause=0.01, build_minute=PATIENCE / 60)
FUNCTION = """\
import json
import boto3

client = boto3.client("codepipeline")

def lambda_handler(event, context):
    job = event["CodePipeline.job"]
    parameters = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    token = job["data"].get("continuationToken")
    if parameters["do"] == "fail":
        details = {"message": "the gate is closed", "type": "JobFailed"}
        client.put_job_failure_result(jobId=job["id"], failureDetails=details)
    elif parameters["do"] == "continue" and token != "2":
        client.put_job_success_result(jobId=job["id"], continuationToken=str(int(token or "0") + 1))
    elif parameters["do"] != "stay silent":
        variables = {"echo": parameters.get("say", ""), "token": token or "none", "job": job["id"]}
        details = {"summary": "all is well"}
        client.put_job_success_result(jobId=job["id"], outputVariables=variables, executionDetails=details)
"""


def _git(folder: Path, *arguments: str) -> str:
    author = {f"GIT_{who}_{what}": "test@test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **author, "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", env=environment).stdout.strip()


@dataclass
class World:
    """State that a module's tests share: the stand-in, its emulator, the repository, and recorded changes."""

    service: CodePipeline
    emulator: Emulator
    repository: Path
    changes: list[StateChange] = field(default_factory=list)
    faults: dict[str, str | FailAfter] = field(default_factory=dict)

    @property
    def client(self) -> Any:
        return self.emulator.session().client("codepipeline")

    def aws(self, service: str) -> Any:
        clients: Any = self.emulator.session()
        return clients.client(service)

    def commit(self, files: Mapping[str, str], message: str = "A change") -> str:
        for name, text in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _git(self.repository, "add", "--all")
        _git(self.repository, "commit", "--quiet", "--allow-empty", "--message", message)
        return _git(self.repository, "rev-parse", "HEAD")

    def role(self, name: str, principal: Mapping[str, Any], *statements: Mapping[str, Any]) -> str:
        iam = self.aws("iam")
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [trust]}
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=json.dumps(policy))
        return arn

    def project(self, name: str, buildspec: Mapping[str, Any] | str, **settings: Any) -> str:
        text = buildspec if isinstance(buildspec, str) else json.dumps({"version": "0.2", **buildspec})
        self.aws("codebuild").create_project(
            name=name,
            source={"type": "CODEPIPELINE", "buildspec": text},
            artifacts={"type": "CODEPIPELINE"},
            environment={"type": "LINUX_CONTAINER", "image": "standard", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole=settings.pop("serviceRole", f"arn:aws:iam::{ACCOUNT}:role/build"),
            **settings,
        )
        return name

    def create(self, name: str, *stages: Mapping[str, Any], **settings: Any) -> str:
        """Create a pipeline that begins with the repository; return its first execution."""
        self.client.create_pipeline(pipeline=declaration(name, *stages, **settings))
        return self.executions(name)[0]

    def executions(self, name: str) -> list[str]:
        """Return the ids of a pipeline's executions, newest first."""
        found = self.client.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
        return [each["pipelineExecutionId"] for each in found]

    def start(self, name: str, **arguments: Any) -> str:
        return str(self.client.start_pipeline_execution(name=name, **arguments)["pipelineExecutionId"])

    def wait(self, name: str, execution: str) -> str:
        return self.service.wait(name, execution, PATIENCE)

    @contextmanager
    def impatient(self, **seconds: Any) -> Iterator[None]:
        """Use shorter times for actions that start inside, for tests that expect a timeout."""
        shared = self.service._shared
        before = shared.hooks
        shared.hooks = replace(before, timing=replace(before.timing, **seconds))
        try:
            yield
        finally:
            shared.hooks = before

    def wait_for_approval(self, name: str, execution: str) -> str:
        """Wait for the approval; return its token."""
        self.service.wait_for_action(name, execution, "Release", "Approve", PATIENCE)
        return str(self.action(name, "Release", "Approve")["latestExecution"]["token"])

    def decide(self, name: str, token: str, status: str, summary: str = "") -> None:
        self.client.put_approval_result(
            pipelineName=name,
            stageName="Release",
            actionName="Approve",
            token=token,
            result={"status": status, "summary": summary},
        )

    def stage(self, name: str, stage: str) -> dict[str, Any]:
        states = self.client.get_pipeline_state(name=name)["stageStates"]
        found: dict[str, Any] = next(each for each in states if each["stageName"] == stage)
        return found

    def action(self, name: str, stage: str, action: str) -> dict[str, Any]:
        states = self.stage(name, stage)["actionStates"]
        found: dict[str, Any] = next(each for each in states if each["actionName"] == action)
        return found

    def runs(self, name: str, execution: str) -> dict[str, dict[str, Any]]:
        """Return an execution's actions by name, each as the last entry of ListActionExecutions."""
        chosen = {"pipelineExecutionId": execution}
        details = self.client.list_action_executions(pipelineName=name, filter=chosen)["actionExecutionDetails"]
        return {each["actionName"]: each for each in reversed(details)}

    def error(self, name: str, execution: str, action: str) -> str:
        result = self.runs(name, execution)[action]["output"]["executionResult"]
        return str(result["errorDetails"]["message"])


def action(name: str, category: str, provider: str, /, **parts: Any) -> dict[str, Any]:
    """Return an action's declaration; `inputs` and `outputs` are names of artifacts."""
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    inputs = [{"name": each} for each in parts.pop("inputs", [])]
    outputs = [{"name": each} for each in parts.pop("outputs", [])]
    return {"name": name, "actionTypeId": kind, "inputArtifacts": inputs, "outputArtifacts": outputs, **parts}


def source() -> dict[str, Any]:
    configuration = {"ConnectionArn": CONNECTION, "FullRepositoryId": REPOSITORY, "BranchName": "main"}
    parts = {"configuration": configuration, "outputs": ["Code"], "namespace": "Source"}
    return {"name": "Source", "actions": [action("Checkout", "Source", "CodeStarSourceConnection", **parts)]}


def declaration(name: str, *stages: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    return {
        "name": name,
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/pipeline",
        "artifactStore": {"type": "S3", "location": BUCKET},
        "pipelineType": "V2",
        "stages": [source(), *stages],
        **settings,
    }


def build(name: str, project: str, **parts: Any) -> dict[str, Any]:
    variables = parts.pop("variables", None)
    extra = {"EnvironmentVariables": json.dumps(variables)} if variables else {}
    configuration = {"ProjectName": project, **extra}
    return action(name, "Build", "CodeBuild", configuration=configuration, **{"inputs": ["Code"], **parts})


def invoke(name: str, do: str, **parts: Any) -> dict[str, Any]:
    parameters = {"do": do, "say": parts.pop("say", "")}
    configuration = {"FunctionName": parts.pop("function", "function"), "UserParameters": json.dumps(parameters)}
    return action(name, "Invoke", "Lambda", configuration=configuration, **parts)


def approval(**parts: Any) -> dict[str, Any]:
    return {"name": "Release", "actions": [action("Approve", "Approval", "Manual", **parts)]}


def stage(name: str, *actions: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "actions": list(actions)}


@dataclass(frozen=True)
class Parts:
    """Functions that return declarations of pipelines and their parts."""

    action: Callable[..., dict[str, Any]] = action
    declaration: Callable[..., dict[str, Any]] = declaration
    build: Callable[..., dict[str, Any]] = build
    invoke: Callable[..., dict[str, Any]] = invoke
    approval: Callable[..., dict[str, Any]] = approval
    stage: Callable[..., dict[str, Any]] = stage
    source: Callable[..., dict[str, Any]] = source


@pytest.fixture(scope="session")
def parts() -> Parts:
    return Parts()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, authority: Authority, emulator_python: Path) -> Iterator[World]:
    repository = tmp_path_factory.mktemp("repository")
    _git(repository, "init", "--quiet", "--initial-branch=main")
    changes: list[StateChange] = []
    faults: dict[str, str | FailAfter] = {}

    def fault(address: ActionAddress) -> str | FailAfter | None:
        return faults.get(f"{address.pipeline}/{address.action}")

    repositories = {REPOSITORY: repository}
    with (
        Proxy() as proxy,
        CodePipeline(
            proxy, authority, repositories=repositories, timing=TIMING, observer=changes.append, fault=fault
        ) as service,
        Emulator(emulator_python, authority, region=REGION, proxy=proxy, with_pipelines=True) as emulator,
    ):
        service.connect(emulator)
        world = World(service, emulator, repository, changes, faults)
        _create_resources(world)
        yield world


def _create_resources(world: World) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    services = {"pipeline": "codepipeline", "build": "codebuild", "function": "lambda", "stacks": "cloudformation"}
    for name, service in services.items():
        world.role(name, {"Service": f"{service}.amazonaws.com"}, everything)
    world.aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", FUNCTION)
    world.aws("lambda").create_function(
        FunctionName="function",
        Runtime="python3.13",
        Handler="handler.lambda_handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/function",
        Timeout=300,
        Code={"ZipFile": code.getvalue()},
    )
    world.commit({"README.md": "hello\n", "tools/run.sh": "#!/bin/sh\necho run\n"}, "The first commit")
