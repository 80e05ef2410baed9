"""A local AWS account with the project's own pipeline, and the operations on it: push, follow, approve, retry."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import boto3

from rehearsal.account_loss import deploy_copy
from rehearsal.accounts import (
    APPROVER,
    LOST_ENVIRONMENT,
    WHERES,
    Accounts,
    administrators_checkout,
    name_accounts,
    profiles_file,
    settings_with_accounts,
)
from rehearsal.certificates import Authority
from rehearsal.codepipeline import ActionAddress, CodePipeline, ExecutionReport, FailAfter, StateChange
from rehearsal.commands import Commands
from rehearsal.deployment import HOST_PLATFORM
from rehearsal.emulator import ACCOUNT, Emulator, Identity
from rehearsal.mail import DOMAIN, send_newsletters, verify_sender
from rehearsal.model import Behaviour, InferenceProfile, LexiconAnswer, Model
from rehearsal.operators import operator
from rehearsal.proxy import Proxy
from rehearsal.publishers import Publishers, Scenario
from rehearsal.repository import BRANCH, BuildImage, Repository
from rehearsal.waiting import EXECUTION_SECONDS, LOG_LINES_SHOWN, StepError, display_path, wait_until
from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import Names, OperationsTask
from vectora_ops.settings import ENVIRONMENT_NAMES, Location, Settings
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import validate_all
from vectora_shared.errors import VectoraError

RUNNING = ("InProgress", "Stopping")
CONNECTION_ID = "00000000-0000-0000-0000-000000000000"

Fault = Callable[[ActionAddress], str | FailAfter | None]


@dataclass(frozen=True)
class BuiltRelease:
    """The release of a commit, as the pipeline's build exports it; `digests` are by environment."""

    content_digest: str
    digests: Mapping[str, str]


