"""Function promotion: gates, records, retries of refused promotions."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.functions.invocation import Answer, answer_invocation, notify_operators, own_account, own_names
from vectora_ops.names import Names, environment_name
from vectora_ops.notifications import copy_without_anchor
from vectora_ops.promotion.anchoring import anchor_snapshot, forget_anchors
from vectora_ops.promotion.attestation import attest
from vectora_ops.promotion.beginning import Beginning, begin_deployment
from vectora_ops.promotion.client_gates import decide_client
from vectora_ops.promotion.clients import source_file
from vectora_ops.promotion.facts import deployed_release, find_release, gather_client
from vectora_ops.promotion.gates import Decision
from vectora_ops.promotion.job import answer_step, is_step
from vectora_ops.promotion.policy import judging_policy
from vectora_ops.promotion.retry import retry_refused
from vectora_ops.promotion.steps.gate import gate_step, judge
from vectora_ops.promotion.steps.record import record_step
from vectora_ops.records import Records
from vectora_ops.settings import Promotion, Schedule
from vectora_ops.snapshots.anchors import Anchor
from vectora_ops.snapshots.copied_anchors import copy_anchor
from vectora_ops.store_clock import StoreClock, records_clock
from vectora_ops.withholding_key import create_key
from vectora_shared.config.values import Identifier
from vectora_shared.runtime import Event, environment, parse_event, set_log_level


class ExplainEvent(Event):
    """`digest` begins the content digest or the digest of a release here; without it the deployed release is judged.

    `execution` is the pipeline's that is about to deploy it.
    """

    operation: Literal["explain"]
    digest: str | None = None
    execution: str | None = None


class WaitingEvent(Event):
    """Judge the release that is deployed here, for the following environment's watch."""

    operation: Literal["waiting"]


class JudgeClientEvent(Event):
    """Judge whether a client's file may go into the next environment by itself."""

    operation: Literal["judge-client"]
    client_id: Identifier


class AnchorEvent(Event):
    """Anchor a snapshot that was taken just now."""

    operation: Literal["anchor"]
    snapshot: str


class BeginDeploymentEvent(Event):
    """Record a deployment whose snapshot was taken."""

    operation: Literal["begin-deployment"]
    beginning: Beginning


def promotion_function(event: dict[str, Any], context: Any) -> Answer:
    """Record the releases and snapshots of this environment, and judge which release may go into the next."""
    set_log_level()
    if is_step(event):
        return answer_step(
            own_account(),
            event,
            {
                "gate": lambda given, _: gate_step(
                    own_account(),
                    own_names(),
                    next_names(),
                    next_policy(),
                    given,
                    attest=partial(attest, own_account(), next_names()),
                    schedule=own_schedule(),
                    clock=_clock(),
                ),
                "record": lambda given, _: record_step(
                    own_account(),
                    own_names(),
                    given,
                    attest=partial(attest, own_account(), own_names()),
                    clock=_clock(),
                ),
            },
        )
    return answer_invocation(
        event,
        context,
        {
            "explain": _explain,
            "waiting": _waiting,
            "retry": _retry,
            "judge-client": _judge_client,
            "anchor": _anchor,
            "forget-anchors": _forget_anchors,
            "begin-deployment": _begin_deployment,
            "create-key": _create_key,
        },
    )


def _explain(event: dict[str, Any], context: Any) -> Answer:
    request = parse_event(ExplainEvent, event)
    account, names = own_account(), own_names()
    release = find_release(account, names, request.digest)
    execution, target = request.execution, next_names()
    attested = attest(account, target, execution, deploys=True) if execution else None
    decision, _ = judge(
        account,
        names,
        target,
        next_policy(),
        release,
        schedule=own_schedule(),
        execution=execution,
        attested=attested,
        clock=_clock(),
    )
    return {"decision": _shown(decision)}


