"""What the operations functions do: snapshots, rollbacks, the guard of every deployment, the steps of the pipeline."""

from __future__ import annotations

import functools
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, Literal

from pydantic import Field

from vectora_core.aws_texts import notification, plain, redacted, subject
from vectora_core.config.canonical import Identifier
from vectora_core.custom_resource import answer_cloudformation
from vectora_core.errors import InvalidEventError, VectoraError
from vectora_core.runtime import Event, environment, parse_event, set_log_level
from vectora_ops.account import Account, account_of_credentials
from vectora_ops.names import RUN_CHANGED, STAGE_CHANGED, Names
from vectora_ops.promotion.client_gates import decide_client
from vectora_ops.promotion.clients import PromoteClient, SourceFile, is_unfinished, source_file
from vectora_ops.promotion.facts import gather_client, live_digest
from vectora_ops.promotion.gates import Decision
from vectora_ops.promotion.job import Done, NotYet, answer_job, is_job
from vectora_ops.promotion.retry import retry_refused
from vectora_ops.promotion.setback import Setback
from vectora_ops.promotion.steps import gate_step, judge, record_step, smoke_step, snapshot_step
from vectora_ops.remote import run_remotely
from vectora_ops.rollback import RollbackRequest, RollbackResult, roll_back
from vectora_ops.settings import EnvName, Promotion, environment_before
from vectora_ops.smoke import environment_has_canary, smoke_test
from vectora_ops.snapshots.compare import chosen_components
from vectora_ops.snapshots.lease import BusyError, utc_now
from vectora_ops.snapshots.manifest import Manifest, Occasion, Occasions
from vectora_ops.snapshots.observer import Deadline, Observer, OutOfTimeError
from vectora_ops.snapshots.retention import Policy, Pruned, prune
from vectora_ops.snapshots.sources import DataScope
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot, verify_vault

logger = logging.getLogger("vectora")
# Kept for saving progress and answering.
RESERVED_SECONDS = 60.0
# Between two tries when another operation holds the environment.
BUSY_PAUSE_SECONDS = 5.0
# Lambda stops a function that has invoked itself 16 times (Lambda guide, recursive loop detection).
MOST_CONTINUATIONS = 14

Answer = dict[str, Any]


class Continued(Event):
    """`continuation` counts how often the work went on in a further invocation; `token` is who holds its lease."""

    continuation: int = 0
    token: str | None = None
    # A caller who waits invokes again itself.
    caller_continues: bool = False


class CreateEvent(Continued):
    operation: Literal["create"]
    label: str = "snapshot"
    occasion: Occasions = "operator"
    detail: str | None = None
    data: DataScope = "last"
    resume: str | None = None


class VerifyEvent(Continued):
    operation: Literal["verify"]
    snapshot: str | None = None


class PruneEvent(Continued):
    operation: Literal["prune"]
    dry_run: bool = False


class RollbackEvent(Continued):
    operation: Literal["rollback"]
    snapshot: str
    components: tuple[str, ...] = Field(default=())


class ExplainEvent(Event):
    """`digest` is the release to judge; without it the one that is deployed."""

    operation: Literal["explain"]
    digest: str | None = None


class JudgeClientEvent(Event):
    """Whether a client's file may go on into the next environment by itself."""

    operation: Literal["judge-client"]
    client_id: Identifier


class PromoteClientEvent(Continued):
    operation: Literal["promote-client"]
    client_id: Identifier
    source: EnvName


class _Log(Observer):
    """Steps in the function's log."""

    def step(self, name: str) -> None:
        logger.info("Step: %s", name)


def snapshot_function(event: dict[str, Any], context: Any) -> Answer | None:
    """Function snapshot: called by CloudFormation, by the schedule, by the pipeline and by operators."""
    set_log_level()
    if "ResponseURL" in event:
        _guard_deployment(event, context)
        return None
    if is_job(event):
        return answer_job(_account(), event, {"snapshot": lambda given, token: _snapshot_step(given, token, context)})
    return _respond(event, context, {"create": _create, "verify": _verify, "prune": _prune})


def rollback_function(event: dict[str, Any], context: Any) -> Answer | None:
    """Function rollback: called by operators, and by EventBridge when a deployment or a run failed.

    It is the one that may write the environment's content, and so promotes a client's file too.
    """
    set_log_level()
    if "detail-type" in event:
        return _respond({**event, "operation": "react"}, context, {"react": _react})
    return _respond(event, context, {"rollback": _rollback, "promote-client": _promote_client})


