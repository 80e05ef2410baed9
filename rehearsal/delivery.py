"""A local AWS account with the project's own pipeline, and the operations on it: push, follow, approve, retry."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.exceptions import ClientError

from rehearsal.certificates import Authority
from rehearsal.codepipeline import ActionAddress, CodePipeline, ExecutionReport, FailAfter, StateChange
from rehearsal.deployment import HOST_PLATFORM
from rehearsal.emulator import ACCOUNT, Emulator, Identity
from rehearsal.mail import DOMAIN, send_newsletters, verify_sender
from rehearsal.model import Behaviour, InferenceProfile, LexiconAnswer, Model
from rehearsal.operators import operator
from rehearsal.proxy import Proxy
from rehearsal.publishers import Publishers, Scenario
from rehearsal.repository import BRANCH, BuildImage, Repository
from rehearsal.supervisor import end_supervised, start_supervised
from vectora_ops.account import Account
from vectora_ops.names import Names, OperationsTask
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, load_settings
from vectora_shared.aws_errors import error_code
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import validate_all
from vectora_shared.errors import VectoraError

LOG_LINES_SHOWN = 40
# Only a guard against hanging: each wait ends as soon as its condition holds.
EXECUTION_SECONDS = 3600.0
REACTION_SECONDS = 600.0
CONNECTION_ID = "00000000-0000-0000-0000-000000000000"

Fault = Callable[[ActionAddress], str | FailAfter | None]


class StepError(VectoraError):
    """A step failed; `log` are the last lines of its output."""

    def __init__(self, message: str, log: Sequence[str]) -> None:
        super().__init__(message)
        self.log = tuple(log)


@dataclass(frozen=True)
class BuiltRelease:
    """The release of a commit, as the pipeline's build exports it; `digests` are by environment."""

    content_digest: str
    digests: Mapping[str, str]