def _waiting(event: dict[str, Any], context: Any) -> Answer:
    """Return the release that the pipeline deployed here last, and whether its gates refuse it; None without one."""
    parse_event(WaitingEvent, event)
    account, names = own_account(), own_names()
    release, ledger = deployed_release(account, names), Records(account, names).ledger()
    if release is None or not ledger or ledger[-1].digest != release.digest:
        return {"waiting": None}
    decision, facts = judge(
        account, names, next_names(), next_policy(), release, schedule=own_schedule(), clock=_clock()
    )
    return {
        "waiting": {
            **asdict(release),
            "version": ledger[-1].version,
            # Disturbances restart the soak, and not the time for which the release waits.
            "since": (facts.soak.deployed or ledger[-1].at).isoformat(),
            "refused": decision.outcome != "pass",
            "sentence": decision.sentence,
        }
    }


def _shown(decision: Decision) -> Answer:
    """Return the decision as JSON, with its times in ISO format."""
    computed = {"outcome": decision.outcome, "sentence": decision.sentence, "ready_at": decision.ready_at}
    shown: Answer = json.loads(json.dumps({**asdict(decision), **computed}, default=datetime.isoformat))
    return shown


def _judge_client(event: dict[str, Any], context: Any) -> Answer:
    """Return the verdicts, and the file that was judged."""
    request = parse_event(JudgeClientEvent, event)
    account, names = own_account(), own_names()
    facts = gather_client(account, names, next_names(), request.client_id, _clock()())
    facts = replace(facts, schedule=own_schedule())
    decision = decide_client(facts, judging_policy(account, next_names(), next_policy()))
    file = source_file(account, names, request.client_id, facts.file)
    return {"decision": _shown(decision), "file": file.model_dump()}


def _anchor(event: dict[str, Any], context: Any) -> Answer:
    request = parse_event(AnchorEvent, event)
    anchor = anchor_snapshot(own_account(), own_names(), request.snapshot, clock=_clock())
    _copy_anchor(anchor)
    return {"anchor": anchor.model_dump(mode="json")}


def _copy_anchor(anchor: Anchor) -> None:
    """Write an anchor into the copy of the vault; a failure notifies the operators and stops no deployment."""
    region = os.environ.get("BACKUP_REGION")
    if not region:
        return
    try:
        copy_anchor(own_account(), own_names(), region, anchor)
    except (BotoCoreError, ClientError) as error:
        notify_operators(copy_without_anchor(own_names().env, anchor.snapshot, str(error)))


def _forget_anchors(event: dict[str, Any], context: Any) -> Answer:
    return {"forgotten": list(forget_anchors(own_account(), own_names()))}


def _begin_deployment(event: dict[str, Any], context: Any) -> Answer:
    request = parse_event(BeginDeploymentEvent, event)
    begin_deployment(own_account(), own_names(), request.beginning, clock=_clock())
    return {}


def _create_key(event: dict[str, Any], context: Any) -> Answer:
    create_key(own_account(), own_names())
    return {}


def _retry(event: dict[str, Any], context: Any) -> Answer:
    """Retry a refused promotion once its gate would let it pass; a schedule invokes this."""
    return {
        "retry": retry_refused(
            own_account(),
            own_names(),
            next_names(),
            next_policy(),
            schedule=own_schedule(),
            notify=notify_operators,
            clock=_clock(),
        )
    }


def _clock() -> StoreClock:
    """Return the clock of the records: gates compare times that several machines have written."""
    return records_clock(own_account(), own_names())


def next_names() -> Names:
    names = own_names().of(environment_name(environment("NEXT_ENV")))
    return replace(names, bucket_suffix=os.environ.get("NEXT_BUCKET_SUFFIX", names.bucket_suffix))


def next_policy() -> Promotion:
    return Promotion.model_validate_json(environment("NEXT_PROMOTION"))


def own_schedule() -> Schedule:
    """Return the schedule of this environment's newsletters, as it was deployed with this function."""
    return Schedule.model_validate_json(environment("RUN_SCHEDULE"))