def smoke_test_function(event: dict[str, Any], context: Any) -> Answer:
    """Function smoke-test: the pipeline's last step but one in an environment."""
    set_log_level()

    def step(given: Mapping[str, Any], token: str | None) -> Done | NotYet:
        return smoke_step(_account(), _names(), given, token, observer=_Log(), deadline=_deadline(context))

    return answer_job(_account(), event, {"smoke-test": step})


def promotion_function(event: dict[str, Any], context: Any) -> Answer:
    """Function promotion: records what this environment has, and judges what may go on into the next."""
    set_log_level()
    if is_job(event):
        return answer_job(
            _account(),
            event,
            {
                "gate": lambda given, _: gate_step(_account(), _names(), _next_names(), _next_policy(), given),
                "record": lambda given, _: record_step(_account(), _names(), given),
            },
        )
    return _respond(event, context, {"explain": _explain, "retry": _retry, "judge-client": _judge_client})


def _respond(event: dict[str, Any], context: Any, operations: Mapping[str, Callable[..., Answer]]) -> Answer:
    """The answer of one invocation: state done or running; failures are raised, told to the operators and retried."""
    operation = str(event.get("operation"))
    if operation not in operations:
        raise InvalidEventError(f"operation is '{operation}': it must be one of {', '.join(operations)}.")
    try:
        try:
            return {"state": "done", **operations[operation](event, context)}
        except OutOfTimeError as unfinished:
            return _continue(event, context, unfinished)
    except VectoraError as error:
        logger.error("%s", error)
        failure = redacted(str(error))
    except Exception as error:
        logger.exception("The operation failed unexpectedly")
        failure = f"{type(error).__name__}: {plain(error)}"
    if event.get("caller_continues"):
        return {"state": "failed", "error": failure}
    _notify(f"{operation} failed", failure)
    # Not the error itself: Lambda writes what is raised, and what it came from, into the log as it is.
    raise VectoraError(failure) from None


def _continue(event: dict[str, Any], context: Any, unfinished: OutOfTimeError) -> Answer:
    """Go on in a further invocation of this function, or let a waiting caller invoke it."""
    count = int(event.get("continuation", 0)) + 1
    if count > MOST_CONTINUATIONS:
        raise VectoraError(f"{unfinished} It was continued {MOST_CONTINUATIONS} times: call it again to go on.")
    further = {**event, "continuation": count, "token": event.get("token") or context.aws_request_id}
    if event.get("operation") == "create" or "ResponseURL" in event:
        further["resume"] = unfinished.subject
    if not event.get("caller_continues"):
        # Once: a repeated request would go on twice at the same time.
        _account().invoker().invoke(
            FunctionName=context.function_name, InvocationType="Event", Payload=json.dumps(further).encode("utf-8")
        )
    return {"state": "running", "event": further}


# --- snapshots


def _create(event: dict[str, Any], context: Any) -> Answer:
    asked = parse_event(CreateEvent, event)
    account, names = _account(), _names()
    manifest = take_snapshot(
        account,
        names,
        SnapshotRequest(
            label=asked.label,
            occasion=Occasion(kind=asked.occasion, detail=asked.detail),
            data=asked.data,
            resume=asked.resume,
            owner=asked.token or context.aws_request_id,
        ),
        observer=_Log(),
        deadline=_deadline(context),
    )
    if asked.occasion != "operator":
        _prune_quietly(account, names)
    return {"snapshot": manifest.name, "manifest": manifest.model_dump(mode="json")}


def _verify(event: dict[str, Any], context: Any) -> Answer:
    asked = parse_event(VerifyEvent, event)
    vault = Vault(_account(), _names())
    found = (verify_snapshot(vault, asked.snapshot, observer=_Log()),) if asked.snapshot else verify_vault(vault)
    return {"verifications": [asdict(each) for each in found]}


def _prune(event: dict[str, Any], context: Any) -> Answer:
    asked = parse_event(PruneEvent, event)
    return {"pruned": asdict(_prune_now(_account(), _names(), dry_run=asked.dry_run))}


def _prune_now(account: Account, names: Names, *, dry_run: bool = False) -> Pruned:
    keep_last = environment("SNAPSHOT_KEEP_LAST", "all")
    policy = Policy(
        keep_last=None if keep_last == "all" else int(keep_last),
        minimum_age_days=int(environment("SNAPSHOT_MINIMUM_AGE_DAYS")),
    )
    return prune(account, names, policy, dry_run=dry_run, observer=_Log())


