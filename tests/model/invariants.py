"""Invariants of promotion and recovery: each function returns what contradicts its sentence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.model.delivery import Delivery
from tests.model.facts import Facts, history, newest
from tests.model.machines import Change
from tests.model.releases import CLIENT, NAMES
from tests.model.world import LOCK_DAYS, PUBLICATION, World
from vectora_ops.names import EnvName

DEPLOYING = ("s1-runtime", "s1-ingest-v2", "smoke-test", "record")
KEPT = 2


@dataclass
class Watch:
    """State that the invariants keep between two steps."""

    world: World
    delivery: Delivery
    facts: Facts
    # Complete snapshots by environment and name, with the time at which they began.
    complete: dict[tuple[EnvName, str], datetime] = field(default_factory=dict)
    pinned: set[tuple[EnvName, str]] = field(default_factory=set)
    seen_changes: int = 0

    def is_at_rest(self, env: EnvName) -> bool:
        """Return whether nothing is under way in an environment: no deployment, no event, no interrupted work."""
        if any(each.env == env for each in self.world.pending):
            return False
        running = self.delivery.occupant(env)
        return running is None or self.delivery._action(running) in ("gate", "approval", "operations", "snapshot")


def no_unjudged_content(watch: Watch) -> Iterator[str]:
    """A release enters an environment only when its gates let it pass at the moment of the change."""
    yield from watch.facts.violations


def complete_snapshots_are_restorable(watch: Watch) -> Iterator[str]:
    """Every complete snapshot has all objects that it needs, with the right bytes."""
    for env, name, manifest in _complete_snapshots(watch.world):
        bucket = watch.world.aws.s3.buckets[NAMES[env].bucket("snapshots")]
        listed = bucket.current(f"objects/{manifest['references']}")
        if listed is None or listed.body is None:
            yield f"snapshot {name} of {env} has lost its list of references"
            continue
        for line in listed.body.decode().splitlines():
            sha256 = line.partition(" ")[0]
            found = bucket.current(f"objects/{sha256}")
            if found is None or hashlib.sha256(found.body or b"").hexdigest() != sha256:
                yield f"snapshot {name} of {env} is complete and has lost object {sha256[:12]}"
                break


def snapshots_are_lost_by_the_policy_only(watch: Watch) -> Iterator[str]:
    """A complete snapshot goes only when it is not pinned, old enough, and newer ones are kept instead."""
    now, there = watch.world.time.now, {(env, name) for env, name, _ in _complete_snapshots(watch.world)}
    for env, name in there:
        files = watch.world.aws.s3.buckets[NAMES[env].bucket("snapshots")].keys
        folder = (versions for key, versions in files.items() if key.startswith(f"snapshots/{name}/"))
        watch.complete[env, name] = min(versions[0].at for versions in folder)
    for env, name in sorted(watch.complete.keys() - there):
        at = watch.complete[env, name]
        newer = [each for each in watch.complete if each[0] == env and watch.complete[each] > at]
        if (env, name) in watch.pinned:
            yield f"snapshot {name} of {env} was pinned and is gone"
        elif now - at < timedelta(days=LOCK_DAYS):
            yield f"snapshot {name} of {env} is gone, {now - at} after it began"
        elif len(newer) < KEPT:
            yield f"snapshot {name} of {env} is gone, and only {len(newer)} newer ones are there"
        del watch.complete[env, name]


def one_operation_at_a_time(watch: Watch) -> Iterator[str]:
    """Two operations never change one environment alternately: who was overtaken makes no further change."""
    for env, names in NAMES.items():
        buckets = tuple(f"{names.bucket(each)}/" for each in ("config", "data", "newsletters", "snapshots"))
        owners: list[tuple[str, str]] = []
        for change in watch.world.aws.changes[watch.seen_changes :]:
            of_env = change.subject.startswith(buckets) or change.subject.endswith(f"-{env}")
            if of_env and change.owner != PUBLICATION and _matters(change):
                # The files of one snapshot go together.
                folder = change.subject.rpartition("/")[0] if "/snapshots/" in change.subject else change.subject
                owners.append((change.owner, f"{change.operation} {folder}"))
        yield from _alternations(env, owners)
    watch.seen_changes = len(watch.world.aws.changes)


def _matters(change: Change) -> bool:
    """Return whether another operation may depend on what a request changed."""
    if change.service == "cloudformation":
        # A change set changes nothing until it is executed.
        return not change.operation.endswith("_change_set") or change.operation.startswith("execute")
    bucket, _, key = change.subject.partition("/")
    if change.service != "s3" or "-snapshots-" not in bucket:
        return change.service == "s3"
    # Objects of the vault are what their name says: whether one is lost, `complete_snapshots_are_restorable` tells.
    return key.endswith("/manifest.json")


def _alternations(env: EnvName, owners: list[tuple[str, str]]) -> Iterator[str]:
    seen: list[str] = []
    late: dict[str, dict[str, None]] = {}
    for owner, what in owners:
        if owner in seen and seen[-1] != owner:
            late.setdefault(owner, {})[what] = None
        elif owner not in seen:
            seen.append(owner)
    for owner, changes in late.items():
        # The request that was on its way when the other one took over cannot be called back.
        if len(changes) > 1:
            yield f"{owner} was overtaken by {seen[-1]} in {env} and went on: {', '.join(list(changes)[:4])}"


def the_ledger_tells_what_runs(watch: Watch) -> Iterator[str]:
    """At rest, the ledger's last entry is the release that runs, unless somebody changed the environment by hand."""
    for env in NAMES:
        entry, hold = newest(watch.world, env, "ledger"), newest(watch.world, env, "hold")
        held = hold is not None and hold["state"] != "released"
        if entry is None or held or not watch.is_at_rest(env) or env in watch.facts.changed_by_hand:
            continue
        content = watch.world.content_of(env)
        release = watch.world.releases.get(content or 0)
        if release is None or entry["version"] != release.version:
            yield f"{env} runs content {content}, and its ledger says {entry['version']} ({entry['kind']})"


