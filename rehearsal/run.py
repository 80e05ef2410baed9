"""The rehearsal: three environments deployed to the local AWS, a newsletter from each, one broken and rolled back."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich import box
from rich.console import Console
from rich.filesize import decimal as size
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from rehearsal.certificates import Authority
from rehearsal.disaster import DisasterResult, rehearse_disaster
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.gaps import BEHAVIOUR_GAPS, GAPS, StackReport, complete_by_api
from rehearsal.model import Behaviour, InferenceProfile, LexiconAnswer, Model, Statistics
from rehearsal.press import Press, Scenario
from rehearsal.tether import end_tethered, start_tethered
from vectora_core.config.content import Configuration, FolderContent, validate_all
from vectora_core.errors import VectoraError
from vectora_ops.account import Account
from vectora_ops.names import FUNCTION_TASKS, OPERATIONS_TASKS, Names
from vectora_ops.runs import RunOutcome, RunRequest, follow_run, start_run
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, load_settings

LOG_LINES_SHOWN = 40
# Deployments wait for the emulator most of the time, and synthesis takes one core.
ENVIRONMENTS_AT_ONCE = 3
# Where what is to be lost never is a reader's newsletter, and all is as in prod.
DISASTER_ENVIRONMENT = "stage"


@dataclass(frozen=True, kw_only=True)
class RehearsalOptions:
    """What is rehearsed, and with which publishers and model."""

    root: Path
    results_folder: Path | None = None  # build/rehearsal otherwise
    keep: bool = False
    as_json: bool = False
    environments: tuple[str, ...] = ENVIRONMENT_NAMES
    scenario: Scenario = field(default_factory=Scenario)
    behaviour: Behaviour = field(default_factory=Behaviour)

    @property
    def emulator_python(self) -> Path:
        return self.root / ".venv-emulator" / "bin" / "python"

    @property
    def cdk(self) -> Path:
        return self.root / ".venv" / "bin" / "cdk"

    @property
    def results(self) -> Path:
        return self.results_folder or self.root / "build" / "rehearsal"


class StepError(VectoraError):
    """A step failed; `log` is what it had to say."""

    def __init__(self, message: str, log: Sequence[str]) -> None:
        super().__init__(message)
        self.log = tuple(log)


@dataclass(frozen=True, kw_only=True)
class ClientRun:
    """One newsletter: `items` by stage, and the files it left in the results folder."""

    client_id: str
    seconds: float
    items: Mapping[str, int]
    analyzers: Mapping[str, int]
    cost_usd: float | None
    troubled_sources: Mapping[str, str]
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EnvironmentResult:
    env: str
    stacks: tuple[StackReport, ...]
    runs: tuple[ClientRun, ...]
    deploy_seconds: float
    disaster: DisasterResult | None


@dataclass(frozen=True, kw_only=True)
class RehearsalResult:
    """All of a rehearsal that succeeded."""

    iam_enforced: bool
    note: str | None
    environments: tuple[EnvironmentResult, ...]
    resources: Mapping[str, int]
    model: Statistics
    seconds: float


def rehearse(options: RehearsalOptions, console: Console | None = None) -> int:
    """Rehearse and report; the exit code is 1 when a step failed and 130 when somebody interrupted it.

    Progress and failures go to `console` (standard error), the summary or the JSON document to standard output.
    """
    console = console or Console(stderr=True)
    with _signals_as_interrupt():
        try:
            _Rehearsal(options, console).run()
        except KeyboardInterrupt:
            console.print("Interrupted; everything was ended and removed.")
            return 130
        except VectoraError as error:
            _show_failure(options, console, error)
            return 1
    return 0


@contextlib.contextmanager
def _signals_as_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP end the rehearsal as Ctrl-C does, with all its clean-up."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show_failure(options: RehearsalOptions, console: Console, error: VectoraError) -> None:
    log = error.log if isinstance(error, StepError) else ()
    for line in log:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    if options.as_json:
        _write_json({"succeeded": False, "error": str(error), "log": log})


def _write_json(document: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Raises VectoraError when another rehearsal writes to the folder; the system frees it when its owner is gone."""
    with (folder / ".lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise VectoraError(
                f"Another rehearsal writes to {folder}: wait for its end, or end the one that you kept (--keep)."
            ) from error
        yield