def _prune_quietly(account: Account, names: Names) -> None:
    """Room is made after every snapshot that nobody asked for; a failure of that is told and stops nothing."""
    try:
        pruned = _prune_now(account, names)
    except Exception as error:
        logger.exception("Pruning failed")
        _notify("pruning failed", str(error))
    else:
        logger.info("Pruned %d snapshots, %d objects", pruned.removed_snapshots, pruned.removed_objects)


# --- rollback


def _rollback(event: dict[str, Any], context: Any) -> Answer:
    asked = parse_event(RollbackEvent, event)
    request = RollbackRequest(
        snapshot=asked.snapshot,
        components=chosen_components(asked.components),
        owner=asked.token or context.aws_request_id,
    )
    result = _roll_back(_account(), _names(), request, context)
    if not result.nothing_to_do:
        _notify("rolled back", _sentence(result))
    return {"result": asdict(result)}


def _roll_back(account: Account, names: Names, request: RollbackRequest, context: Any) -> RollbackResult:
    return roll_back(
        account,
        names,
        request,
        smoke_test=lambda: (
            smoke_test(account, names, on_step=_Log().step) if environment_has_canary(account, names) else None
        ),
        observer=_Log(),
        deadline=_deadline(context),
    )


def _sentence(result: RollbackResult) -> str:
    return (
        f"Environment {result.env} is again what snapshot {result.snapshot} says ({', '.join(result.components)}), "
        f"compared and proven after {result.seconds:.0f} s. What was there before is in {result.safety_snapshot}."
    )


# --- promotion


def _snapshot_step(given: Mapping[str, Any], token: str | None, context: Any) -> Done | NotYet:
    return snapshot_step(_account(), _names(), given, token, observer=_Log(), deadline=_deadline(context))


def _react(event: dict[str, Any], context: Any) -> Answer:
    account, names = _account(), _names()

    def undo(request: RollbackRequest) -> RollbackResult:
        # The event's own id: a further invocation comes back to the lease of the one before it.
        mine = replace(request, owner=event.get("token") or event["id"])
        return _when_free(lambda: _roll_back(account, names, mine, context), _deadline(context))

    setback = Setback(
        account,
        names,
        roll_back=undo,
        notify=_notify,
        watch_hours=int(environment("PROMOTION_WATCH_HOURS")),
        failed_runs_a_day=int(environment("FAILED_RUNS_A_DAY")),
    )
    react = {STAGE_CHANGED: setback.stage_ended, RUN_CHANGED: setback.run_failed}.get(event["detail-type"])
    if react is None:
        raise InvalidEventError(f"Event '{event['detail-type']}' is not one this function reacts to.")
    try:
        return {"reaction": react(event)}
    except OutOfTimeError as unfinished:
        if int(event.get("continuation", 0)) < MOST_CONTINUATIONS:
            raise
        return {"reaction": setback.give_up(event, str(unfinished))}


def _when_free(roll_back_now: Callable[[], RollbackResult], deadline: Deadline) -> RollbackResult:
    """Nobody is there to try again: whoever else is at work on the environment, such as its daily snapshot, ends."""
    while True:
        try:
            return roll_back_now()
        except BusyError as error:
            logger.warning("%s", error)
            if deadline():
                raise OutOfTimeError("The rollback") from error
            time.sleep(BUSY_PAUSE_SECONDS)


def _explain(event: dict[str, Any], context: Any) -> Answer:
    asked = parse_event(ExplainEvent, event)
    account, names = _account(), _names()
    digest = asked.digest or live_digest(account, names)
    if digest is None:
        raise VectoraError(f"{names.env} has no release that could be promoted: deploy one first.")
    decision, _ = judge(account, names, _next_names(), _next_policy(), digest)
    return {"decision": _shown(decision)}


def _shown(decision: Decision) -> Answer:
    return {**asdict(decision), "outcome": decision.outcome, "sentence": decision.sentence}


def _judge_client(event: dict[str, Any], context: Any) -> Answer:
    """The verdicts, and the very file that was judged."""
    asked = parse_event(JudgeClientEvent, event)
    account, names = _account(), _names()
    facts = gather_client(account, names, _next_names(), asked.client_id, utc_now())
    decision = decide_client(facts, _next_policy())
    file = source_file(account, names, asked.client_id, facts.file)
    return {"decision": _shown(decision), "file": file.model_dump()}


