"""Alarms, schedules, gates in templates and sizes of functions that differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from change_review.changes import subject
from change_review.finding import draft
from change_review.model import Finding, Row, Tendency
from change_review.resources import physical_name
from change_review.schemas import Schemas
from change_review.templates import StackPair
from change_review.values import (
    MISSING,
    Template,
    canonical,
    differences,
    properties_of,
    references,
    show,
    value_at,
)
from vectora_review.lines import LOOSENS
from vectora_review.pipeline_words import pipeline_lines
from vectora_review.policy_words import function_lines, is_policy, policy_lines
from vectora_shared.errors import VectoraError

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
BUDGET = "AWS::Budgets::Budget"
SCHEDULES = ("AWS::Scheduler::Schedule", "AWS::Events::Rule")
FUNCTION, PIPELINE = "AWS::Lambda::Function", "AWS::CodePipeline::Pipeline"
# Without one of these something is no longer watched, judged or saved.
GUARDS: Mapping[str, str] = {
    ALARM: "it is no longer watched",
    COMPOSITE: "it is no longer watched",
    "AWS::Backup::BackupPlan": "no backups are made by it",
    "AWS::Backup::BackupSelection": "no backups are made by it",
    "AWS::AccessAnalyzer::Analyzer": "access from outside is no longer found",
    "AWS::Budgets::Budget": "its limit is no longer watched",
    "AWS::CE::AnomalyMonitor": "unusual costs are no longer found",
    "AWS::CE::AnomalySubscription": "no one is notified of unusual costs",
    "AWS::CloudTrail::Trail": "calls are no longer recorded",
    "AWS::Config::ConfigRule": "its rule is no longer checked",
    "AWS::Config::ConfigurationRecorder": "changes of resources are no longer recorded",
    "AWS::EC2::FlowLog": "traffic is no longer recorded",
    "AWS::Events::Rule": "what it reacted to is no longer seen",
    "AWS::GuardDuty::Detector": "threats are no longer found",
    "AWS::Lambda::EventInvokeConfig": "events that fail are retried by default and lost unseen",
    "AWS::Logs::MetricFilter": "its metric ends, and alarms on it see nothing",
    "AWS::Logs::SubscriptionFilter": "log events no longer reach its destination",
    "AWS::SNS::Subscription": "its subscriber is no longer notified",
    "AWS::SecretsManager::RotationSchedule": "the secret is no longer rotated",
    "AWS::SecurityHub::Hub": "findings of other services are no longer collected",
    "AWS::Synthetics::Canary": "its address is no longer tried",
    "AWS::WAFv2::LoggingConfiguration": "what the firewall stops is no longer recorded",
    "AWS::WAFv2::WebACL": "its firewall no longer exists",
    "AWS::WAFv2::WebACLAssociation": "its firewall no longer applies",
    "Custom::SnapshotBeforeDeployment": "no snapshot is taken before a deployment",
}
WATCHED = frozenset({ALARM, COMPOSITE, *SCHEDULES, *GUARDS})
_SIZES = (
    ("Runtime",), ("Handler",), ("MemorySize",), ("Timeout",), ("EphemeralStorage", "Size"), ("Architectures",),
    ("ReservedConcurrentExecutions",), ("Layers",),
)  # fmt: skip
_UPWARD = ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "GreaterThanUpperThreshold")
_DOWNWARD = ("LessThanThreshold", "LessThanOrEqualToThreshold", "LessThanLowerThreshold")
# Lists of which each entry watches, notifies or saves.
_PARTS: Mapping[tuple[str, str], str] = {
    ("AWS::Backup::BackupPlan", "BackupPlanRule"): "no backups are made by that rule",
    ("AWS::Backup::BackupSelection", "Resources"): "less is backed up",
    (BUDGET, "NotificationsWithSubscribers"): "no one is notified",
    ("AWS::CloudTrail::Trail", "EventSelectors"): "fewer calls are recorded",
    ("AWS::Events::Rule", "Targets"): "a target is no longer called",
    ("AWS::WAFv2::WebACL", "Rules"): "the firewall stops less",
}
NEVER_RUNS = "it never runs"
# How much an alarm takes missing data for a failure (CloudWatch user guide, missing data).
_MISSING_DATA = ("notBreaching", "ignore", "missing", "breaching")
_LINE = re.compile(r"(?P<env>[^:]+): (?P<text>.*)", re.DOTALL)


def watch_rows(pair: StackPair, schemas: Schemas) -> Iterator[Row]:
    """Yield rows on the alarms, schedules and rules of a stack that differ."""
    for logical_id, kind, before, after in _both(pair):
        if kind not in WATCHED:
            continue
        name = subject(kind, show(physical_name(after or before, schemas) or logical_id))
        if before is None or after is None:
            why = GUARDS.get(kind, NEVER_RUNS if _calls_a_function(before, pair.before) else "")
            yield _existence(pair, name, why, is_new=before is None)
            continue
        old, new = properties_of(before), properties_of(after)
        for path, one, other in differences(old, new):
            tendency, why = _tendency(kind, path, one, other, new)
            if path == ("State",) and canonical(other) == "DISABLED" and _calls_a_function(after, pair.after):
                tendency, why = "looser", NEVER_RUNS
            yield Row(
                environments=(pair.environment,),
                name=name,
                key=".".join(path),
                before=show(one),
                after=show(other),
                tendency=tendency,
                why=why,
            )


def _both(pair: StackPair) -> Iterator[tuple[str, str, Any, Any]]:
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    old, new = pair.before.get("Resources") or {}, pair.after.get("Resources") or {}
    renamed = {_identity(each) for key, each in new.items() if key not in old}
    for logical_id in sorted({*old, *new}):
        before, after = old.get(logical_id), new.get(logical_id)
        if before == after or (after is None and _identity(before) in renamed):
            continue
        yield logical_id, str((after or before or {}).get("Type", "")), before, after


def _identity(resource: Mapping[str, Any] | None) -> str:
    return f"{(resource or {}).get('Type')} {canonical(properties_of(resource))}"


def _calls_a_function(schedule: Mapping[str, Any] | None, template: Template) -> bool:
    """Return whether a schedule calls a function, which saves or watches; that newsletters are made is a setting."""
    if (schedule or {}).get("Type") != "AWS::Scheduler::Schedule":
        return False
    target = value_at(properties_of(schedule), ("Target", "Arn"))
    resources = template.get("Resources") or {}
    named = {str(resources.get(each, {}).get("Type")) for each in references(target)}
    return ":function:" in str(canonical(target)) or FUNCTION in named


def _is_narrower(before: Any, after: Any) -> bool:
    """Return whether a part of an event's pattern matches less: a new condition, or a value that no longer counts."""
    if MISSING in (before, after):
        return before is MISSING
    old, new = (each if isinstance(each, list) else [each] for each in (before, after))
    return any(each not in new for each in old)


