"""The acts of the rehearsal: a commit goes to prod, a bad one is rolled back by itself, and the fix goes after it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rehearsal.codepipeline import ExecutionReport
from rehearsal.delivery import EXECUTION_SECONDS, Delivery, Inbox, StepError, wait_until
from rehearsal.disaster import DisasterResult, rehearse_disaster
from rehearsal.gaps.complete import StackReport, complete_by_api
from rehearsal.newsletters import ClientRun, function_logs, make_newsletter
from vectora_ops.live_environment import Environment
from vectora_ops.names import STACK_LAYERS
from vectora_ops.promotion.facts import live_digest
from vectora_ops.promotion.hold import release_hold
from vectora_ops.records import Records
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.vault import Vault

# Where what is to be lost never is a reader's newsletter, and all is as in prod.
DISASTER_ENVIRONMENT = "stage"
STAGE_MODEL = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
MISTYPED_MODEL = STAGE_MODEL.replace("sonnet", "sonet")
BAD_MESSAGE = "Ask another model on stage (mistyped)"
FIX_MESSAGE = "Ask the right model on stage again"
# Changed with the model, so that each commit has content of its own and soaks anew.
PRICES = "config/canonical/models/pricing.yaml"

Step = Callable[[str], AbstractContextManager[None]]
# Given what the approver is shown; whether to approve.
Approver = Callable[[str, str], bool]


@dataclass(frozen=True, kw_only=True)
class EnvironmentResult:
    env: str
    stacks: tuple[StackReport, ...]
    runs: tuple[ClientRun, ...]
    disaster: DisasterResult | None


@dataclass(frozen=True, kw_only=True)
class CommitResult:
    """The result of a pushed commit: where it `ended`, with `reason`, and what else was proven.

    `digests` are those of its release by environment.
    """

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


class Acts:
    """Plays the acts on a delivery that is up, in this order; each raises StepError when anything is not as it must."""

    def __init__(self, delivery: Delivery, results: Path, step: Step, approver: Approver) -> None:
        self._delivery = delivery
        self._results = results
        self._step = step
        self._approver = approver
        self._runs: dict[str, list[ClientRun]] = {}
        self._stacks: dict[str, tuple[StackReport, ...]] = {}
        self._disaster: DisasterResult | None = None
        self._commits: list[CommitResult] = []
        self._reports: list[ExecutionReport] = []

    def play(self) -> None:
        delivery = self._delivery
        with self._step(f"Account {delivery.account_id} bootstrapped for {delivery.region}"):
            delivery.bootstrap()
        with self._step("Pipeline deployed by cdk deploy; its first execution began"):
            execution = delivery.deploy_pipeline()
        self._first_commit(execution)
        self._disaster_act()
        self._bad_commit()
        self._fix()

    @property
    def environments(self) -> tuple[EnvironmentResult, ...]:
        return tuple(
            EnvironmentResult(
                env=env,
                stacks=stacks,
                runs=tuple(self._runs.get(env, ())),
                disaster=self._disaster if env == DISASTER_ENVIRONMENT else None,
            )
            for env, stacks in self._stacks.items()
        )

    @property
    def commits(self) -> tuple[CommitResult, ...]:
        return tuple(self._commits)

    @property
    def reports(self) -> tuple[ExecutionReport, ...]:
        return tuple(self._reports)

    # --- a commit goes to prod

    def _first_commit(self, execution: str) -> None:
        delivery = self._delivery
        delivery.follow(execution)
        refused = self._refused_at_the_gate(execution)
        # A retried execution's time between its tries is nobody's overhead.
        measured = delivery.report(execution)
        for env in ("dev", "stage"):
            self._complete(env)
            self._newsletters(env)
        with self._step("stage: a second run, because prod wants two"):
            self._newsletter("stage", days_ago=1)
        with self._step("stage: the clock is moved: it has had this release for 15 days"):
            self._age("stage", days=15)
        decision = delivery.invoke("stage", "promotion", {"operation": "explain"})["decision"]
        if decision["outcome"] != "pass":
            raise StepError(f"The gate of prod still refuses: {decision['sentence']}", ())
        with self._step("The schedule tries the refused promotion again"):
            delivery.invoke("stage", "promotion", {"operation": "retry"})
            asked = delivery.wait_for_approval(execution, "prod")
        approved = self._approver(asked["information"], asked["link"])
        why = "approved in the rehearsal" if approved else "rejected in the rehearsal"
        delivery.answer_approval("prod", asked["token"], approve=approved, why=why)
        status = delivery.follow(execution)
        if not approved:
            raise StepError("The promotion into prod was rejected, so the rehearsal ends here.", ())
        if status != "Succeeded":
            last = delivery.report(execution).actions[-1]
            raise StepError(f"The first commit ended {status} in prod, at {last.action}: {last.message}", ())
        self._complete("prod")
        self._newsletters("prod")
        proofs = (f"First refused: {refused}", f"After 15 days: {decision['sentence']}")
        self._note("This checkout", execution, "in prod", f"Approved: {asked['information']}", proofs, measured)

    def _refused_at_the_gate(self, execution: str) -> str:
        message = self._delivery.stopped_at(execution, "gate-prod")
        if "soaked" not in message:
            raise StepError(f"A fresh commit was to be refused because it has not soaked, but: {message}", ())
        return message

    # --- what an environment does

    def _complete(self, env: str) -> None:
        session = self._delivery.administrator
        names = self._delivery.names(env)
        with self._step(f"{env}: resources read back and completed"):
            self._stacks[env] = tuple(complete_by_api(session, names.stack(layer)) for layer in STACK_LAYERS)

    def _newsletters(self, env: str) -> None:
        # An earlier rehearsal's newsletter must not pass for this one's.
        shutil.rmtree(self._results / env, ignore_errors=True)
        with self._step(f"{env}: newsletter made by {self._delivery.names(env).state_machine}"):
            self._newsletter(env, days_ago=0)

    def _newsletter(self, env: str, *, days_ago: int) -> None:
        for configuration in self._delivery.configurations:
            profile = configuration.client.client_profile
            if profile.active:
                run = make_newsletter(
                    self._delivery.account(),
                    self._delivery.names(env),
                    profile.client_id,
                    datetime.now(UTC).date() - timedelta(days=days_ago),
                    self._results / env,
                )
                if not days_ago:
                    self._runs.setdefault(env, []).append(run)

    def _age(self, env: str, *, days: int) -> None:
        """Nothing here can wait for two weeks: the ledger is made to say that they have passed."""
        account = replace(self._delivery.account(), session=self._delivery.administrator)
        records = Records(account, self._delivery.names(env))
        last = records.ledger()[-1]
        records.add_to_ledger(last.model_copy(update={"at": last.at - timedelta(days=days)}))

    def _disaster_act(self) -> None:
        names = self._delivery.names(DISASTER_ENVIRONMENT)
        client_id = next(iter(self._runs[DISASTER_ENVIRONMENT])).client_id
        delivery = self._delivery
        self._disaster = rehearse_disaster(delivery.account(), names, client_id, delivery.administrator, self._step)

    # --- a bad commit, and its fix

    def _bad_commit(self) -> None:
        delivery, env = self._delivery, "stage"
        account, names = delivery.account(), delivery.names(env)
        inbox, records = Inbox(delivery, env), Records(account, names)
        before = live_digest(account, names)
        execution = delivery.push(BAD_MESSAGE, lambda folder: _set_stage_model(folder, STAGE_MODEL, MISTYPED_MODEL))
        delivery.follow(execution)
        message = delivery.stopped_at(execution, f"smoke-test-{env}")
        with self._step(f"{env}: rolled back by itself, and held"):
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
            raise StepError(f"{env} is not what it was: {len(left)} differences, such as {left[:3]}.", ())
        told = inbox.wait_for(f"Promotion into {env} is held")
        self._note(BAD_MESSAGE, execution, f"stopped at smoke-test-{env}", message, (hold.outcome, f"Told: {told}"))

    def _fix(self) -> None:
        delivery, env = self._delivery, "stage"
        account, names = delivery.account(), delivery.names(env)
        execution = delivery.push(FIX_MESSAGE, _fix_stage_model)
        with self._step(f"{env}: the fix passed dev and waits, because {env} is held"):
            wait_until("the fix waits before stage", lambda: self._passed(execution, "record-dev"), EXECUTION_SECONDS)
        with self._step(f"{env}: the hold is released"):
            release_hold(account, names, "the rehearsal")
        delivery.follow(execution)
        refused = self._refused_at_the_gate(execution)
        ledger = Records(account, names).ledger()
        if ledger[-1].kind != "release" or ledger[-1].execution != execution:
            raise StepError(f"The fix did not reach {env}: its ledger ends with {ledger[-1]}.", ())
        self._note(FIX_MESSAGE, execution, f"in {env}; into prod when it has soaked", refused, ())

    def _passed(self, execution: str, action: str) -> bool:
        return any(
            each.action == action and each.status == "Succeeded" for each in self._delivery.report(execution).actions
        )

    def _note(
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
                commit=self._delivery.repository.head,
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
    """Set the model of stage in config/environments.yaml, and note it with the prices; prod keeps its model."""
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