def _promote_client(event: dict[str, Any], context: Any) -> Answer:
    asked = parse_event(PromoteClientEvent, event)
    account, names = _account(), _names()
    before = environment_before(names.env)
    if asked.source != before:
        raise InvalidEventError(f"Client files come into {names.env} from {before or 'a release only'}.")
    source = names.of(asked.source)
    judge = {"operation": "judge-client", "client_id": asked.client_id}
    said = run_remotely(account, source, "promotion", judge, lambda count: None)
    file = SourceFile.model_validate(said["file"])
    if said["decision"]["outcome"] != "pass" and not is_unfinished(account, names, file):
        raise VectoraError(said["decision"]["sentence"])

    def take_back(request: RollbackRequest) -> RollbackResult:
        return _when_free(lambda: _roll_back(account, names, request, context), _deadline(context))

    result = PromoteClient(
        account,
        names,
        asked.source,
        file,
        owner=asked.token or context.aws_request_id,
        roll_back=take_back,
        observer=_Log(),
        deadline=_deadline(context),
    ).run()
    _notify("client promoted", f"{result.client_id} {result.version} came from {result.source}: {result.outcome}.")
    return {"result": asdict(result)}


def _retry(event: dict[str, Any], context: Any) -> Answer:
    """The schedule: what a gate refused is tried again as soon as the gate would let it through."""
    return {"retry": retry_refused(_account(), _names(), _next_names(), _next_policy(), notify=_notify)}


def _next_names() -> Names:
    return _names().of(environment("NEXT_ENV"))


def _next_policy() -> Promotion:
    return Promotion.model_validate_json(environment("NEXT_PROMOTION"))


# --- deployments


def _guard_deployment(event: dict[str, Any], context: Any) -> None:
    """Take a snapshot before CloudFormation changes any other stack; without one the deployment stops here."""
    names = _names()
    physical_id = f"{names.bucket('snapshots')}/before-deployment"
    try:
        if event["RequestType"] == "Delete" or _is_deployed(event["ResourceProperties"]["ReleaseDigest"]):
            # Nothing is about to change: CloudFormation goes back to what is there, or the stack goes away.
            answer_cloudformation(event, physical_id, data={"Snapshot": "none needed"})
            return
        manifest = _snapshot_before(event, context)
    except VectoraError as error:
        _refuse(event, physical_id, str(error))
    except Exception as error:
        logger.exception("The snapshot failed unexpectedly")
        _refuse(event, physical_id, f"{type(error).__name__}: {error}")
    else:
        if manifest is not None:
            answer_cloudformation(event, physical_id, data={"Snapshot": manifest.name})
            _prune_quietly(_account(), names)


def _is_deployed(digest: str) -> bool:
    return live_digest(_account(), _names()) == digest


def _snapshot_before(event: dict[str, Any], context: Any) -> Manifest | None:
    """None when it goes on in a further invocation, which will answer."""
    digest = event["ResourceProperties"]["ReleaseDigest"]
    request = SnapshotRequest(
        label=f"before_{digest[:12]}",
        occasion=Occasion(kind="deployment", detail=digest),
        resume=event.get("resume"),
        # Lambda retries an invocation that crashed; it comes back to its own snapshot.
        owner=event["RequestId"],
    )
    try:
        return take_snapshot(_account(), _names(), request, observer=_Log(), deadline=_deadline(context))
    except OutOfTimeError as unfinished:
        _continue(event, context, unfinished)
        return None


def _refuse(event: dict[str, Any], physical_id: str, reason: str) -> None:
    logger.error("%s", reason)
    message = f"No snapshot, no deployment: {reason}"
    _notify("deployment stopped", message)
    answer_cloudformation(event, physical_id, failure=message)


# --- the function's surroundings


# Once an execution environment, whose credentials stay (Lambda guide, best practices: clients outside the handler).
@functools.cache
def _account() -> Account:
    return account_of_credentials(environment("AWS_REGION"))


def _names() -> Names:
    return Names(
        project=environment("PROJECT_NAME"),
        env=environment("ENV"),
        bucket_suffix=os.environ.get("BUCKET_SUFFIX", ""),
    )


def _deadline(context: Any) -> Callable[[], bool]:
    return lambda: context.get_remaining_time_in_millis() / 1000 < RESERVED_SECONDS


def _notify(what: str, message: str) -> None:
    """Tell the operators; that nobody can be told must not hide what happened."""
    try:
        names = _names()
        _account().client("sns").publish(
            TopicArn=environment("NOTIFICATIONS_TOPIC_ARN"),
            Subject=subject(f"{names.project} {names.env}: {what}"),
            Message=notification(message),
        )
    except Exception:
        logger.exception("The operators could not be told")
