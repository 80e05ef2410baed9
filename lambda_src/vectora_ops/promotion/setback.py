"""What happens by itself when a deployment fails: the environment goes back to its snapshot, once, and is held."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.names import CANARY_CLIENT, FAILED_RUNS, OPERATIONS_LAYER, STACK_LAYERS, Names
from vectora_ops.progress import Clock, OutOfTimeError, utc_now
from vectora_ops.promotion.ending import Endings
from vectora_ops.promotion.facts import failed_run, failed_runs
from vectora_ops.promotion.gates import FailedRun
from vectora_ops.promotion.way_back import LastRelease, WayBack, WaysBack
from vectora_ops.records import Alarm, Hold, Records, held_since
from vectora_ops.rollback.request import RollbackRequest, RollbackResult
from vectora_ops.snapshots.vault import Vault
from vectora_ops.times import minute
from vectora_shared.aws_errors import error_code
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

logger = logging.getLogger("vectora")
# Rolls back to the snapshot that the request names.
RollBack = Callable[[RollbackRequest], RollbackResult]
Notify = Callable[[str, str], None]
NOTHING_TO_UNDO = "nothing had been deployed yet, so there was nothing to roll back"
# CodePipeline allows few characters here (DisableStageTransition, API reference).
TRANSITION_REASON = "Held after a failed deployment. Look at it then run vectora promote release-hold"
DAY = timedelta(days=1)


class Setback:
    """An environment's reaction to one event.

    Going back comes first: whatever fails besides (a record, the transition, a notification) is reported in the outcome
    and stops nothing. Every rollback that does not merely run out of time ends in the state held.
    """

    def __init__(
        self,
        account: Account,
        names: Names,
        *,
        roll_back: RollBack,
        notify: Notify,
        watch_hours: int,
        failed_runs_a_day: int = 1,
        clock: Clock = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """For `watch_hours` after a deployment, `failed_runs_a_day` failed runs roll it back."""
        self._account = account
        self._names = names
        self._records = Records(account, names)
        self._ways = WaysBack(account, names)
        self._roll_back = roll_back
        self._notify = notify
        self._watch = timedelta(hours=watch_hours)
        self._failed_runs_a_day = failed_runs_a_day
        self._clock = clock
        self._sleep = sleep
        self._problems: list[str] = []

    def stage_ended(self, event: Mapping[str, Any]) -> str:
        """Go back when an execution of the pipeline failed, was stopped or cancelled in this environment's stage."""
        detail = event["detail"]
        execution = detail["execution-id"]
        state = str(detail.get("state", "FAILED"))
        ending = Endings(self._account, self._names, sleep=self._sleep).of(
            execution, state, _moment(event.get("time")), on_problem=self._problems.append
        )
        if ending.before_deployment and not self._ways.is_half_deployed(execution):
            return self._tell(
                "promotion refused" if ending.failed else "promotion ended",
                f"Nothing was changed in {self._names.env}: "
                f"{_sentence(ending.message if ending.failed else ending.reason)} Execution {execution}, action "
                f"{ending.action}.",
            )
        hold = self._hold()
        if hold and hold.holds and not (hold.state == "rolling back" and hold.execution == execution):
            return self._tell(
                "deployment failed while held",
                f"{_sentence(ending.reason)} Nothing was rolled back again: {held_since(hold)}.",
            )
        started = _moment(detail.get("start-time"))
        return self._set_back(ending.reason, execution, lambda: self._ways.of_execution(execution, started))

    def run_failed(self, event: Mapping[str, Any]) -> str:
        """Go back when, soon after a deployment, as many runs of it failed in a day as the settings say."""
        event_id = str(event.get("id"))
        run = self._failed_run(event["detail"])
        promoted = self._promoted_runs()
        if run.client_id == CANARY_CLIENT or run.execution in promoted:
            return f"The run of {run.client_id} is judged by those who started it."
        hold = self._hold()
        if hold and hold.state == "rolling back" and hold.execution == event_id:
            # A further invocation of this same rollback.
            return self._set_back(hold.reason, event_id, self._ways.of_unfinished_rollback)
        release = self._ways.of_last_release()
        failed = self._failed_in_a_day(run, promoted)
        if len(failed) < self._failed_runs_a_day:
            return f"{len(failed)} of {self._failed_runs_a_day} failed runs a day: nothing is done yet."
        reason = (
            f"alarm {FAILED_RUNS} was raised: the run of {run.client_id} {run.status.lower()} "
            f"({len(failed)} in a day): {_cause(event['detail'])}"
        )
        alarm = Alarm(name=FAILED_RUNS, reason=reason, at=run.at)
        if (hold and hold.holds) or not self._is_watched(release, run, failed):
            self._note_alarm(alarm)
            return self._tell("alarm", f"In {self._names.env} {_sentence(reason)} Nothing was rolled back.")
        return self._set_back(reason, event_id, lambda: release.way_back if release else None, release, alarm)

    # --- failed runs

    def _failed_run(self, detail: Mapping[str, Any]) -> FailedRun:
        """The run of the event, whose input is left out when it is long (Step Functions guide, EventBridge)."""
        execution = {
            "executionArn": detail["executionArn"],
            "status": detail["status"],
            "startDate": _moment(detail.get("startDate")) or self._clock(),
            "stopDate": _moment(detail.get("stopDate")) or self._clock(),
        }
        try:
            return failed_run(self._account, execution, detail.get("input"))
        except Exception:
            # A run of which nothing is known counts.
            logger.exception("The input of %s cannot be read", execution["executionArn"])
            return failed_run(self._account, execution, "")

    def _promoted_runs(self) -> set[str]:
        """Runs by which a client's file was promoted: that promotion takes its own file back."""
        found: set[str] = set()
        self._try(
            "the promotions of clients cannot be read",
            lambda: found.update(each.execution for each in self._records.client_promotions() if each.execution),
        )
        return found

    def _failed_in_a_day(self, run: FailedRun, promoted: set[str]) -> list[FailedRun]:
        """Failed runs of the day that ended with `run`, which the list may not show yet; none is counted twice."""
        found = {run.execution: run}

        def read() -> None:
            for each in failed_runs(self._account, self._names, run.at - DAY):
                if each.execution not in promoted:
                    found.setdefault(each.execution, each)

        self._try("the failed runs cannot be listed", read)
        return list(found.values())

    def _is_watched(self, release: LastRelease | None, run: FailedRun, failed: list[FailedRun]) -> bool:
        """Whether it is this release that failed, and soon enough after its deployment."""
        if release is None:
            # A record that nobody can read must not end the watch.
            return bool(self._ways.problems) and bool(self._watch)
        own = [each for each in failed if each.started is None or each.started >= release.began]
        return run.at - release.recorded < self._watch and len(own) >= self._failed_runs_a_day

    def _note_alarm(self, alarm: Alarm) -> None:
        self._try("the alarm could not be recorded", lambda: self._records.write_alarm(alarm))

    # --- going back

    def _set_back(
        self,
        reason: str,
        execution: str,
        way_back: Callable[[], WayBack | None],
        release: LastRelease | None = None,
        alarm: Alarm | None = None,
    ) -> str:
        """Hold, go back, and stay held with what came of it."""
        self._hold_now(reason, execution)
        if alarm:
            self._note_alarm(alarm)
        try:
            way = way_back()
            if way is None:
                why = release.reason if release else ""
                outcome = f"nothing was rolled back: {why}" if why else NOTHING_TO_UNDO
            else:
                outcome = self._undo(reason, way)
        except OutOfTimeError:
            raise
        except Exception as error:
            logger.exception("The rollback failed")
            outcome = f"the rollback failed and must be finished by hand: {plain(error)}"
        return self._end(reason, execution, outcome)

    def give_up(self, event: Mapping[str, Any], why: str) -> str:
        """End a rollback that no further invocation goes on with, so that it does not stay in its middle for ever."""
        execution = str(event["detail"].get("execution-id") or event.get("id"))
        hold = self._hold()
        reason = hold.reason if hold else "a deployment failed"
        return self._end(reason, execution, f"the rollback was not finished and must be finished by hand: {why}")

    def _undo(self, reason: str, way: WayBack) -> str:
        """Go back to the snapshot; what came of it."""
        if Vault(self._account, self._names).manifest(way.snapshot).is_empty:
            self._clear_failed_creations()
            self._note_deployment(way, "left as it is")
            return "it was the first deployment, so there is nothing to go back to: its stacks were left for the fix"
        try:
            result = self._roll_back(
                RollbackRequest(snapshot=way.snapshot, replaced_since=way.since, reason=plain(reason))
            )
        except OutOfTimeError:
            raise
        except Exception as error:
            logger.exception("The rollback to %s failed", way.snapshot)
            # An operator finishes it: a later attempt of the same execution must not begin it again.
            self._note_deployment(way, "left as it is")
            return f"the rollback to {way.snapshot} failed and must be finished by hand: {plain(error)}"
        self._note_deployment(way, "rolled back")
        if result.nothing_to_do:
            return f"nothing differed from {way.snapshot}"
        return f"rolled back to {way.snapshot} in {result.seconds:.0f} s, compared and proven"

    def _note_deployment(self, way: WayBack, state: str) -> None:
        if way.deployment is None:
            return
        noted = way.deployment.model_copy(update={"state": state})
        self._try("the deployment could not be recorded", lambda: self._records.write_deployment(noted))

    def _clear_failed_creations(self) -> None:
        """A stack whose creation failed cannot be updated: CloudFormation wants it deleted first."""
        stacks = Stacks(self._account)
        for layer in reversed(STACK_LAYERS):
            if layer != OPERATIONS_LAYER:
                stacks.settle(self._names.stack(layer))

    # --- the hold

    def _hold(self) -> Hold | None:
        """The hold on record; one that cannot be read holds nothing up, and is replaced."""
        found: list[Hold | None] = [None]
        self._try("the hold cannot be read", lambda: found.append(self._records.hold()))
        return found[-1]

    def _hold_now(self, reason: str, execution: str) -> None:
        """First of all: nothing else may enter while this goes on."""
        hold = Hold(state="rolling back", reason=plain(reason), at=self._clock(), execution=execution)
        self._try("the hold could not be recorded", lambda: self._records.write_hold(hold))
        # The gate and the snapshot step look at the record; this is the second lock.
        self._try(
            f"the transition into {self._names.env} could not be disabled",
            lambda: self._account.client("codepipeline").disable_stage_transition(
                pipelineName=self._names.pipeline,
                stageName=self._names.env,
                transitionType="Inbound",
                reason=TRANSITION_REASON,
            ),
        )

    def _end(self, reason: str, execution: str, outcome: str) -> str:
        outcome = "; ".join((outcome, *dict.fromkeys((*self._ways.problems, *self._problems))))
        hold = Hold(state="held", reason=plain(reason), at=self._clock(), execution=execution, outcome=outcome)
        known = len(self._problems)
        self._try("the hold could not be recorded", lambda: self._records.write_hold(hold))
        outcome = "; ".join((outcome, *self._problems[known:]))
        env = self._names.env
        return self._tell(
            "deployment failed",
            f"In {env} {_sentence(reason)} Then: {outcome}. Promotion into {env} is held: look at it "
            f"(./vectora status --env {env}), push the fix, then ./vectora promote release-hold --env {env}.",
        )

    def _tell(self, what: str, message: str) -> str:
        self._try("the operators could not be notified", lambda: self._notify(what, message))
        return message

    def _try(self, problem: str, work: Callable[[], object]) -> None:
        """Do what must not keep the environment from going back; a failure is kept for the outcome."""
        try:
            work()
        except Exception as error:
            logger.exception("%s", problem)
            self._problems.append(f"{problem} ({plain(error)})")


