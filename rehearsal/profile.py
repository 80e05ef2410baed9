"""Profile of a rehearsal: what its steps and the pipeline's actions took, by kind, and against the last rehearsal."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rehearsal.codepipeline import ActionReport, ExecutionReport
from vectora_ops.settings import ENVIRONMENT_NAMES

FILE = "profile.json"
# Names of actions without their environment: `vectora-inbox-s0-core-dev.Deploy` is of the kind `s0-core.Deploy`.
OF_AN_ENVIRONMENT = re.compile(rf"-(?:{'|'.join(ENVIRONMENT_NAMES)})\b")
ASSET = re.compile(r"^(?:File|Docker)Asset\d+$")
# Two rehearsals on one machine differ by less than this, unless something became slower.
SLOWER_RATIO, SLOWER_SECONDS = 1.3, 1.5


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """Duration of one of the rehearsal's own steps."""

    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ActionTime:
    """Duration of an action, and how many seconds after its execution it began. `commit` is the commit's message."""

    commit: str
    stage: str
    action: str
    kind: str
    began_after: float
    seconds: float
    status: str


@dataclass(frozen=True, kw_only=True)
class KindTime:
    """Number and duration of all actions of one kind, and the longest of them."""

    kind: str
    count: int
    seconds: float
    longest: float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Durations of a rehearsal, and the kinds of actions that took longer than in the last one."""

    seconds: float
    steps: tuple[StepTime, ...]
    actions: tuple[ActionTime, ...]
    kinds: tuple[KindTime, ...]
    slower: tuple[str, ...] = ()


def profile_of(
    seconds: float, steps: Sequence[StepTime], reports: Sequence[tuple[str, ExecutionReport]], project: str
) -> Profile:
    """Return the profile of a rehearsal; `reports` come with the messages of their commits."""
    actions = tuple(_time_of(commit, report, each, project) for commit, report in reports for each in report.actions)
    return Profile(seconds=seconds, steps=tuple(steps), actions=actions, kinds=_kinds(actions))


def compared(profile: Profile, results: Path) -> Profile:
    """Return the profile with the comparison to the one that the last rehearsal left in the folder, and keep it there.

    A file that is missing, or that another version of the rehearsal wrote, is replaced without a comparison.
    """
    file = results / FILE
    before = _kinds_of(file)
    slower = tuple(
        f"{each.kind}: {each.seconds / each.count:.1f} s, {before[each.kind]:.1f} s in the last rehearsal"
        for each in profile.kinds
        if each.kind in before and _is_slower(each.seconds / each.count, before[each.kind])
    )
    found = Profile(**{**vars(profile), "slower": slower})
    new = file.with_suffix(".new")
    new.write_text(json.dumps(asdict(found), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(file)
    return found


def _time_of(commit: str, report: ExecutionReport, action: ActionReport, project: str) -> ActionTime:
    return ActionTime(
        commit=commit,
        stage=action.stage,
        action=action.action,
        kind=kind_of(action.action, project),
        began_after=round((action.started - report.started).total_seconds(), 1),
        seconds=round(action.seconds, 1),
        status=action.status,
    )


def kind_of(action: str, project: str) -> str:
    """Return an action's name without its project, its environment and its number."""
    if ASSET.match(action):
        return "assets"
    return OF_AN_ENVIRONMENT.sub("", action).removeprefix(f"{project}-")


def _kinds(actions: Sequence[ActionTime]) -> tuple[KindTime, ...]:
    by_kind: dict[str, list[float]] = {}
    for action in actions:
        by_kind.setdefault(action.kind, []).append(action.seconds)
    found = (
        KindTime(kind=kind, count=len(each), seconds=round(sum(each), 1), longest=max(each))
        for kind, each in by_kind.items()
    )
    return tuple(sorted(found, key=lambda each: -each.seconds))


def _kinds_of(file: Path) -> dict[str, float]:
    """Return the mean duration of each kind in a stored profile."""
    try:
        kinds = json.loads(file.read_bytes())["kinds"]
        return {str(each["kind"]): float(each["seconds"]) / int(each["count"]) for each in kinds}
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return {}


def _is_slower(now: float, before: float) -> bool:
    return now > before * SLOWER_RATIO and now > before + SLOWER_SECONDS
