"""Cards of the environments, gates between them, and the list of what needs a person."""

from __future__ import annotations

from collections.abc import Iterator

from vectora_ops.overview.model import (
    EnvironmentOverview,
    GatesInto,
    GateState,
    Need,
    Overview,
    WaitingApproval,
)
from vectora_ops.pages.design import Cell, Tone, badge, bar, card, cards, command, facts, moment, section, table
from vectora_ops.pages.markup import Content, Html, element, link, separated, together

SHOWN_DRIFT = 5


def needs_section(overview: Overview) -> Html:
    """Return the list of what needs a person, with the commands."""
    if not overview.needs:
        return section("needs", "Needs you", element("p", badge("nothing", "good")))
    needs = (_need(overview, each) for each in overview.needs)
    return section("needs", "Needs you", element("div", element("ol", *needs), class_="needs"))


def _need(overview: Overview, need: Need) -> Html:
    mark = badge("now", "bad") if need.is_urgent else badge("soon", "warn")
    page = runbook_link(overview, need.runbook) if need.runbook else None
    more = together((" ", page)) if page else None
    return element("li", mark, " ", need.sentence, more, command(need.command))


def runbook_link(overview: Overview, runbook: str) -> Html:
    """Return a link to a runbook; its path alone when the address of the documents is not known."""
    return link(runbook, f"{overview.documents}{runbook}") if overview.documents else element("code", runbook)


def environments_section(overview: Overview) -> Html:
    """Return one card for each environment, in the order of promotion."""
    return section(
        "environments", "Environments", cards((_card(overview, each) for each in overview.environments), are_steps=True)
    )


def _card(overview: Overview, env: EnvironmentOverview) -> Html:
    state, tone = state_of(overview, env)
    heading = separated((env.env, env.release.version if env.release else None), " ")
    if env.problem:
        return card(heading, badge(state, tone), element("p", env.problem), tone=tone)
    if not env.is_deployed:
        return card(heading, badge(state, tone), element("p", "Nothing is deployed here."), tone=tone)
    unknown = (element("p", "Could not be read: ", "; ".join(env.unknown), class_="quiet"),) if env.unknown else ()
    return card(heading, badge(state, tone), facts(_facts(env)), *unknown, tone=tone)


def state_of(overview: Overview, env: EnvironmentOverview) -> tuple[str, Tone]:
    """Return the state of an environment in some words, the gravest first, and its tone."""
    raised = len(env.raised_alarms)
    states: tuple[tuple[bool, str, Tone], ...] = (
        (not env.is_readable, "unreachable", "bad"),
        (not env.is_deployed, "nothing deployed", "quiet"),
        (env.hold is not None and env.hold.is_rolling_back, "rolling back", "bad"),
        (env.hold is not None, "held", "bad"),
        (bool(raised), f"{raised} {'alarm' if raised == 1 else 'alarms'}", "bad"),
        (bool(env.stack_problems), "a stack is stuck", "bad"),
        (bool(env.damaged_snapshots), "damaged snapshot", "bad"),
        (_approval(overview, env) is not None, "waiting for approval", "warn"),
        (env.release is not None and env.release.came_back, "rolled back", "warn"),
        (bool(env.drift), "drift", "warn"),
        (bool(env.unknown), "partly unknown", "warn"),
        (env.release is not None and not env.release.verified, "not verified", "warn"),
    )
    return next(((state, tone) for applies, state, tone in states if applies), ("healthy", "good"))


def _approval(overview: Overview, env: EnvironmentOverview) -> WaitingApproval | None:
    return next((each for each in overview.pipeline.approvals if each.env == env.env), None)


def _facts(env: EnvironmentOverview) -> Iterator[tuple[str, Content]]:
    release = env.release
    if release is None:
        yield "release", "none recorded"
    else:
        content = element("code", (release.content_digest or release.digest)[:12])
        yield "content" if release.content_digest else "digest", content
        yield "since", moment(release.since) if release.since else "not deployed by the pipeline"
        if release.bypassed:
            yield "bypassed", ", ".join(release.bypassed)
    if env.hold is None:
        yield "held", "no"
    else:
        yield "held", together(("since ", moment(env.hold.since), f": {env.hold.reason}"))
    yield "drift", _drift(env)
    raised = ", ".join(each.purpose for each in env.raised_alarms)
    yield "alarms", raised or (f"none of {len(env.alarms)}" if env.alarms else "none exist")
    if env.next_issue is None:
        yield "next issue", "not scheduled"
    else:
        yield "next issue", together((env.next_issue.client_id, " ", moment(env.next_issue.at)))


def _drift(env: EnvironmentOverview) -> Content:
    if not env.drift:
        return "none"
    more = len(env.drift) - SHOWN_DRIFT
    return "; ".join(env.drift[:SHOWN_DRIFT]) + (f"; and {more} more" if more > 0 else "")


def gates_section(overview: Overview) -> Html | None:
    """Return the gates into each environment; None when no gates were read."""
    if not overview.gates:
        return None
    return section("gates", "Gates", *(_gates(overview, each) for each in overview.gates))


def _gates(overview: Overview, into: GatesInto) -> Html:
    heading = element("h3", f"From {into.source} into {into.target}")
    if into.problem:
        return together((heading, element("p", badge("not judged", "warn"), " ", into.problem)))
    rows = [_gate_row(each) for each in into.gates]
    env = overview.environment(into.target)
    if env is not None and (waiting := _approval(overview, env)) is not None:
        until = together((" until ", moment(waiting.expires))) if waiting.expires else None
        rows.append(("approval", badge("waiting", "warn"), None, together(("waits for you", until))))
    state = badge("may be promoted", "good") if into.outcome == "pass" else badge("not yet", "warn")
    release = element("p", "Release ", element("code", into.digest[:12]), " ", state)
    return together(
        (
            heading,
            release,
            table(f"Gates into {into.target}", ("gate", "result", "progress", "reason"), rows, shows_caption=False),
        )
    )


def _gate_row(gate: GateState) -> tuple[Content | Cell, ...]:
    results: dict[str, tuple[str, Tone]] = {
        "pass": ("passes", "good"),
        "fail": ("refuses", "bad"),
        "inconclusive": ("waits", "warn"),
        "bypassed": ("bypassed", "warn"),
    }
    # A gate that says when it passes needs time, and no one's action.
    outcome = "inconclusive" if gate.outcome == "fail" and gate.ready_at else gate.outcome
    text, tone = results["bypassed" if gate.bypassed else outcome]
    progress = None if gate.share is None else bar(gate.share, f"{gate.share:.0%} of what {gate.gate} requires")
    return gate.gate, badge(text, tone), progress, gate.reason
