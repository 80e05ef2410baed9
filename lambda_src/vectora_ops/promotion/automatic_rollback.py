"""Automatic rollback after a failure: the environment is restored from its snapshot, once, and held."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from vectora_ops.account import Account
from vectora_ops.alarm_names import FAILED_RUNS
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.names import CANARY_CLIENT, OPERATIONS_LAYER, STACK_LAYERS, Names
from vectora_ops.notifications import (
    Notify,
    deployment_failed,
    deployment_failed_while_held,
    issue_alarm,
    promotion_refused,
    run_failed,
)
from vectora_ops.notifications import failed_runs as failed_runs_alarm
from vectora_ops.progress import Clock, OutOfTimeError, utc_now
from vectora_ops.promotion.ended_runs import EndedRuns, moment
from vectora_ops.promotion.ending import Endings
from vectora_ops.promotion.environment_runs import FailedRun
from vectora_ops.promotion.hold import disable_transition
from vectora_ops.promotion.published_issues import alarm_of_issue, issue_of_run
from vectora_ops.promotion.rollback_points import LastRelease, RollbackPoint, RollbackPoints
from vectora_ops.records import LONGEST_REASON, Alarm, Hold, Records, held_since
from vectora_ops.rollback.request import RollbackRequest, RollbackResult
from vectora_ops.snapshots.anchors import ForgedError, NoAnchorError
from vectora_ops.snapshots.vault import Vault
from vectora_shared.aws_texts import plain
from vectora_shared.notifications import Notification

logger = logging.getLogger("vectora")
# Rolls back to the snapshot that the request names.
RollBack = Callable[[RollbackRequest], RollbackResult]
SUCCEEDED = "SUCCEEDED"
NOTHING_ROLLED_BACK = "Nothing was rolled back."
NOTHING_TO_UNDO = "nothing had been deployed yet, so there was nothing to roll back"
BY_HAND = "must be finished by hand"
UNFINISHED = f"the rollback was not finished and {BY_HAND}"
# Of the record that a rollback began or ended: without it, the environment would seem to be rolled back for an hour.
WRITE_TRIES, WRITE_PAUSE_SECONDS = 3, 5.0


class AutomaticRollback:
    """The reaction of an environment to one event.

    The rollback comes first: other failures (of a record, the transition, a notification) are reported in the outcome
    and stop nothing. Every rollback ends in the state held, unless it runs out of time.
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
        noise_percent: float = 100,
        clock: Clock = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Watch a deployment for `watch_hours`.

        In that time `failed_runs_a_day` failed runs roll it back, or an issue that is empty or has `noise_percent`.
        """
        self._account = account
        self._names = names
        self._records = Records(account, names)
        self._points = RollbackPoints(account, names)
        self._roll_back = roll_back
        self._notify = notify
        self._watch = timedelta(hours=watch_hours)
        self._failed_runs_a_day = failed_runs_a_day
        self._noise_percent = noise_percent
        self._clock = clock
        self._sleep = sleep
        self._problems: list[str] = []
        self._runs = EndedRuns(account, names, clock=clock, attempt=self._try)

    def stage_ended(self, event: Mapping[str, Any]) -> str:
        """Roll back when a pipeline execution failed, was stopped or cancelled in this environment's stage."""
        detail = event["detail"]
        execution = detail["execution-id"]
        state = str(detail.get("state", "FAILED"))
        hold = self._hold(execution)
        ending = Endings(self._account, self._names, sleep=self._sleep).of(
            execution, state, moment(event.get("time")), on_problem=self._problems.append
        )
        if ending.before_deployment and not self._points.is_half_deployed(execution):
            what = "promotion refused" if ending.failed else "promotion ended"
            message = _sentence(ending.message if ending.failed else ending.reason)
            return self._report(promotion_refused(self._names.env, what, message, execution, ending.action))
        if hold and hold.holds and not (hold.state == "rolling back" and hold.execution == execution):
            return self._report(
                deployment_failed_while_held(self._names.env, _sentence(ending.reason), held_since(hold))
            )
        started = moment(detail.get("start-time"))
        return self._hold_and_roll_back(ending.reason, execution, lambda: self._points.of_execution(execution, started))

    def run_ended(self, event: Mapping[str, Any]) -> str:
        """Roll back when a run soon after a deployment failed, or published an issue with a fault."""
        succeeded = event["detail"].get("status") == SUCCEEDED
        return self.issue_published(event) if succeeded else self.run_failed(event)

    def run_failed(self, event: Mapping[str, Any]) -> str:
        """Roll back when, soon after a deployment, as many of its runs failed in a day as the settings allow."""
        event_id = str(event.get("id"))
        run = self._runs.of_event(event["detail"])
        if run.client_id == CANARY_CLIENT:
            return "The run of the canary is judged by the smoke test that started it."
        if why := self._runs.why_not_counted(run):
            if run.draft:
                return f"The run of {run.client_id} does not count: {why}."
            message = (
                f"In {self._names.env} the run of {run.client_id} {run.status.lower()}: {_cause(event['detail'])}."
            )
            nothing_done = f"Nothing was rolled back: {why}."
            return self._report(run_failed(self._names.env, run.client_id, run.execution, f"{message} {nothing_done}"))
        hold = self._hold(event_id)
        if hold and hold.state == "rolling back" and hold.execution == event_id:
            return self._continue(hold, event_id)
        release = self._points.of_last_release()
        failed = self._runs.failed_in_a_day(run)
        if len(failed) < self._failed_runs_a_day:
            return f"{len(failed)} of {self._failed_runs_a_day} failed runs a day: nothing is done yet."
        reason = (
            f"alarm {FAILED_RUNS} was raised: the run of {run.client_id} {run.status.lower()} "
            f"({len(failed)} in a day): {_cause(event['detail'])}"
        )
        alarm = Alarm(name=FAILED_RUNS, reason=reason, at=run.at)
        if (hold and hold.holds) or not self._is_watched(release, run, failed, self._failed_runs_a_day):
            self._record_alarm(alarm)
            message = f"In {self._names.env} {_sentence(reason)} {NOTHING_ROLLED_BACK}"
            return self._report(failed_runs_alarm(self._names.env, run.client_id, run.execution, message, run.at))
        return self._roll_back_release(alarm, event_id, release)

    def issue_published(self, event: Mapping[str, Any]) -> str:
        """Roll back when, soon after a deployment, one of its runs published an issue that is empty or noisy."""
        event_id = str(event.get("id"))
        run = self._runs.of_event(event["detail"])
        issue = issue_of_run(self._account, event["detail"])
        raised = alarm_of_issue(issue, self._noise_percent) if issue else None
        if raised is None or (why := self._runs.why_not_counted(run)):
            return f"The run of {run.client_id} raises no alarm{f': {why}' if raised else ''}."
        hold = self._hold(event_id)
        if hold and hold.state == "rolling back" and hold.execution == event_id:
            return self._continue(hold, event_id)
        name, fault = raised
        alarm = Alarm(name=name, reason=f"alarm {name} was raised: {fault}", at=run.at)
        release = self._points.of_last_release()
        if (hold and hold.holds) or not self._is_watched(release, run, [run], 1):
            self._record_alarm(alarm)
            message = f"In {self._names.env} {_sentence(alarm.reason)} {NOTHING_ROLLED_BACK}"
            return self._report(issue_alarm(self._names.env, name, run.client_id, message, run.at))
        return self._roll_back_release(alarm, event_id, release)

    # --- the watch after a deployment

    def _continue(self, hold: Hold, event_id: str) -> str:
        """Go on with a rollback that an earlier invocation for the same event began."""
        return self._hold_and_roll_back(hold.reason, event_id, self._points.of_unfinished_rollback)

    def _roll_back_release(self, alarm: Alarm, event_id: str, release: LastRelease | None) -> str:
        point = release.rollback_point if release else None
        return self._hold_and_roll_back(alarm.reason, event_id, lambda: point, release, alarm)

    def _is_watched(
        self, release: LastRelease | None, run: FailedRun, counted: Sequence[FailedRun], enough: int
    ) -> bool:
        """Return whether `enough` of the counted runs are of this release, and soon enough after its deployment."""
        if release is None:
            # A damaged record must not end the watch.
            return bool(self._points.problems) and bool(self._watch)
        own = [each for each in counted if each.started is None or each.started >= release.began]
        return run.at - release.recorded < self._watch and len(own) >= enough

    def _record_alarm(self, alarm: Alarm) -> None:
        self._try("the alarm could not be recorded", lambda: self._records.write_alarm(alarm))

    # --- rollback

    def _hold_and_roll_back(
        self,
        reason: str,
        execution: str,
        find_point: Callable[[], RollbackPoint | None],
        release: LastRelease | None = None,
        alarm: Alarm | None = None,
    ) -> str:
        """Hold the environment, roll it back, and record the outcome with the hold."""
        self._begin_hold(reason, execution)
        if alarm:
            self._record_alarm(alarm)
        try:
            point = find_point()
            if point is None:
                why = release.reason if release else ""
                outcome = f"nothing was rolled back: {why}" if why else NOTHING_TO_UNDO
            else:
                outcome = self._undo(reason, point)
        except OutOfTimeError:
            raise
        except Exception as error:
            logger.exception("The rollback failed")
            outcome = f"the rollback failed and {BY_HAND}: {plain(error)}"
        return self._end(reason, execution, outcome)

    def is_rolling_back(self, event: Mapping[str, Any]) -> bool:
        """Return whether the reaction to this event has begun a rollback, and has not recorded its end."""
        hold = self._hold(_execution(event))
        return hold is not None and (hold.state, hold.execution) == ("rolling back", _execution(event))

    def give_up(self, event: Mapping[str, Any], why: str) -> str:
        """Record a rollback as unfinished when no further invocation will continue it."""
        execution = _execution(event)
        hold = self._hold(execution)
        reason = hold.reason if hold else "a deployment failed"
        return self._end(reason, execution, f"{UNFINISHED}: {why}")

    def _undo(self, reason: str, point: RollbackPoint) -> str:
        """Roll back to the snapshot and return the outcome."""
        try:
            manifest = Vault(self._account, self._names).anchored_manifest(point.snapshot)
        except (NoAnchorError, ForgedError) as error:
            self._record_deployment(point, "left as it is", reason)
            return f"the rollback was refused: {plain(error)}"
        if manifest.is_empty:
            self._clear_failed_creations()
            self._record_deployment(point, "left as it is", reason)
            return "it was the first deployment, so there is nothing to go back to: its stacks were left for the fix"
        try:
            result = self._roll_back(
                RollbackRequest(
                    snapshot=point.snapshot, replaced_since=point.since, reason=plain(reason), cause="failure"
                )
            )
        except OutOfTimeError:
            raise
        except Exception as error:
            logger.exception("The rollback to %s failed", point.snapshot)
            # An operator finishes it, and a later attempt of the same execution must not begin it again.
            self._record_deployment(point, "left as it is", reason)
            return f"the rollback to {point.snapshot} failed and {BY_HAND}: {plain(error)}"
        self._record_deployment(point, "rolled back", reason)
        if result.nothing_to_do:
            return f"nothing differed from {point.snapshot}"
        ignored = "".join(f"; ignored in the vault: {each}" for each in result.ignored)
        return f"rolled back to {point.snapshot} in {result.seconds:.0f} s, compared and proven{ignored}"

    def _record_deployment(self, point: RollbackPoint, state: str, reason: str) -> None:
        if point.deployment is None:
            return
        ended = {"state": state, "ended": self._clock(), "outcome": plain(reason)[:LONGEST_REASON]}
        updated = point.deployment.model_copy(update=ended)
        self._try("the deployment could not be recorded", lambda: self._records.write_deployment(updated))

    def _clear_failed_creations(self) -> None:
        """Delete stacks whose creation failed: CloudFormation cannot update them."""
        stacks = Stacks(self._account)
        for layer in reversed(STACK_LAYERS):
            if layer != OPERATIONS_LAYER:
                stacks.settle(self._names.stack(layer))

    # --- the hold

    def _hold(self, execution: str) -> Hold | None:
        """Return the recorded hold; a damaged one counts as none, and will be replaced.

        A rollback of another execution or event that was interrupted for good, such as by two time-outs of the
        function, is recorded as unfinished: nothing else would end it.
        """
        found: list[Hold | None] = [None]
        self._try("the hold cannot be read", lambda: found.append(self._records.hold()))
        hold = found[-1]
        if hold is None or hold.execution == execution or not hold.is_interrupted(self._clock()):
            return hold
        outcome = f"{UNFINISHED}: it was interrupted, and the function's log says why"
        ended = hold.model_copy(update={"state": "held", "outcome": outcome})
        self._write_hold(ended)
        return ended

    def _write_hold(self, hold: Hold) -> None:
        """Record a hold, or report why not. botocore has already repeated what may succeed within seconds."""

        def write() -> None:
            for tries_left in reversed(range(WRITE_TRIES)):
                try:
                    self._records.write_hold(hold)
                except Exception:
                    if not tries_left:
                        raise
                    self._sleep(WRITE_PAUSE_SECONDS)
                else:
                    return

        self._try("the hold could not be recorded", write)

    def _begin_hold(self, reason: str, execution: str) -> None:
        """Hold the environment before anything else, so that no other release enters it during the rollback."""
        hold = Hold(state="rolling back", reason=plain(reason), at=self._clock(), execution=execution)
        self._write_hold(hold)
        # The gate and the snapshot step read the record; the transition is a second lock.
        self._try(
            f"the transition into {self._names.env} could not be disabled",
            lambda: disable_transition(self._account, self._names),
        )

    def _end(self, reason: str, execution: str, outcome: str) -> str:
        outcome = "; ".join((outcome, *dict.fromkeys((*self._points.problems, *self._problems))))
        hold = Hold(state="held", reason=plain(reason), at=self._clock(), execution=execution, outcome=outcome)
        known = len(self._problems)
        self._write_hold(hold)
        outcome = "; ".join((outcome, *self._problems[known:]))
        return self._report(
            deployment_failed(
                self._names.env, _sentence(reason), outcome, finished=BY_HAND not in outcome, since=hold.at
            )
        )

    def _report(self, notification: Notification) -> str:
        self._try("the operators could not be notified", lambda: self._notify(notification))
        return notification.happened

    def _try(self, problem: str, work: Callable[[], object]) -> None:
        """Do work whose failure must not prevent the rollback; a failure is reported in the outcome."""
        try:
            work()
        except Exception as error:
            logger.exception("%s", problem)
            self._problems.append(f"{problem} ({plain(error)})")


def _execution(event: Mapping[str, Any]) -> str:
    """Return what identifies the reaction to an event: the execution of the pipeline, or the event's own id."""
    return str(event["detail"].get("execution-id") or event.get("id"))


def _cause(detail: Mapping[str, Any]) -> str:
    return plain(detail.get("cause") or detail.get("error") or "")


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}."