def _moment(value: object) -> datetime | None:
    """A moment of an event: ISO 8601, or milliseconds since the epoch; None for neither."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _cause(detail: Mapping[str, Any]) -> str:
    return plain(detail.get("cause") or detail.get("error") or "")


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}."


def release_hold(account: Account, names: Names, by: str, *, clock: Clock = utc_now) -> Hold:
    """Let promotions in again; raises VectoraError when nothing is held or a rollback is under way.

    A hold whose record was lost or damaged is known by the transition that it disabled.
    """
    records = Records(account, names)
    hold = _recorded_hold(records, clock)
    if (hold is None or not hold.holds) and _is_disabled(account, names):
        hold = Hold(state="held", reason="a deployment failed, and the hold could not be recorded", at=clock())
    if hold is None or not hold.holds:
        raise VectoraError(f"Promotion into {names.env} is not held: there is nothing to release.")
    if hold.state == "rolling back" and clock() - hold.at < timedelta(hours=1):
        raise VectoraError(
            f"{names.env} is being rolled back since {minute(hold.at)}: wait for its end (./vectora status --env "
            f"{names.env})."
        )
    released = hold.model_copy(update={"state": "released", "released_by": by, "at": clock()})
    records.write_hold(released)
    try:
        account.client("codepipeline").enable_stage_transition(
            pipelineName=names.pipeline, stageName=names.env, transitionType="Inbound"
        )
    except ClientError as error:
        if error_code(error) != "PipelineNotFoundException":
            raise
    return released


def _recorded_hold(records: Records, clock: Clock) -> Hold | None:
    try:
        return records.hold()
    except VectoraError as error:
        return Hold(state="held", reason=str(error), at=clock())


def _is_disabled(account: Account, names: Names) -> bool:
    """Whether the transition into the environment is disabled by a hold, and not by somebody for another reason."""
    try:
        state = account.client("codepipeline").get_pipeline_state(name=names.pipeline)
    except ClientError as error:
        if error_code(error) != "PipelineNotFoundException":
            raise
        return False
    transitions = (
        each.get("inboundTransitionState", {}) for each in state["stageStates"] if each["stageName"] == names.env
    )
    return any(
        not each.get("enabled", True) and each.get("disabledReason") == TRANSITION_REASON for each in transitions
    )
