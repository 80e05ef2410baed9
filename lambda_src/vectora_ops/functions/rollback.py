"""Function rollback: rollbacks and client promotions, on request or after a failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Literal

from pydantic import Field

from vectora_ops.account import Account
from vectora_ops.functions.invocation import (
    MOST_CONTINUATIONS,
    Answer,
    Continued,
    StepLog,
    answer_invocation,
    deadline_of,
    notify_operators,
    own_account,
    own_names,
)
from vectora_ops.names import RUN_CHANGED, STAGE_CHANGED, EnvName, Names
from vectora_ops.notifications import client_promoted, rolled_back
from vectora_ops.progress import Deadline, OutOfTimeError
from vectora_ops.promotion.automatic_rollback import AutomaticRollback, RollBack
from vectora_ops.promotion.clients import PromoteClient, SourceFile, is_unfinished
from vectora_ops.remote import run_remotely
from vectora_ops.rollback.request import OPERATORS_REASON, RollbackRequest, RollbackResult
from vectora_ops.rollback.run import roll_back
from vectora_ops.settings import environment_before
from vectora_ops.smoke import environment_has_canary, smoke_test
from vectora_ops.snapshots.compare import chosen_components
from vectora_ops.snapshots.lease import BusyError
from vectora_shared.config.values import Identifier
from vectora_shared.errors import InvalidEventError, VectoraError
from vectora_shared.runtime import environment, parse_event, set_log_level

logger = logging.getLogger("vectora")

# Between two attempts while another operation holds the environment.
BUSY_PAUSE_SECONDS = 5.0


class RollbackEvent(Continued):
    operation: Literal["rollback"]
    snapshot: str
    components: tuple[str, ...] = Field(default=())
    without_anchor: str = ""


class PromoteClientEvent(Continued):
    operation: Literal["promote-client"]
    client_id: Identifier
    source: EnvName


def rollback_function(event: dict[str, Any], context: Any) -> Answer | None:
    """Roll back or promote a client's file; operators invoke this, and EventBridge after a failed deployment or run.

    Only this function may write the environment's content, so it promotes client files too.
    """
    set_log_level()
    if "detail-type" in event:
        return answer_invocation({**event, "operation": "react"}, context, {"react": _react}, end=_end_reaction)
    return answer_invocation(event, context, {"rollback": _rollback, "promote-client": _promote_client})


def _rollback(event: dict[str, Any], context: Any) -> Answer:
    given = parse_event(RollbackEvent, event)
    request = RollbackRequest(
        snapshot=given.snapshot,
        components=chosen_components(given.components),
        owner=given.token or context.aws_request_id,
        reason=f"requested without an anchor: {given.without_anchor}" if given.without_anchor else OPERATORS_REASON,
        without_anchor=given.without_anchor,
    )
    result = _roll_back(own_account(), own_names(), request, context)
    if not result.nothing_to_do:
        notify_operators(rolled_back(result.env, _sentence(result)))
    return {"result": asdict(result)}


def _roll_back(account: Account, names: Names, request: RollbackRequest, context: Any) -> RollbackResult:
    return roll_back(
        account,
        names,
        request,
        smoke_test=lambda: (
            smoke_test(account, names, on_step=StepLog().step) if environment_has_canary(account, names) else None
        ),
        observer=StepLog(),
        deadline=deadline_of(context),
    )


def _sentence(result: RollbackResult) -> str:
    return (
        f"Environment {result.env} is again what snapshot {result.snapshot} says ({', '.join(result.components)}), "
        f"compared and proven after {result.seconds:.0f} s. What was there before is in {result.safety_snapshot}."
        + "".join(f" Ignored in the vault: {each}." for each in result.ignored)
    )


def _react(event: dict[str, Any], context: Any) -> Answer:
    account, names = own_account(), own_names()

    def undo(request: RollbackRequest) -> RollbackResult:
        # The event's own id, so that a continued invocation takes over the lease of the one before.
        mine = replace(request, owner=event.get("token") or event["id"])
        return _when_free(lambda: _roll_back(account, names, mine, context), deadline_of(context))

    reaction = _reaction(account, names, undo)
    react = {STAGE_CHANGED: reaction.stage_ended, RUN_CHANGED: reaction.run_ended}.get(event["detail-type"])
    if react is None:
        raise InvalidEventError(f"Event '{event['detail-type']}' is not one this function reacts to.")
    try:
        return {"reaction": react(event)}
    except OutOfTimeError as unfinished:
        if int(event.get("continuation", 0)) < MOST_CONTINUATIONS:
            raise
        return {"reaction": reaction.give_up(event, str(unfinished))}


def _end_reaction(event: dict[str, Any], failure: str) -> Answer | None:
    """End the hold of a reaction that failed, such as when it cannot be continued; None when it had begun none."""

    def refuse(request: RollbackRequest) -> RollbackResult:
        raise AssertionError(request)

    reaction = _reaction(own_account(), own_names(), refuse)
    return {"reaction": reaction.give_up(event, failure)} if reaction.is_rolling_back(event) else None


def _reaction(account: Account, names: Names, undo: RollBack) -> AutomaticRollback:
    return AutomaticRollback(
        account,
        names,
        roll_back=undo,
        notify=notify_operators,
        watch_hours=int(environment("PROMOTION_WATCH_HOURS")),
        failed_runs_a_day=int(environment("FAILED_RUNS_A_DAY")),
        noise_percent=float(environment("ALARM_NOISE_PERCENT")),
    )


def _when_free(roll_back_now: Callable[[], RollbackResult], deadline: Deadline) -> RollbackResult:
    """Roll back as soon as no other operation, such as the daily snapshot, holds the environment: it is unattended."""
    while True:
        try:
            return roll_back_now()
        except BusyError as error:
            logger.warning("%s", error)
            if deadline():
                raise OutOfTimeError("The rollback") from error
            time.sleep(BUSY_PAUSE_SECONDS)


def _promote_client(event: dict[str, Any], context: Any) -> Answer:
    given = parse_event(PromoteClientEvent, event)
    account, names = own_account(), own_names()
    before = environment_before(names.env)
    if given.source != before:
        raise InvalidEventError(f"Client files come into {names.env} from {before or 'a release only'}.")
    source = names.of(given.source)
    judge = {"operation": "judge-client", "client_id": given.client_id}
    answer = run_remotely(account.of(given.source), source, "promotion", judge, lambda count: None)
    file = SourceFile.model_validate(answer["file"])
    if answer["decision"]["outcome"] != "pass" and not is_unfinished(account, names, file):
        raise VectoraError(answer["decision"]["sentence"])

    def undo(request: RollbackRequest) -> RollbackResult:
        return _when_free(lambda: _roll_back(account, names, request, context), deadline_of(context))

    result = PromoteClient(
        account,
        names,
        given.source,
        file,
        owner=given.token or context.aws_request_id,
        roll_back=undo,
        observer=StepLog(),
        deadline=deadline_of(context),
    ).run()
    message = f"{result.client_id} {result.version} came from {result.source}: {result.outcome}."
    notify_operators(client_promoted(names.env, result.client_id, message))
    return {"result": asdict(result)}