class Delivery:
    """Publishers, model, CodePipeline and AWS on this machine, as a context manager that ends all their processes.

    `logs` receives a file for each build and each command of the CDK.
    """

    emulator: Emulator
    model: Model
    operator: Identity
    proxy: Proxy
    repository: Repository

    def __init__(
        self,
        root: Path,
        *,
        logs: Path,
        scenario: Scenario,
        behaviour: Behaviour,
        observer: Callable[[StateChange], None],
        fault: Fault | None = None,
    ) -> None:
        """Raise VectoraError when the checkout at `root` lacks a tool, or has an invalid configuration."""
        self._root = root
        self._logs = logs
        self._scenario = scenario
        self._behaviour = behaviour
        self._observer = observer
        self._fault = fault
        self._processes: list[subprocess.Popen[bytes]] = []
        self.settings: Settings = load_settings(root)
        self.configurations = validate_all(FolderContent(root / "config"))
        self._emulator_python = root / ".venv-emulator" / "bin" / "python"
        self._cdk = root / ".venv" / "bin" / "cdk"
        for tool in (self._emulator_python, self._cdk):
            if not tool.exists():
                raise VectoraError(f"{tool} is missing: run `make setup`.")

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            authority = Authority()
            sources = self.configurations[0].sources.sources
            today = datetime.now(UTC).date()
            proxy = self.proxy = stack.enter_context(Proxy())
            stack.enter_context(Publishers(proxy, authority, sources, scenario=self._scenario, day=today))
            active = [each for each in self.configurations if each.client.client_profile.active]
            self.model = stack.enter_context(Model(proxy, authority, self.profiles(), LexiconAnswer(active)))
            self.model.behave(self._behaviour)
            repositories: dict[str, Path] = {}
            self.service = stack.enter_context(
                CodePipeline(
                    proxy,
                    authority,
                    repositories=repositories,
                    image=BuildImage(self._root),
                    observer=self._observer,
                    fault=self._fault,
                    logs=self._logs,
                )
            )
            self.emulator = stack.enter_context(
                Emulator(self._emulator_python, authority, region=self.region, proxy=proxy, with_pipelines=True)
            )
            self.model.connect(self.emulator)
            self.service.connect(self.emulator)
            self.operator = operator(self.emulator, self._root, self.account_id)
            self.repository = Repository(self._root, self.emulator.scratch / "origin", send_newsletters)
            repositories[self.settings.pipeline.repository] = self.repository.folder
            stack.callback(self._end_processes)
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.__exit__(kind, error, trace)

    # --- account, region and names

    @property
    def region(self) -> str:
        """Region of the account."""
        return self.settings.environment(ENVIRONMENT_NAMES[0]).region

    @property
    def account_id(self) -> str:
        """Account id of the configuration, or the emulator's default account."""
        return self.settings.environment(ENVIRONMENT_NAMES[0]).account or ACCOUNT

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return self.names(ENVIRONMENT_NAMES[0]).pipeline

    def names(self, env: str) -> Names:
        """Return the names of an environment's resources."""
        return self.settings.names(env)

    def account(self) -> Account:
        """Return the account as the operator role sees it."""
        session = self.emulator.session_of(self.operator, self.region)
        return Account(self.account_id, self.region, session)

    @property
    def administrator(self) -> boto3.Session:
        """Session of the account's administrator, for what no operator does: set-up, damage, reading everything."""
        return self.emulator.session(self.account_id, self.region)

    def client(self, service: str) -> Any:
        """Return a client that acts as the administrator."""
        make: Any = self.administrator.client
        return make(service)

    # --- the pipeline

    def bootstrap(self) -> None:
        """Do what an administrator does once in a new account: bootstraps, the sender's identity, the connection."""
        place = (f"aws://{self.account_id}/{self.region}", "--app", "")
        administrator = self.emulator.administrator(self.account_id)
        self.cdk("bootstrap-pipeline", "bootstrap", *place, identity=administrator)
        for env in ENVIRONMENT_NAMES:
            self.cdk(f"bootstrap-{env}", "bootstrap", *place, "--context", f"env={env}", identity=administrator)
        verify_sender(self.administrator, DOMAIN)
        self.client("ssm").put_parameter(
            Name=self.settings.pipeline.connection_arn_parameter,
            Type="String",
            Value=f"arn:aws:codeconnections:{self.region}:{self.account_id}:connection/{CONNECTION_ID}",
        )

    def deploy_pipeline(self) -> str:
        """Deploy the pipeline with `cdk deploy`; return the id of its first execution."""
        output = str(self.emulator.scratch / "cdk.out")
        self.cdk("deploy-pipeline", "deploy", "--context", HOST_PLATFORM, "--output", output)
        summaries = self.client("codepipeline").list_pipeline_executions(pipelineName=self.pipeline)
        return str(summaries["pipelineExecutionSummaries"][-1]["pipelineExecutionId"])

    def push(self, message: str, change: Callable[[Path], None]) -> str:
        """Commit and push a change; return the id of the execution that it starts."""
        self.repository.push(message, change)
        [execution] = self.service.pushed(self.settings.pipeline.repository, BRANCH)
        return execution

    def follow(self, execution: str) -> str:
        """Wait until the execution ends; return its status, such as Succeeded or Failed."""
        return self.service.wait(self.pipeline, execution, EXECUTION_SECONDS)

    def report(self, execution: str) -> ExecutionReport:
        """Return the report of an execution."""
        return self.service.report(self.pipeline, execution)

    def release(self, execution: str) -> BuiltRelease:
        """Return the release that an execution builds from its commit, once it is built."""
        found: dict[str, str] = {}

        def is_built() -> bool:
            actions = self.client("codepipeline").list_action_executions(
                pipelineName=self.pipeline, filter={"pipelineExecutionId": execution}
            )["actionExecutionDetails"]
            builds = [each for each in actions if each["actionName"] == "Synth" and each["status"] != "InProgress"]
            found.update(builds[0]["output"].get("outputVariables", {}) if builds else {})
            return bool(builds)

        wait_until(f"execution {execution} is built", is_built, EXECUTION_SECONDS)
        if not found:
            raise StepError(f"Execution {execution} was not built: {self.stopped_at(execution, 'Synth')}", ())
        return BuiltRelease(
            content_digest=found["RELEASE_CONTENT_DIGEST"],
            digests={env: found[f"RELEASE_DIGEST_{env.upper()}"] for env in ENVIRONMENT_NAMES},
        )

    def stopped_at(self, execution: str, action: str) -> str:
        """Return the message of the action that failed the execution; raise StepError when it was another action."""
        failed = [each for each in self.report(execution).actions if each.status == "Failed"]
        if failed and failed[-1].action == action:
            return failed[-1].message or ""
        found = f"{failed[-1].action} failed: {failed[-1].message}" if failed else "no action failed."
        log = failed[-1].log if failed else None
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log else []
        where = f" The whole log is {display_path(log, self._root)}." if log else ""
        raise StepError(
            f"Execution {execution} should have failed at {action}, but {found}{where}", lines[-LOG_LINES_SHOWN:]
        )

    def wait_for_approval(self, execution: str, env: str) -> dict[str, str]:
        """Wait for the approval action; return its token, information and link."""
        action = f"approval-{env}"
        self.service.wait_for_action(self.pipeline, execution, env, action, EXECUTION_SECONDS)
        state = self.client("codepipeline").get_pipeline_state(name=self.pipeline)
        [stage] = [each for each in state["stageStates"] if each["stageName"] == env]
        [found] = [each for each in stage["actionStates"] if each["actionName"] == action]
        pending = found["latestExecution"]
        return {
            "token": pending["token"],
            "information": pending.get("summary", ""),
            "link": found.get("entityUrl", ""),
        }

    def answer_approval(self, env: str, token: str, *, approve: bool, why: str) -> None:
        """Approve or reject the promotion into `env`, with a reason."""
        self.client("codepipeline").put_approval_result(
            pipelineName=self.pipeline,
            stageName=env,
            actionName=f"approval-{env}",
            token=token,
            result={"summary": why, "status": "Approved" if approve else "Rejected"},
        )

    @contextlib.contextmanager
    def closed(self, env: str, reason: str) -> Iterator[None]:
        """Disable the transition into the stage of `env` in the context, as an operator does with that reason."""
        transition = {"pipelineName": self.pipeline, "stageName": env, "transitionType": "Inbound"}
        codepipeline = self.client("codepipeline")
        codepipeline.disable_stage_transition(**transition, reason=reason)
        try:
            yield
        finally:
            codepipeline.enable_stage_transition(**transition)

    def retry(self, execution: str, env: str, mode: str = "FAILED_ACTIONS") -> None:
        """Retry the stage `env` of an execution; `mode` is FAILED_ACTIONS or ALL_ACTIONS."""
        self.client("codepipeline").retry_stage_execution(
            pipelineName=self.pipeline, stageName=env, pipelineExecutionId=execution, retryMode=mode
        )

    def invoke(self, env: str, task: OperationsTask, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke an operations function as a schedule or an operator does; return its answer."""
        from vectora_ops.remote import run_remotely

        return run_remotely(self.account(), self.names(env), task, event, lambda count: None)

    # --- commands

    def tools_environment(self, identity: Identity | None = None) -> dict[str, str]:
        """Return the variables with which tools on this machine act as the operator or as `identity`."""
        return self.emulator.environment(identity or self.operator) | self.service.network.environment()

    def cdk(self, step: str, *arguments: str, identity: Identity | None = None) -> None:
        """Run the CDK CLI as the operator or as `identity`; raise StepError with the end of its log when it fails."""
        log = self._logs / f"{step}.log"
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with log.open("wb") as output:
            process = start_supervised(
                [str(self._cdk), *arguments],
                environment=own | self.tools_environment(identity),
                folder=self._root,
                output=output,
            )
        self._processes.append(process)
        code = process.wait()
        if code:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            raise StepError(
                f"Step {step} failed (exit code {code}); the whole log is {display_path(log, self._root)}.",
                lines[-LOG_LINES_SHOWN:],
            )

    def _end_processes(self) -> None:
        for process in self._processes:
            end_supervised(process)

    def profiles(self) -> list[InferenceProfile]:
        """Return the inference profiles of all environments' models."""
        models = {each.model.id: each.model for each in map(self.settings.environment, ENVIRONMENT_NAMES)}
        return [InferenceProfile(each.id, each.foundation_model_id, each.routes_to) for each in models.values()]


class Inbox:
    """Notifications to the operators of an environment, received by a queue that subscribes to its topic."""

    def __init__(self, delivery: Delivery, env: str) -> None:
        """Subscribe to the topic of an environment that is deployed."""
        names = delivery.names(env)
        self._sqs = delivery.client("sqs")
        self._queue = self._sqs.create_queue(QueueName=f"{names.project}-operators-{env}")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        topic = f"arn:aws:sns:{delivery.region}:{delivery.account_id}:{names.topic('operations')}"
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        delivery.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )

    def wait_for(self, text: str) -> str:
        """Wait for a message with that text and return it; raise StepError when none arrives."""
        found: list[str] = []

        def has_arrived() -> bool:
            found.extend(each for each in self.read() if text in each)
            return bool(found)

        wait_until(f"operators are notified of '{text}'", has_arrived)
        return found[0]

    def read(self) -> list[str]:
        """Return all messages that arrived since the last call."""
        found: list[str] = []
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(str(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return found


def wait_until(
    event: str,
    condition: Callable[[], bool],
    seconds: float = REACTION_SECONDS,
    log: Callable[[], Sequence[str]] = tuple,
) -> None:
    """Wait until `condition` holds; raise StepError naming `event`, with the lines of `log`, when time runs out."""
    deadline = time.monotonic() + seconds
    while not _holds(condition):
        if time.monotonic() > deadline:
            raise StepError(f"Waited {seconds:.0f} seconds in vain for this: {event}.", log())
        time.sleep(0.1)


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except ClientError as error:
        if error_code(error) in ("ResourceNotFoundException", "ParameterNotFound"):
            return False
        raise


def display_path(path: Path, root: Path) -> str:
    """Return a path relative to the checkout where it is inside."""
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
