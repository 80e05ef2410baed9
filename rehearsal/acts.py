"""The acts of the rehearsal: a commit reaches prod, a bad one is rolled back automatically, and its fix follows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rehearsal.account_loss import AccountLossResult, Loss, rehearse_account_loss
from rehearsal.accounts import COPY, FRESH, LOST_ENVIRONMENT, SUFFIX, WHERES
from rehearsal.codepipeline import ExecutionReport
from rehearsal.delivery import Delivery
from rehearsal.disaster import DisasterResult, rehearse_disaster
from rehearsal.gaps.complete import StackReport, complete_by_api
from rehearsal.inbox import Inbox
from rehearsal.monitoring.act import MonitoringResult, rehearse_monitoring
from rehearsal.newsletters import ClientRun, function_logs, make_newsletter
from rehearsal.reviews import approve_change
from rehearsal.waiting import StepError, wait_until
from vectora_ops.live_environment import Environment
from vectora_ops.names import STACK_LAYERS
from vectora_ops.promotion.facts import live_digest
from vectora_ops.promotion.hold import release_hold
from vectora_ops.records import Records
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.vault import Vault

# Configured like prod, but without readers who could lose a newsletter.
DISASTER_ENVIRONMENT = "stage"
STAGE_MODEL = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
MISTYPED_MODEL = STAGE_MODEL.replace("sonnet", "sonet")
BAD_MESSAGE = "Use another model on stage (mistyped)"
FIX_MESSAGE = "Use the right model on stage again"
# Changed together with the model, so that each commit has content of its own and restarts the soak.
PRICES = "config/canonical/models/pricing.yaml"

Step = Callable[[str], AbstractContextManager[None]]
# Gets the information and the link that an approver sees, and returns whether to approve.
Approver = Callable[[str, str], bool]


@dataclass(frozen=True, kw_only=True)
class EnvironmentResult:
    """Result for one environment: its stacks, newsletter runs, and the disaster act where it took place."""

    env: str
    stacks: tuple[StackReport, ...]
    runs: tuple[ClientRun, ...]
    disaster: DisasterResult | None


@dataclass(frozen=True, kw_only=True)
class CommitResult:
    """Outcome of a pushed commit: where it `ended`, with `reason`, its release's `digests`, and further `proofs`."""

    message: str
    commit: str
    content_digest: str
    digests: Mapping[str, str]
    execution: str
    ended: str
    reason: str
    proofs: tuple[str, ...]
    seconds: float
    overhead_percent: float


@dataclass(frozen=True, kw_only=True)
class _Promotion:
    """The first commit's way into prod: why it was refused, why it passed later, and what was approved."""

    refused: str
    passed: str
    approved: str
    measured: ExecutionReport