class Delivery:
    """Publishers, model, CodePipeline and AWS on this machine, as a context manager that ends all their processes.

    `logs` receives a file for each build and each command of the CDK. `accounts` are by environment and the pipeline;
    without them everything is in the account of the configuration.
    """

    emulator: Emulator
    model: Model
    checkout: Path
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
        accounts: Accounts = MappingProxyType({}),
    ) -> None:
        """Raise VectoraError when the checkout at `root` lacks a tool, or has an invalid configuration."""
        self._root = root
        self._logs = logs
        self._scenario = scenario
        self._behaviour = behaviour
        self._observer = observer
        self._fault = fault
        self._commands = Commands(root, logs)
        self.accounts = accounts
        self.settings: Settings = settings_with_accounts(root, accounts)
        self.configurations = validate_all(FolderContent(root / "config"))
        self._emulator_python = root / ".venv-emulator" / "bin" / "python"
        for tool in (self._emulator_python, root / ".venv" / "bin" / "cdk"):
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
                Emulator(self._emulator_python, authority, region=self.region(), proxy=proxy, with_pipelines=True)
            )
            self.model.connect(self.emulator)
            self.service.connect(self.emulator, self.account_id(), self.region())
            self.checkout = self._administrators_checkout()
            self.repository = Repository(self._root, self.emulator.scratch / "origin", self._prepare)
            repositories[self.settings.pipeline.repository] = self.repository.folder
            stack.callback(self._commands.end)
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.__exit__(kind, error, trace)

    def _prepare(self, folder: Path) -> None:
        send_newsletters(folder)
        name_accounts(folder, self.accounts)

    def _administrators_checkout(self) -> Path:
        """Return the checkout that commands run in: this one, unless the accounts are not those of its configuration.

        Operators have a profile for each of several accounts.
        """
        if not self.accounts:
            return self._root
        identities = {where: self.operator(where) for where in WHERES}
        identities[APPROVER] = self.emulator.administrator(self.account_id())
        file = self.emulator.scratch / "credentials"
        file.write_text(
            profiles_file({where: (each.key, each.secret, each.token) for where, each in identities.items()}),
            encoding="utf-8",
        )
        return administrators_checkout(self._root, self.emulator.scratch / "checkout", self.accounts)

    # --- accounts, regions and names; `where` is an environment or the pipeline

    def region(self, where: str = PIPELINE) -> str:
        """Return the region of an environment or of the pipeline."""
        return self._place(where).region

    def account_id(self, where: str = PIPELINE) -> str:
        """Return the account id of the configuration, or the emulator's default account."""
        return self._place(where).account or ACCOUNT

    def _place(self, where: str) -> Location:
        return self.settings.pipeline_place if where == PIPELINE else self.settings.place(where)

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return self.names(ENVIRONMENT_NAMES[0]).pipeline

    def names(self, env: str) -> Names:
        """Return the names of an environment's resources."""
        return self.settings.names(env)

    def operator(self, where: str = PIPELINE) -> Identity:
        """Return a session of the operator role of the account."""
        return operator(self.emulator, self._root, self.account_id(where))

    def account(self, where: str = PIPELINE) -> Account:
        """Return the account as the operator role sees it, with the pipeline's where that is another."""
        account = self._account(where)
        elsewhere = {PIPELINE: self._account(PIPELINE)} if self._place(where) != self._place(PIPELINE) else {}
        return replace(account, elsewhere=elsewhere)

    def _account(self, where: str) -> Account:
        session = self.emulator.session_of(self.operator(where), self.region(where))
        return Account(self.account_id(where), self.region(where), session)

    def administrator(self, where: str = PIPELINE) -> boto3.Session:
        """Return a session of the account's administrator, for what no operator does: set-up, damage, reading all."""
        return self.emulator.session(self.account_id(where), self.region(where))

    def client(self, service: str, where: str = PIPELINE) -> Any:
        """Return a client that acts as the administrator."""
        make: Any = self.administrator(where).client
        return make(service)

    # --- the pipeline

    @property
    def _assembly(self) -> str:
        return str(self.emulator.scratch / "cdk.out")

    def prepare(self) -> None:
        """Do what administrators do once in new accounts, and synthesize the pipeline at the same time.

        That is the bootstraps, the sender's identity and the connection, and for several accounts the stacks `access`
        and the copy of a vault.
        """
        for where in WHERES:
            self.operator(where)  # created before the threads
        with ThreadPoolExecutor(1 + len(WHERES)) as pool:
            begun = [pool.submit(self._bootstrap, where) for where in WHERES]
            begun.append(pool.submit(self._synthesize_pipeline))
        for each in begun:
            each.result()
        for env in ENVIRONMENT_NAMES if self.accounts else ():
            output = str(self.emulator.scratch / f"cdk.out-access-{env}")
            self._administer(env, f"access-{env}", "deploy", "--context", f"access={env}", "--output", output)
        if self.accounts:
            deploy_copy(self.emulator, self.checkout, LOST_ENVIRONMENT)
        verify_sender(self.administrator(ENVIRONMENT_NAMES[0]), DOMAIN)
        self.client("ssm").put_parameter(
            Name=self.settings.pipeline.connection_arn_parameter,
            Type="String",
            Value=f"arn:aws:codeconnections:{self.region()}:{self.account_id()}:connection/{CONNECTION_ID}",
        )

    def _bootstrap(self, where: str) -> None:
        own = () if where == PIPELINE else ("--context", f"env={where}")
        # Without an app the CLI synthesizes nothing.
        self._administer(where, f"bootstrap-{where}", "bootstrap", *own, "--app", "")

    def _synthesize_pipeline(self) -> None:
        options = ("--context", HOST_PLATFORM, "--output", self._assembly)
        self._run("synthesize-pipeline", "python", "-m", "tools.synthesize", *options)

    def _administer(self, where: str, step: str, *arguments: str) -> None:
        self.cdk(step, *arguments, identity=self.emulator.administrator(self.account_id(where)))

    def deploy_pipeline(self) -> str:
        """Deploy the pipeline that was synthesized with `cdk deploy`; return the id of its first execution."""
        self.cdk("deploy-pipeline", "deploy", "--app", self._assembly)
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

    def reach(self, execution: str, action: str, *statuses: str) -> None:
        """Wait until an action has one of the statuses; raise StepError when the execution ends without."""

        def has_reached() -> bool:
            report = self.report(execution)
            if any(each.action == action and each.status in statuses for each in report.actions):
                return True
            if report.status in RUNNING:
                return False
            failed = [f"{each.action}: {each.message}" for each in report.actions if each.status == "Failed"]
            raise StepError(f"Execution {execution} ended before {action}: {', '.join(failed) or report.status}", ())

        wait_until(f"{action} of execution {execution}", has_reached, EXECUTION_SECONDS)

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

        return run_remotely(self.account(env), self.names(env), task, event, lambda count: None)

    # --- commands

    def tools_environment(self, identity: Identity | None = None) -> dict[str, str]:
        """Return the variables with which tools on this machine act as the operator or as `identity`.

        With several accounts, operators have the profiles that the configuration names.
        """
        profiles = {"AWS_SHARED_CREDENTIALS_FILE": str(self.emulator.scratch / "credentials")} if self.accounts else {}
        own = self.emulator.environment(identity or self.operator())
        return own | profiles | self.service.network.environment()

    def cdk(self, step: str, *arguments: str, identity: Identity | None = None) -> None:
        """Run the CDK CLI as the operator or as `identity`; raise StepError with the end of its log when it fails."""
        self._run(step, "cdk", *arguments, identity=identity)

    def _run(self, step: str, tool: str, *arguments: str, identity: Identity | None = None) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._commands.run(
            step,
            [str(self.checkout / ".venv" / "bin" / tool), *arguments],
            environment=own | self.tools_environment(identity),
            folder=self.checkout,
        )

    def profiles(self) -> list[InferenceProfile]:
        """Return the inference profiles of all environments' models."""
        models = {each.model.id: each.model for each in map(self.settings.environment, ENVIRONMENT_NAMES)}
        return [InferenceProfile(each.id, each.foundation_model_id, each.routes_to) for each in models.values()]
