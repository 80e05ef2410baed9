"""Facts of the model, kept without the product's records."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.model.releases import NAMES, Release
from tests.model.world import World
from vectora_ops.names import EnvName
from vectora_ops.settings import environment_before


def newest(world: World, env: EnvName, path: str) -> dict[str, Any] | None:
    """Return the newest value of a record, with `stored_at`, the time of the store."""
    found = history(world, env, path)
    return found[-1] if found else None


def history(world: World, env: EnvName, path: str) -> list[dict[str, Any]]:
    """Return all values of a record, oldest first."""
    versions = world.aws.ssm.parameters.get(NAMES[env].parameter(f"promotion/{path}"), [])
    return [{**json.loads(each["Value"]), "stored_at": each["LastModifiedDate"]} for each in versions]


@dataclass
class Facts:
    """Facts that decide about a promotion, dated by the true time."""

    world: World
    # By environment: content that an operator rolled back from, and when.
    rejected: dict[EnvName, dict[int, datetime]] = field(default_factory=lambda: {env: {} for env in NAMES})
    # Environments that somebody changed by hand, or rolled back in part, since their last release.
    changed_by_hand: set[EnvName] = field(default_factory=set)
    # Client files that somebody changed by hand since they were promoted.
    file_changed_by_hand: set[EnvName] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def reasons_against(self, release: Release, target: EnvName) -> dict[str, str]:
        """Return why a release must not enter an environment now, by gate."""
        source = environment_before(target)
        if source is None:
            return {}
        policy, found = self.world.policies[target], {}
        hold = newest(self.world, target, "hold")
        if hold and hold["state"] != "released":
            found["hold"] = f"{target} is held"
        if policy.requires_smoke_test and (why := self._smoke_test(release, source)):
            found["smoke-test"] = why
        if policy.soak_days and (why := self._soak(release, source, timedelta(days=policy.soak_days))):
            found["soak"] = why
        bypass = newest(self.world, target, "bypass")
        skipped = bypass["gates"] if bypass and bypass.get("content_digest") == release.content_digest else ()
        return {gate: why for gate, why in found.items() if gate not in skipped}

    def _smoke_test(self, release: Release, source: EnvName) -> str:
        mine = source, release.number
        results = [passed for env, content, passed, _ in self.world.smoke_tests if (env, content) == mine]
        if not results:
            return f"{source} never tested content {release.number}"
        return "" if results[-1] else f"the last smoke test of content {release.number} in {source} failed"

    def _soak(self, release: Release, source: EnvName, span: timedelta) -> str:
        """Add up the time under this content since its last failed run, which may be in several pieces."""
        number, samples = release.number, self.world.samples[source]
        if samples[-1].content != number:
            return f"{source} has content {samples[-1].content}, not {number}"
        failed = [at for env, content, at in self.world.failures if (env, content) == (source, number)]
        since, soaked = max(failed, default=samples[0].at), timedelta()
        ends = [*(each.at for each in samples[1:]), self.world.time.now]
        for sample, end in zip(samples, ends, strict=True):
            if sample.content == number:
                soaked += max(timedelta(), end - max(sample.at, since))
        return "" if soaked >= span else f"content {number} soaked for {soaked} in {source} since {since:%d %H:%M}"

    def is_rejected(self, release: Release, target: EnvName, wanted_at: datetime | None) -> bool:
        """Return whether an operator rolled back from this content after somebody last wanted it.

        Nothing gates what comes into the first environment.
        """
        if environment_before(target) is None:
            return False
        rejected_at = self.rejected[target].get(release.number)
        return rejected_at is not None and (wanted_at is None or wanted_at < rejected_at)