class Acts:
    """The acts, played in order on a running delivery; each raises StepError when a result is not as expected."""

    def __init__(self, delivery: Delivery, results: Path, step: Step, approver: Approver) -> None:
        self._delivery = delivery
        self._results = results
        self._step = step
        self._approver = approver
        self._runs: dict[str, list[ClientRun]] = {}
        self._stacks: dict[str, tuple[StackReport, ...]] = {}
        self._monitored: dict[str, MonitoringResult] = {}
        self._disaster: DisasterResult | None = None
        self.account_loss: AccountLossResult | None = None
        self._commits: list[CommitResult] = []
        self._reports: list[ExecutionReport] = []
        self._pushed: dict[str, str] = {}  # commits by execution

    def play(self) -> None:
        """Run all acts; raise StepError at the first result that is not as expected."""
        delivery = self._delivery
        with self._step(self._bootstraps()):
            delivery.prepare()
        with self._step("Pipeline deployed by cdk deploy; its first execution started"):
            first = delivery.deploy_pipeline()
        self._pushed[first] = delivery.repository.head
        delivery.reach(first, "record-dev", "Succeeded")
        # Built while the first one is deployed. The review stops it, so it changes nothing yet.
        bad = self._push(BAD_MESSAGE, lambda folder: _set_stage_model(folder, STAGE_MODEL, MISTYPED_MODEL))
        promotion = self._promote(first)
        # Nothing enters the environment while an operator restores it; the next commit comes as far as dev meanwhile.
        with delivery.closed(DISASTER_ENVIRONMENT, "Restored by hand in the rehearsal"):
            self._concurrently(
                partial(self._reach_prod, first), partial(self._approve_change, bad), partial(self._disaster_act, first)
            )
            proofs = (f"First refused: {promotion.refused}", f"After 15 days: {promotion.passed}")
            approved = f"Approved: {promotion.approved}"
            self._record("This checkout", first, "in prod", approved, proofs, promotion.measured)
            before = live_digest(delivery.account(DISASTER_ENVIRONMENT), delivery.names(DISASTER_ENVIRONMENT))
            inbox = Inbox(delivery, DISASTER_ENVIRONMENT)
        delivery.follow(bad)
        # Built while the environment is rolled back.
        fix = self._push(FIX_MESSAGE, _fix_stage_model)
        self._concurrently(
            partial(self._approve_change, fix),
            partial(self._bad_commit, bad, before, inbox),
            *(partial(self._monitor, env) for env in ENVIRONMENT_NAMES if env != DISASTER_ENVIRONMENT),
        )
        self._concurrently(partial(self._fix, fix), partial(self._monitor, DISASTER_ENVIRONMENT))
        if delivery.accounts:
            self._account_loss_act()

    def _bootstraps(self) -> str:
        delivery = self._delivery
        accounts = dict.fromkeys(delivery.account_id(where) for where in WHERES)
        regions = dict.fromkeys(delivery.region(where) for where in WHERES)
        plural = "s" if len(accounts) > 1 else ""
        copy = f"; a copy of the vault of {LOST_ENVIRONMENT} is in account {COPY.account}" if delivery.accounts else ""
        return (
            f"Account{plural} {', '.join(accounts)} bootstrapped for {', '.join(regions)}, pipeline synthesized{copy}"
        )

    @property
    def environments(self) -> tuple[EnvironmentResult, ...]:
        """Results by environment, in the order of promotion."""
        return tuple(
            EnvironmentResult(
                env=env,
                stacks=stacks,
                runs=tuple(self._runs.get(env, ())),
                disaster=self._disaster if env == DISASTER_ENVIRONMENT else None,
            )
            for env, stacks in sorted(self._stacks.items(), key=lambda each: ENVIRONMENT_NAMES.index(each[0]))
        )

    @property
    def monitored(self) -> tuple[MonitoringResult, ...]:
        """Results of the monitoring act, in the order of promotion."""
        return tuple(self._monitored[env] for env in ENVIRONMENT_NAMES)

    @property
    def commits(self) -> tuple[CommitResult, ...]:
        """Outcomes of the commits, in the order they were pushed."""
        return tuple(self._commits)

    @property
    def reports(self) -> tuple[ExecutionReport, ...]:
        """Reports of the commits' executions, in the same order."""
        return tuple(self._reports)

    # --- a commit reaches prod

    def _promote(self, execution: str) -> _Promotion:
        """Bring the first commit past the gate and the approval of prod."""
        delivery = self._delivery
        self._concurrently(partial(self._newsletters_of, "dev"), partial(self._stage_proven, execution))
        refused = self._refused_at_the_gate(execution)
        # Measured now: the time until a retry would count as overhead of the pipeline.
        measured = delivery.report(execution)
        decision = delivery.invoke("stage", "promotion", {"operation": "explain"})["decision"]
        if decision["outcome"] != "pass":
            raise StepError(f"The gate of prod still refuses: {decision['sentence']}", ())
        with self._step("The schedule retries the refused promotion"):
            delivery.invoke("stage", "promotion", {"operation": "retry"})
            approval = delivery.wait_for_approval(execution, "prod")
        approved = self._approver(approval["information"], approval["link"])
        why = "approved in the rehearsal" if approved else "rejected in the rehearsal"
        delivery.answer_approval("prod", approval["token"], approve=approved, why=why)
        if not approved:
            raise StepError("The promotion into prod was rejected, so the rehearsal ends here.", ())
        return _Promotion(
            refused=refused, passed=decision["sentence"], approved=approval["information"], measured=measured
        )

    def _stage_proven(self, execution: str) -> None:
        """Follow the execution until prod refuses it, and do in stage what the gate requires."""
        self._delivery.follow(execution)
        self._refused_at_the_gate(execution)
        self._newsletters_of("stage")
        with self._step("stage: a second run, because the gate of prod requires two"):
            self._newsletter("stage", days_ago=1)
        with self._step("stage: the release is made 15 days old, to satisfy the soak gate"):
            self._age("stage", days=15)

    def _reach_prod(self, execution: str) -> None:
        status = self._delivery.follow(execution)
        if status != "Succeeded":
            last = self._delivery.report(execution).actions[-1]
            raise StepError(f"The first commit ended {status} in prod, at {last.action}: {last.message}", ())
        self._newsletters_of("prod")

    def _refused_at_the_gate(self, execution: str) -> str:
        message = self._delivery.stopped_at(execution, "gate-prod")
        if "soaked" not in message:
            raise StepError(f"The gate of prod did not refuse a new commit for its soak time, but: {message}", ())
        return message

    # --- steps in one environment

    def _concurrently(self, *works: Callable[[], None]) -> None:
        """Do work in several environments, as their operators would; raise the first error when all have ended."""
        with ThreadPoolExecutor(len(works)) as pool:
            begun = [pool.submit(work) for work in works]
        for each in begun:
            each.result()

    def _newsletters_of(self, env: str) -> None:
        self._complete(env)
        self._newsletters(env)

    def _complete(self, env: str) -> None:
        session = self._delivery.administrator(env)
        names = self._delivery.names(env)
        with self._step(f"{env}: resources compared with their templates, and completed by API"):
            self._stacks[env] = tuple(complete_by_api(session, names.stack(layer)) for layer in STACK_LAYERS)

    def _newsletters(self, env: str) -> None:
        # A newsletter of an earlier rehearsal must not be mistaken for this one's.
        shutil.rmtree(self._results / env, ignore_errors=True)
        with self._step(f"{env}: newsletter made by {self._delivery.names(env).state_machine}"):
            self._newsletter(env, days_ago=0)

    def _newsletter(self, env: str, *, days_ago: int) -> None:
        for configuration in self._delivery.configurations:
            profile = configuration.client.client_profile
            if profile.active:
                run = make_newsletter(
                    self._delivery.account(env),
                    self._delivery.names(env),
                    profile.client_id,
                    datetime.now(UTC).date() - timedelta(days=days_ago),
                    self._results / env,
                )
                if not days_ago:
                    self._runs.setdefault(env, []).append(run)

    def _age(self, env: str, *, days: int) -> None:
        """Move the newest ledger entry back in time, because a rehearsal cannot wait for two weeks of soak."""
        account = replace(self._delivery.account(env), session=self._delivery.administrator(env))
        records = Records(account, self._delivery.names(env))
        last = records.ledger()[-1]
        records.add_to_ledger(last.model_copy(update={"at": last.at - timedelta(days=days)}))

    def _disaster_act(self, execution: str) -> None:
        """Break and restore stage, when the promotion into prod, which reads its facts until the end, is recorded."""
        self._delivery.reach(execution, "record-prod", "Succeeded")
        names = self._delivery.names(DISASTER_ENVIRONMENT)
        client_id = next(iter(self._runs[DISASTER_ENVIRONMENT])).client_id
        delivery = self._delivery
        account, administrator = delivery.account(DISASTER_ENVIRONMENT), delivery.administrator(DISASTER_ENVIRONMENT)
        self._disaster = rehearse_disaster(account, names, client_id, administrator, self._step)

    def _account_loss_act(self) -> None:
        """Restore an environment into a fresh account; its own one is reinstated, because what follows reads both."""
        delivery = self._delivery
        # With the layers that the deployment of the pipeline built: the local AWS reaches no package index.
        checkout = delivery.emulator.scratch / "checkout-of-the-fresh-account"
        shutil.copytree(delivery.checkout, checkout, symlinks=True)
        loss = Loss(
            emulator=delivery.emulator,
            checkout=checkout,
            env=LOST_ENVIRONMENT,
            fresh_account=FRESH,
            bucket_suffix=SUFFIX,
            client_id=next(iter(self._runs[LOST_ENVIRONMENT])).client_id,
        )
        self.account_loss = rehearse_account_loss(loss, self._step)
        delivery.emulator.reinstate(delivery.account_id(LOST_ENVIRONMENT))

    def _monitor(self, env: str) -> None:
        self._monitored[env] = rehearse_monitoring(self._delivery, env, self._results, self._step)

    # --- a bad commit, and its fix

    def _push(self, message: str, change: Callable[[Path], None]) -> str:
        execution = self._delivery.push(message, change)
        self._pushed[execution] = self._delivery.repository.head
        return execution

    def _approve_change(self, execution: str) -> None:
        """Approve that the commit lets stage use another model: it is an access rule."""
        text = approve_change(self._delivery, execution)
        with self._step("The pipeline stopped a commit that changes what stage may use, and it was approved"):
            if "bedrock:InvokeModel" not in text:
                raise StepError(f"The review did not say what changes: {text}", ())

    def _bad_commit(self, execution: str, before: str | None, inbox: Inbox) -> None:
        delivery, env = self._delivery, DISASTER_ENVIRONMENT
        account, names = delivery.account(env), delivery.names(env)
        records = Records(account, names)
        message = delivery.stopped_at(execution, f"smoke-test-{env}")
        with self._step(f"{env}: rolled back automatically, and held"):
            wait_until(
                f"{env} is held",
                lambda: (hold := records.hold()) is not None and hold.state == "held",
                log=lambda: function_logs(account, names),
            )
        hold = records.hold()
        deployment = records.deployment()
        if hold is None or deployment is None or deployment.state != "rolled back":
            raise StepError(f"{env} was not rolled back: {hold}", ())
        with self._step(f"{env}: compared with {deployment.snapshot}"):
            vault = Vault(account, names)
            left = list(with_live(vault, Environment(account, names), vault.manifest(deployment.snapshot)))
        if left or live_digest(account, names) != before:
            raise StepError(
                f"{env} differs from its snapshot after the rollback: {len(left)} differences, such as {left[:3]}.", ()
            )
        notification = inbox.wait_for(f"Promotion into {env} is held")
        proofs = (hold.outcome, f"Notified: {notification}")
        self._record(BAD_MESSAGE, execution, f"stopped at smoke-test-{env}", message, proofs)

    def _fix(self, execution: str) -> None:
        delivery, env = self._delivery, DISASTER_ENVIRONMENT
        account, names = delivery.account(env), delivery.names(env)
        with self._step(f"{env}: the fix passed dev, and waits because {env} is held"):
            delivery.reach(execution, "record-dev", "Succeeded")
        with self._step(f"{env}: the hold is released"):
            release_hold(account, names, "the rehearsal")
        delivery.follow(execution)
        refused = self._refused_at_the_gate(execution)
        ledger = Records(account, names).ledger()
        if ledger[-1].kind != "release" or ledger[-1].execution != execution:
            raise StepError(f"The fix did not reach {env}: its ledger ends with {ledger[-1]}.", ())
        self._record(FIX_MESSAGE, execution, f"in {env}; prod follows after its soak time", refused, ())

    def _record(
        self,
        message: str,
        execution: str,
        ended: str,
        reason: str,
        proofs: tuple[str, ...],
        measured: ExecutionReport | None = None,
    ) -> None:
        report = measured or self._delivery.report(execution)
        self._reports.append(self._delivery.report(execution))
        release = self._delivery.release(execution)
        self._commits.append(
            CommitResult(
                message=message,
                commit=self._pushed[execution],
                content_digest=release.content_digest,
                digests=dict(release.digests),
                execution=execution,
                ended=ended,
                reason=reason,
                proofs=proofs,
                seconds=round(report.seconds, 1),
                overhead_percent=round(100 * report.overhead / report.seconds, 2),
            )
        )


def _set_stage_model(folder: Path, before: str, after: str) -> None:
    """Replace the model of stage in config/environments.yaml, and note it with the prices; prod keeps its model."""
    path = folder / "config" / "environments.yaml"
    head, stage, rest = path.read_text(encoding="utf-8").partition("\n  stage:\n")
    changed = rest.replace(f"id: {before}", f"id: {after}", 1)
    if before == STAGE_MODEL:
        changed = changed.replace("fallback: lexicon", "fallback: none", 1)
    else:
        changed = changed.replace("fallback: none", "fallback: lexicon", 1)
    path.write_text(head + stage + changed, encoding="utf-8")
    with (folder / PRICES).open("a", encoding="utf-8") as prices:
        prices.write(f"# Model of stage: {after}\n")


def _fix_stage_model(folder: Path) -> None:
    _set_stage_model(folder, MISTYPED_MODEL, STAGE_MODEL)