def _existence(pair: StackPair, name: str, why: str, *, is_new: bool) -> Row:
    why = "" if is_new else why
    return Row(
        environments=(pair.environment,),
        name=name,
        key="exists",
        before="no" if is_new else "yes",
        after="yes" if is_new else "no",
        tendency="looser" if why else "changed",
        why=why,
    )


def _tendency(
    kind: str, path: tuple[str, ...], before: Any, after: Any, properties: Mapping[str, Any]
) -> tuple[Tendency, str]:
    if kind == ALARM and path[0] in ("Dimensions", "MetricName", "Namespace"):
        return "looser", "it no longer watches what it watched"
    if kind == ALARM:
        return _of_alarm(path[0], before, after, properties), ""
    if path == ("State",) and canonical(after) == "DISABLED":
        # A rule reacts to events; whether newsletters are made by themselves is a setting.
        return ("looser", GUARDS["AWS::Events::Rule"]) if kind == "AWS::Events::Rule" else ("changed", NEVER_RUNS)
    if path[0] == "EventPattern" and _is_narrower(before, after):
        return "looser", "fewer events are seen"
    part = next((_PARTS[kind, each] for each in path if (kind, each) in _PARTS), "")
    if part and _is_fewer(before, after):
        return "looser", part
    if kind == BUDGET and path[-1] in ("Amount", "Threshold"):
        return _compared(_number(after), _number(before)), ""
    if kind == COMPOSITE and path[0] in ("AlarmActions", "InsufficientDataActions"):
        return _of_actions(before, after), ""
    if path == ("ActionsEnabled",) and canonical(after) == "false":
        return "looser", "it notifies no one"
    return "changed", ""