def promoted_files_are_there(watch: Watch) -> Iterator[str]:
    """A client's file that is recorded as promoted is there, unless a later record says what took it away."""
    for env in NAMES:
        last = newest(watch.world, env, "clients")
        if last is None or last["state"] != "promoted" or env in watch.facts.file_changed_by_hand:
            continue
        ledger = newest(watch.world, env, "ledger")
        if not watch.is_at_rest(env) or (ledger and ledger["stored_at"] > last["stored_at"]):
            continue
        body = watch.world.client_file(env) or b""
        if hashlib.sha256(body).hexdigest() != last["sha256"]:
            yield f"{CLIENT} {last['version']} is recorded as promoted into {env}, and is not there"


def holds_end_and_are_notified(watch: Watch) -> Iterator[str]:
    """A hold is never left rolling back when nobody works on it, and never without a message to the operators."""
    for env in NAMES:
        hold = newest(watch.world, env, "hold")
        if hold is None or any((each.env, each.function) == (env, "rollback") for each in watch.world.pending):
            continue
        if hold["state"] == "rolling back":
            yield f"{env} is left rolling back: {hold['reason']}"
        began = next(each for each in reversed(history(watch.world, env, "hold")) if each["state"] == hold["state"])
        told = [
            message
            for at, subject, message in watch.world.aws.sns.messages
            if f" {env}: " in subject and at >= began["stored_at"] and "held" in message
        ]
        if hold["state"] == "held" and not told:
            yield f"{env} is held, and no message says so: {hold['reason']}; {hold['outcome']}"


def every_error_is_foreseen(watch: Watch) -> Iterator[str]:
    """No operation meets an error that it did not foresee, whatever it says to the operators then."""
    yield from watch.world.aws.unexpected


def _complete_snapshots(world: World) -> Iterator[tuple[EnvName, str, dict[str, str]]]:
    for env, names in NAMES.items():
        for key, body in world.aws.s3.buckets[names.bucket("snapshots")].bodies("snapshots/").items():
            if key.endswith("/manifest.json"):
                yield env, key.split("/")[1], json.loads(body)


INVARIANTS: tuple[Callable[[Watch], Iterator[str]], ...] = (
    no_unjudged_content,
    complete_snapshots_are_restorable,
    snapshots_are_lost_by_the_policy_only,
    one_operation_at_a_time,
    the_ledger_tells_what_runs,
    promoted_files_are_there,
    holds_end_and_are_notified,
    every_error_is_foreseen,
)
