"""Pipeline step gate: whether a release may enter the next environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Clock, utc_now
from vectora_ops.promotion.attestation import Attest, Attestation
from vectora_ops.promotion.client_versions import semantic
from vectora_ops.promotion.facts import gather
from vectora_ops.promotion.gates import Decision, Facts, decide
from vectora_ops.promotion.job import Done
from vectora_ops.promotion.policy import judging_policy
from vectora_ops.promotion.steps.parameters import NONE, StepParameters, step_parameters
from vectora_ops.records import LedgerEntry, Records, ReleaseId
from vectora_ops.settings import Promotion, Schedule
from vectora_ops.times import minute
from vectora_shared.aws_texts import variable
from vectora_shared.errors import VectoraError

# Additional information of an approval (CodePipeline quotas), of which the rest of the text takes its share.
LONGEST_CHANGE_SUMMARY = 340


def judge(
    account: Account,
    source: Names,
    target: Names,
    policy: Promotion,
    release: ReleaseId,
    *,
    schedule: Schedule | None = None,
    execution: str | None = None,
    attested: Attestation | None = None,
    clock: Clock = utc_now,
) -> tuple[Decision, Facts]:
    """Decide whether `release` may go from `source` to `target` now; return the decision and its facts.

    `policy` is the commit's: the stricter of it and of the target's own decides. `schedule` is that of `source`.
    """
    found = gather(account, source, target, release, clock(), execution)
    facts = replace(found, attested=attested, schedule=schedule)
    return decide(facts, judging_policy(account, target, policy)), facts


def gate_step(
    account: Account,
    source: Names,
    target: Names,
    policy: Promotion,
    given: Mapping[str, Any],
    *,
    attest: Attest,
    schedule: Schedule | None = None,
    clock: Clock = utc_now,
) -> Done:
    """Let a release pass; raises VectoraError with the refusing verdicts."""
    parameters = step_parameters(StepParameters, given)
    release = ReleaseId(parameters.digest, parameters.content_digest)
    execution, attested = parameters.execution, attest(parameters.execution)
    decision, facts = judge(
        account,
        source,
        target,
        policy,
        release,
        schedule=schedule,
        execution=execution,
        attested=attested,
        clock=clock,
    )
    if decision.outcome != "pass":
        raise VectoraError(
            f"{decision.sentence} It is tried again by schedule; see ./vectora promote explain --to {target.env}."
        )
    before = Records(account.of(target.env), target).ledger()
    return Done(
        summary=decision.sentence,
        variables={
            "changes": variable(_changes(facts, parameters, before), LONGEST_CHANGE_SUMMARY),
            # The approver compares with this commit; the first release is compared with itself.
            "since": next((each.commit for each in reversed(before) if _is_commit(each.commit)), None)
            or parameters.commit,
            "bypassed": variable(", ".join(decision.bypassed) or NONE),
            "bypass_reason": variable(decision.bypass_reason or NONE) if decision.bypassed else NONE,
        },
    )


def _is_commit(text: str | None) -> bool:
    """Return whether the text may be part of a link: the ledger may have been edited."""
    return text is not None and re.fullmatch(r"[0-9A-Za-z._-]{1,64}", text) is not None


def _changes(facts: Facts, parameters: StepParameters, before: tuple[LedgerEntry, ...]) -> str:
    if not before:
        return f"{facts.target} has no release yet; this is {parameters.version}."
    there = before[-1]
    clients = [
        f"{client_id} {facts.target_clients[client_id].version} -> {file.version}"
        if client_id in facts.target_clients
        else f"{client_id} {file.version} is new"
        for client_id, file in sorted(facts.clients.items())
        if file != facts.target_clients.get(client_id)
    ]
    moved = f" Clients: {', '.join(clients)}." if clients else " No client file changes."
    return (
        f"{facts.target} has {there.version} (digest {there.digest[:12]}) since {minute(there.at)}, this is "
        f"{parameters.version}.{_warning(facts, parameters, there)}{_shared_content(facts, there)}{moved}"
    )


def _warning(facts: Facts, parameters: StepParameters, there: LedgerEntry) -> str:
    """Return what the approver must not overlook."""
    lost = f" Attention: {facts.target} {facts.removal.reason}." if facts.removal else ""
    is_older = semantic(parameters.version) < semantic(there.version)
    return lost + (" Attention: this version is older." if is_older else "")


def _shared_content(facts: Facts, there: LedgerEntry) -> str:
    if there.digest == facts.release.digest:
        return " It is the same release."
    if there.release.has_same_content(facts.release):
        return f" The content is the same: only settings of {facts.target} change."
    return ""