def _of_alarm(key: str, before: Any, after: Any, properties: Mapping[str, Any]) -> Tendency:
    if key in ("AlarmActions", "InsufficientDataActions"):
        return _of_actions(before, after)
    if key == "ActionsEnabled":
        return "looser" if canonical(after) == "false" else "stricter"
    if key == "TreatMissingData":
        return _compared(*(_rank(each) for each in (before, after)))
    if key == "Threshold":
        operator = properties.get("ComparisonOperator")
        if operator in _DOWNWARD:
            return _compared(_number(before), _number(after))
        return _compared(_number(after), _number(before)) if operator in _UPWARD else "changed"
    if key in ("EvaluationPeriods", "DatapointsToAlarm"):
        return _compared(_number(after), _number(before))
    return "changed"


def _of_actions(before: Any, after: Any) -> Tendency:
    if before is MISSING:
        return "stricter"
    return "looser" if _is_fewer(before, after) else "changed"


def _is_fewer(before: Any, after: Any) -> bool:
    return after is MISSING or (isinstance(before, list) and isinstance(after, list) and len(after) < len(before))


def _rank(value: Any) -> float | None:
    text = "missing" if value is MISSING else canonical(value)
    return float(_MISSING_DATA.index(text)) if text in _MISSING_DATA else None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _compared(before: float | None, after: float | None) -> Tendency:
    """Return the tendency of numbers of which the higher is the stricter."""
    if before is None or after is None or before == after:
        return "changed"
    return "stricter" if after > before else "looser"


def function_rows(pair: StackPair, schemas: Schemas) -> Iterator[Row]:
    """Yield rows on functions whose runtime, size, time-out, layers or variables differ."""
    for logical_id, kind, before, after in _both(pair):
        if kind != FUNCTION or before is None or after is None:
            continue
        name = show(physical_name(after, schemas) or logical_id)
        old, new = properties_of(before), properties_of(after)
        paths = [*_SIZES, *(path for path, _, _ in _variables(old, new))]
        for path in paths:
            one, other = value_at(old, path), value_at(new, path)
            if canonical(one) != canonical(other):
                key = ".".join(path).removeprefix("Environment.Variables.")
                yield Row(environments=(pair.environment,), name=name, key=key, before=show(one), after=show(other))


def _variables(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    where = ("Environment", "Variables")
    before, after = (value_at(each, where) for each in (old, new))
    for key in sorted({*(before if before is not MISSING else ()), *(after if after is not MISSING else ())}):
        yield (*where, key), None, None


def findings_on_rows(rows: tuple[Row, ...], stack: str) -> Iterator[Finding]:
    """Yield a finding for each row that is looser than before."""
    for row in rows:
        if row.tendency == "looser":
            place = StackPair(row.environments[0], "", stack, {}, {})
            change = "is removed" if row.key == "exists" else f"{row.key} {row.before} -> {row.after}"
            yield draft("gates", place, f"{row.name}: {change}{f', so {row.why}' if row.why else ''}", subject=row.name)


def gate_findings(pair: StackPair, settings: tuple[Row, ...]) -> Iterator[Finding]:
    """Yield findings on gates that the templates loosen, without those that a changed setting explains.

    The words are those of the review that stops such a commit in the pipeline (vectora_review).
    """
    explained = {(row.environments[0], row.key.rpartition(".")[2]) for row in settings}
    for logical_id, kind, before, after in _both(pair):
        for line in _lines(pair, logical_id, kind, before, after):
            found = _LINE.fullmatch(line.text)
            env, text = (found["env"], found["text"]) if found else (pair.environment, line.text)
            if line.kind == LOOSENS and not _is_explained(env, text, explained):
                yield draft("gates", StackPair(env, env, pair.stack, {}, {}), text)


def _lines(pair: StackPair, logical_id: str, kind: str, before: Any, after: Any) -> Iterator[Any]:
    if kind == PIPELINE:
        try:
            yield from pipeline_lines(before, after)
        except (AttributeError, KeyError, TypeError) as error:
            raise VectoraError(
                f"The pipeline {logical_id} has stages that are none: write the template again."
            ) from error
    elif is_policy(before) or is_policy(after):
        yield from policy_lines(pair.plain_name, before, after)
    elif kind == FUNCTION and before is not None and "operations" in pair.stack:
        yield from function_lines(f"{pair.plain_name}: {pair.stack}: {logical_id}", before, after)


_WORDS = {"no approval is needed": "requires_approval", "the promotion window": "windows"}


def _is_explained(env: str, text: str, explained: set[tuple[str, str]]) -> bool:
    key = next((key for words, key in _WORDS.items() if text.startswith(words)), text.split(" ")[0].rpartition(".")[2])
    return (env, key) in explained
