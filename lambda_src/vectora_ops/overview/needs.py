"""Tasks of a person that follow from an overview: one sentence and one command each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from vectora_ops.overview.model import (
    EnvironmentOverview,
    GatesInto,
    Need,
    PipelineOverview,
    SnapshotMark,
    StageRefusal,
    WaitingApproval,
)
from vectora_ops.promotion.ending import GATE_PREFIX, is_step
from vectora_ops.promotion.gates import HOLD_GATE
from vectora_ops.times import minute

DAY = timedelta(days=1)


def needs_of(
    environments: Sequence[EnvironmentOverview],
    gates: Sequence[GatesInto],
    pipeline: PipelineOverview,
    now: datetime,
) -> tuple[Need, ...]:
    """Return what needs a person, urgent things first, later environments before earlier ones."""
    found = [
        *(_approval(each, now) for each in pipeline.approvals),
        *(need for each in environments for need in _of_environment(each)),
        *(need for each in pipeline.refusals for need in _refusal(each, environments, gates)),
        *(need for each in gates for need in _of_gates(each, environments)),
    ]
    order = {each.env: -position for position, each in enumerate(environments)}
    return tuple(sorted(found, key=lambda need: (not need.is_urgent, order.get(need.env, 0))))


def _approval(approval: WaitingApproval, now: datetime) -> Need:
    left = ""
    if approval.expires is not None:
        days = max(math.floor((approval.expires - now) / DAY), 0)
        left = f" It expires on {minute(approval.expires)}, in {days} {'day' if days == 1 else 'days'}."
    return Need(
        env=approval.env,
        sentence=f"A release waits for your approval into {approval.env}.{left}",
        command=f"./vectora promote approve --to {approval.env}",
        is_urgent=True,
    )


def _of_environment(env: EnvironmentOverview) -> Iterator[Need]:
    name = env.env
    if env.problem:
        sentence = f"{name} cannot be read: {env.problem.rstrip('.')}."
        yield Need(env=name, sentence=sentence, command=f"./vectora doctor --env {name}", is_urgent=True)
        return
    yield from _hold(env)
    yield from _alarms(env)
    for problem in env.stack_problems:
        yield Need(env=name, sentence=problem, command=f"./vectora doctor --env {name}", is_urgent=True)
    yield from (_damaged(name, each) for each in env.damaged_snapshots)
    if env.drift:
        more = f" and {len(env.drift) - 1} more" if len(env.drift) > 1 else ""
        sentence = f"{name} runs something else than its release: {env.drift[0]}{more}. A deployment restores it."
        yield Need(env=name, sentence=sentence, command=f"./vectora snapshot diff latest --live --env {name}")
    for sentence in env.cost.warnings if env.cost else ():
        yield Need(env=name, sentence=sentence, command=f"./vectora cost --env {name}")


def _hold(env: EnvironmentOverview) -> Iterator[Need]:
    hold, name = env.hold, env.env
    if hold is None:
        return
    if hold.is_rolling_back:
        sentence = f"{name} is being rolled back since {minute(hold.since)}: {hold.reason}."
        yield Need(env=name, sentence=sentence, command=f"./vectora status --env {name}", is_urgent=True)
        return
    sentence = (
        f"Promotion into {name} is held since {minute(hold.since)}: {hold.reason}. Find the cause, then release it."
    )
    yield Need(
        env=name,
        sentence=sentence,
        command=f"./vectora promote release-hold --env {name}",
        is_urgent=True,
        runbook="docs/runbooks/a-deployment-was-rolled-back.md",
    )


def _alarms(env: EnvironmentOverview) -> Iterator[Need]:
    for alarm in env.raised_alarms:
        since = f" since {minute(alarm.since)}" if alarm.since else ""
        yield Need(
            env=env.env,
            sentence=f"Alarm {alarm.purpose} of {env.env} is raised{since}.",
            command=_command_on_alarm(alarm.purpose, env.env),
            is_urgent=True,
            runbook=alarm.runbook,
        )


def _command_on_alarm(purpose: str, env: str) -> str:
    if purpose in ("month-cost", "run-cost"):
        return f"./vectora cost --env {env}"
    if purpose.startswith("snapshot"):
        return f"./vectora snapshot list --env {env}"
    if purpose in ("noise", "empty-newsletter", "newsletter-overdue", "model-fallback"):
        return f"./vectora newsletter list --env {env}"
    return f"./vectora status --env {env}"


def _damaged(env: str, snapshot: SnapshotMark) -> Need:
    return Need(
        env=env,
        sentence=f"Snapshot {snapshot.name} of {env} is damaged: no rollback can use it.",
        command=f"./vectora snapshot verify {snapshot.name} --env {env}",
        is_urgent=True,
        runbook="docs/runbooks/snapshot.md",
    )


def _refusal(
    refusal: StageRefusal, environments: Sequence[EnvironmentOverview], gates: Sequence[GatesInto]
) -> Iterator[Need]:
    """Yield a promotion that stopped, unless a hold or the verdict of a gate says more."""
    env = refusal.env
    is_held = any(each.env == env and each.hold is not None for each in environments)
    is_gate = is_step(refusal.action, GATE_PREFIX)
    if is_held or (is_gate and any(each.target == env and not each.problem for each in gates)):
        return
    since = f" on {minute(refusal.since)}" if refusal.since else ""
    yield Need(
        env=env,
        sentence=f"The promotion into {env} stopped{since} at {refusal.action}.",
        command=f"./vectora promote {'explain' if is_gate else 'retry'} --to {env}",
        is_urgent=True,
    )


def _of_gates(gates: GatesInto, environments: Sequence[EnvironmentOverview]) -> Iterator[Need]:
    """Yield the gates that neither time nor a schedule makes pass; a hold is one of the environment's needs."""
    contents = {each.env: each.release.content_digest for each in environments if each.release is not None}
    source = contents.get(gates.source)
    if source is not None and source == contents.get(gates.target):
        return
    for gate in gates.gates:
        waits = gate.ready_at is not None or (gate.outcome == "inconclusive" and gate.command is None)
        if not gate.passes and not waits and gate.gate != HOLD_GATE:
            yield Need(
                env=gates.target,
                sentence=f"Gate {gate.gate} refuses {gates.target} the release of {gates.source}: "
                f"{gate.reason.partition(';')[0]}.",
                command=gate.command or f"./vectora promote explain --to {gates.target}",
            )