class _Rehearsal:
    """One rehearsal; what it starts ends with `run`."""

    def __init__(self, options: RehearsalOptions, console: Console) -> None:
        self._options = options
        self._console = console
        self._settings: Settings = load_settings(options.root)
        self._configurations = validate_all(FolderContent(options.root / "config"))
        self._processes: list[subprocess.Popen[bytes]] = []
        for tool in (options.emulator_python, options.cdk):
            if not tool.exists():
                raise VectoraError(f"{tool} is missing: run `make setup`.")

    @property
    def _active(self) -> list[Configuration]:
        return [each for each in self._configurations if each.client.client_profile.active]

    def run(self) -> None:
        started = time.monotonic()
        (self._options.results / "logs").mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            stack.enter_context(_alone_in(self._options.results))
            # Left last: by then what its threads wait for has ended.
            pool = stack.enter_context(ThreadPoolExecutor(ENVIRONMENTS_AT_ONCE))
            progress = stack.enter_context(self._progress())
            emulator, model = self._start(stack, progress)
            stack.callback(self._end_processes)
            results = self._environments(pool, progress, emulator)
            progress.stop()
            result = RehearsalResult(
                iam_enforced=emulator.iam_enforced,
                note=emulator.note,
                environments=results,
                resources=_counted(results),
                model=model.statistics,
                seconds=round(time.monotonic() - started, 1),
            )
            self._report(result)
            if self._options.keep:
                self._keep(emulator, model)

    def _progress(self) -> Progress:
        columns = (SpinnerColumn(finished_text="[green]✓[/green]"), TextColumn("{task.description}"))
        return Progress(*columns, TimeElapsedColumn(), console=self._console, transient=True)

    @contextlib.contextmanager
    def _step(self, progress: Progress, description: str) -> Iterator[None]:
        task = progress.add_task(description, total=None)
        started = time.monotonic()
        try:
            yield
        except BaseException:
            progress.console.print(f"[red]✗[/red] {description}", highlight=False)
            raise
        finally:
            progress.remove_task(task)
        seconds = time.monotonic() - started
        progress.console.print(f"[green]✓[/green] {description} [dim]({seconds:.1f} s)[/dim]", highlight=False)

    def _start(self, stack: contextlib.ExitStack, progress: Progress) -> tuple[Emulator, Model]:
        authority = Authority()
        today = datetime.now(UTC).date()
        sources = self._configurations[0].sources.sources
        region = self._settings.environment(self._options.environments[0]).region
        with self._step(progress, "Local AWS, publishers and model started"):
            press = stack.enter_context(Press(authority, sources, scenario=self._options.scenario, day=today))
            model = stack.enter_context(Model(authority, self._profiles(), LexiconAnswer(self._active)))
            model.behave(self._options.behaviour)
            workers = press.worker_environment() | model.worker_environment()
            emulator = stack.enter_context(
                Emulator(self._options.emulator_python, authority, region=region, worker_environment=workers)
            )
            model.connect(emulator)
        if emulator.note:
            self._console.print(emulator.note, style="bold yellow", markup=False)
        return emulator, model

    def _profiles(self) -> list[InferenceProfile]:
        models = {
            settings.model.id: settings.model
            for settings in map(self._settings.environment, self._options.environments)
        }
        return [InferenceProfile(each.id, each.foundation_model_id, each.routes_to) for each in models.values()]

    def _environments(
        self, pool: ThreadPoolExecutor, progress: Progress, emulator: Emulator
    ) -> tuple[EnvironmentResult, ...]:
        for account, region in sorted({self._place(env) for env in self._options.environments}):
            with self._step(progress, f"Account {account} bootstrapped for {region}"):
                self._cdk(emulator, account, "bootstrap", "bootstrap", f"aws://{account}/{region}", "--app", "")
        futures = [pool.submit(self._environment, progress, emulator, env) for env in self._options.environments]
        try:
            return tuple(future.result() for future in _first_failure_first(futures))
        except BaseException:
            for future in futures:
                future.cancel()
            raise

    def _place(self, env: str) -> tuple[str, str]:
        settings = self._settings.environment(env)
        return settings.account or ACCOUNT, settings.region

    def _environment(self, progress: Progress, emulator: Emulator, env: str) -> EnvironmentResult:
        names = self._settings.names(env)
        account, region = self._place(env)
        # An earlier rehearsal's newsletter must not pass for this one's.
        shutil.rmtree(self._options.results / env, ignore_errors=True)
        session = emulator.session(account, region)
        started = time.monotonic()
        with self._step(progress, f"{env}: deployed by cdk deploy --context env={env}"):
            # Several at once: each synthesizes into a folder of its own.
            output = str(emulator.scratch / f"cdk.out-{env}")
            self._cdk(emulator, account, f"deploy-{env}", "deploy", "--context", f"env={env}", "--output", output)
        deploy_seconds = round(time.monotonic() - started, 1)
        with self._step(progress, f"{env}: resources read back and completed"):
            stacks = tuple(complete_by_api(session, name) for name in _stacks(session, names))
        runs: list[ClientRun] = []
        for configuration in self._active:
            client_id = configuration.client.client_profile.client_id
            with self._step(progress, f"{env}: newsletter of {client_id} made by {names.state_machine}"):
                runs.append(self._newsletter(session, names, account, region, client_id))
        disaster = None
        if env == DISASTER_ENVIRONMENT:
            disaster = rehearse_disaster(
                Account(account, region, session, str(emulator.ca_bundle)),
                names,
                self._active[0].client.client_profile.client_id,
                lambda description: self._step(progress, description),
            )
        return EnvironmentResult(
            env=env, stacks=stacks, runs=tuple(runs), deploy_seconds=deploy_seconds, disaster=disaster
        )

    def _cdk(self, emulator: Emulator, account: str, step: str, *arguments: str) -> None:
        """Run the CDK CLI; raises StepError with the end of its log when it fails."""
        log = self._options.results / "logs" / f"{step}.log"
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with log.open("wb") as output:
            process = start_tethered(
                [str(self._options.cdk), *arguments],
                environment=own | emulator.environment(account),
                folder=self._options.root,
                output=output,
            )
        self._processes.append(process)
        code = process.wait()
        if code:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            where = _shown(log, self._options.root)
            raise StepError(
                f"Step {step} failed (exit code {code}); the whole log is {where}.", lines[-LOG_LINES_SHOWN:]
            )

    def _end_processes(self) -> None:
        for process in self._processes:
            end_tethered(process)

    def _newsletter(self, session: boto3.Session, names: Names, account: str, region: str, client_id: str) -> ClientRun:
        states = session.client("stepfunctions")
        machine = f"arn:aws:states:{region}:{account}:stateMachine:{names.state_machine}"
        try:
            execution = start_run(states, machine, RunRequest(client_id=client_id))
            outcome = follow_run(states, execution, lambda step: None)
        except (ClientError, BotoCoreError) as error:
            raise StepError(f"{names.env}: the run of {client_id} could not be followed: {error}", ()) from error
        if not outcome.succeeded:
            raise StepError(
                f"{names.env}: the run of {client_id} {outcome.status.lower()}: {outcome.reason}",
                _function_logs(session, names),
            )
        files = self._extract(session, names, client_id)
        return _client_run(client_id, outcome, files)

    def _extract(self, session: boto3.Session, names: Names, client_id: str) -> tuple[Path, ...]:
        """Copy the newsletter out of the bucket, which ends with the emulator."""
        s3 = session.client("s3")
        bucket = names.bucket("newsletters")
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{client_id}/").get("Contents", [])
        files: list[Path] = []
        for entry in listed:
            target = self._options.results / names.env / entry["Key"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
            files.append(target)
        return tuple(files)

    def _report(self, result: RehearsalResult) -> None:
        if self._options.as_json:
            _write_json({"succeeded": True, **asdict(result)})
        else:
            _show_summary(result, self._options.root, Console())

    def _keep(self, emulator: Emulator, model: Model) -> None:
        exports = emulator.environment(self._place(self._options.environments[0])[0])
        self._console.print("\nThe local AWS stays up. In another terminal:", highlight=False)
        for name in sorted(name for name in exports if name.startswith(("AWS_", "NODE_"))):
            self._console.print(f"  export {name}={exports[name]}", markup=False, highlight=False, soft_wrap=True)
        self._console.print(
            "Then: aws s3 ls | aws stepfunctions list-state-machines | python -c 'import boto3; "
            'print(boto3.client("s3").list_buckets())\'\n'
            f"The model's behaviour: curl --cacert {emulator.ca_bundle} {model.endpoint}/control (PUT sets it)\n"
            f"End it: Ctrl-C here, or kill {os.getpid()}.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        # To be stopped is how this ends as it should.
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
        self._console.print("Ended; nothing is left of it.")


def _first_failure_first(futures: Sequence[Future[EnvironmentResult]]) -> Sequence[Future[EnvironmentResult]]:
    """Waits until all are done or one failed, which then comes first; a short wait lets signals through."""
    while not all(future.done() for future in futures):
        if failed := [future for future in futures if future.done() and future.exception()]:
            return failed
        time.sleep(0.1)
    return futures


def _stacks(session: boto3.Session, names: Names) -> list[str]:
    pages = session.client("cloudformation").get_paginator("describe_stacks").paginate()
    deployed = [stack["StackName"] for page in pages for stack in page["Stacks"]]
    return sorted(name for name in deployed if name.startswith(f"{names.project}-") and name.endswith(f"-{names.env}"))


def _function_logs(session: boto3.Session, names: Names) -> list[str]:
    """The last lines that the environment's functions logged."""
    logs = session.client("logs")
    lines: list[tuple[int, str]] = []
    for task in (*FUNCTION_TASKS, *OPERATIONS_TASKS):
        with contextlib.suppress(ClientError):
            events = logs.filter_log_events(logGroupName=names.log_group(task))["events"]
            lines += [(event["timestamp"], f"{task}: {event['message'].rstrip()}") for event in events]
    return [line for _, line in sorted(lines, key=lambda line: line[0])][-LOG_LINES_SHOWN:]


def _client_run(client_id: str, outcome: RunOutcome, files: Sequence[Path]) -> ClientRun:
    manifests = [path for path in files if path.name == "manifest.json"]
    if not manifests:
        raise StepError(f"The run of {client_id} succeeded and wrote no manifest.json.", [str(path) for path in files])
    manifest = json.loads(manifests[0].read_bytes())
    metrics = manifest["metrics"]
    sources = outcome.steps.get("ingest", {}).get("sources", [])
    return ClientRun(
        client_id=client_id,
        seconds=round(outcome.seconds, 1),
        items=metrics["items"],
        analyzers=manifest["analyzers"],
        cost_usd=metrics["cost_usd"],
        troubled_sources={each["source_key"]: each["message"] for each in sources if each["status"] != "ok"},
        files=tuple(str(path) for path in files),
    )


def _counted(results: Sequence[EnvironmentResult]) -> dict[str, int]:
    stacks = [stack for result in results for stack in result.stacks]
    return {
        "deployed_unmodified": sum(len(stack.unmodified) for stack in stacks),
        "completed_by_api": sum(len(stack.completed) for stack in stacks),
        "left_out": sum(len(stack.left_out) for stack in stacks),
    }


def _show_summary(result: RehearsalResult, root: Path, out: Console) -> None:
    show = _plain(out)
    for environment in result.environments:
        stacks = ", ".join(f"{stack.stack} ({stack.resources} resources)" for stack in environment.stacks)
        show(f"{environment.env}: deployed in {environment.deploy_seconds:.0f} s: {stacks}")
    table = Table("env", "client", "ingested", "normalized", "matched", "selected", "analyzed by", box=box.SIMPLE)
    for environment in result.environments:
        for run in environment.runs:
            by = ", ".join(f"{name} {count}" for name, count in run.analyzers.items() if count)
            stages = [str(run.items[stage]) for stage in ("ingested", "normalized", "matched", "selected")]
            table.add_row(environment.env, run.client_id, *stages, by)
    out.print(table)
    for environment in result.environments:
        for run in environment.runs:
            pages = [Path(name) for name in run.files if name.endswith(".html")]
            show(f"{environment.env}, {run.client_id}: {', '.join(_shown(page, root) for page in pages)}")
    troubled = {key: why for e in result.environments for run in e.runs for key, why in run.troubled_sources.items()}
    for source, why in troubled.items():
        show(f"Source in trouble: {source}: {why}")
    for environment in result.environments:
        if environment.disaster:
            _show_disaster(environment.disaster, show)
    counts = result.resources
    show(
        f"Resources: {counts['deployed_unmodified']} deployed unmodified, {counts['completed_by_api']} completed by "
        f"API, {counts['left_out']} left out in part."
    )
    _show_gaps(result, show)
    show(f"Model: {result.model.calls} calls, {result.model.highest_concurrency} at once at the most.")
    show(f"IAM {'enforced' if result.iam_enforced else 'NOT ENFORCED'}. Took {result.seconds:.0f} s.")


def _show_gaps(result: RehearsalResult, show: Callable[[str], None]) -> None:
    met = {name for environment in result.environments for stack in environment.stacks for name in stack.gaps}
    for gap in GAPS:
        if gap.name in met:
            show(f"  {gap.name}: {gap.instead}. {gap.reason}.")
    for behaviour in BEHAVIOUR_GAPS:
        show(f"  {behaviour.what}: {behaviour.instead}.")


def _show_disaster(disaster: DisasterResult, show: Callable[[str], None]) -> None:
    show(
        f"{disaster.env}: snapshot {disaster.snapshot} ({disaster.entries} objects, {size(disaster.bytes)}), then "
        f"broken in {len(disaster.broken)} ways; diff --live showed {disaster.differences} differences:"
    )
    for way in disaster.broken:
        show(f"  {way}")
    show(
        f"  Rolled back in {disaster.rollback_seconds:.1f} s: {disaster.objects_written} objects written, "
        f"{len(disaster.stacks_changed)} stacks updated, {len(disaster.resources_recreated)} resources changed by hand "
        f"made anew; what was there before is in {disaster.safety_snapshot}."
    )
    show(f"  Proof: {disaster.smoke_test}; every component's digest equals the snapshot's, diff --live is empty.")


def _plain(out: Console) -> Callable[[str], None]:
    return lambda text: out.print(text, markup=False, highlight=False, soft_wrap=True)
