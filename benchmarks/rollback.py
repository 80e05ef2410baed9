"""Time of a complete rollback of a bad release, against `cdk deploy` of the good one without any proof."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.api_calls import by_service, counted
from benchmarks.figure import Figure
from benchmarks.storage import ROOT
from rehearsal.deployment import bootstrapped_account, complete, synthesize
from rehearsal.emulator import ACCOUNT
from vectora_ops.account import Account
from vectora_ops.cloudformation.definition import FUNCTION
from vectora_ops.cloudformation.stacks import Stacks
from vectora_ops.cloudformation.templates import parse_template
from vectora_ops.names import OPERATIONS_LAYER, STACK_LAYERS, Names, StackLayer
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.rollback.run import roll_back
from vectora_ops.settings import load_settings
from vectora_ops.smoke import SmokeResult, smoke_test
from vectora_ops.snapshots.manifest import Component, Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot

ROUNDS = 3
ENV = "dev"
# `cdk deploy` of the same stacks needs 58.
SNAPSHOT_CALLS, ROLLBACK_CALLS = 80, 150
TAGS = "s3.GetObjectTagging"
COPIED: tuple[Component, ...] = ("clients", "canonical", "newsletters", "data")
CHANGED: tuple[StackLayer, ...] = ("s1-runtime", "s1-ingest-v2")
# The owner's target: five minutes.
TARGET_SECONDS = 300


def rollback_figures() -> list[Figure]:
    """Measure rollbacks and deployments in turns."""
    settings = load_settings(ROOT)
    names, region = settings.names(ENV), settings.environment(ENV).region
    stacks = [names.stack(layer) for layer in STACK_LAYERS if layer != OPERATIONS_LAYER]
    rollbacks: list[float] = []
    with_smoke_test: list[float] = []
    by_cdk: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        release = Path(folder) / "cdk.out"
        synthesize(ROOT, ENV, release)
        with bootstrapped_account(ROOT, release, region, ENV) as (emulator, cdk):
            cdk("deploy")
            complete(emulator, ROOT, ENV)
            account = Account(ACCOUNT, region, emulator.session())
            snapshot, first_calls = _snapshot(account, names, "good")
            _, later_calls = _snapshot(account, names, "later")
            for _ in range(ROUNDS):
                _deploy_bad_release(account, names)
                start = time.perf_counter()
                cdk("deploy", "--exclusively", *stacks)
                by_cdk.append(time.perf_counter() - start)
                _deploy_bad_release(account, names)
                with counted(account, names) as (counting, calls_of_rollback):
                    seconds, smoke = _roll_back(counting, names, snapshot.name)
                rollbacks.append(seconds - smoke)
                with_smoke_test.append(seconds)
    files = sum(snapshot.components[each].entries for each in COPIED)
    how = (
        f"median of {ROUNDS}: {median(rollbacks):.1f} s with verification, safety snapshot and proof, "
        f"against {median(by_cdk):.1f} s for the same updates of {len(stacks)} stacks"
    )
    return [
        Figure(
            "snapshot of dev, beyond one read and one read of tags a file",
            first_calls.total() - first_calls[TAGS] - files,
            "calls",
            SNAPSHOT_CALLS,
            f"{by_service(first_calls)}; {files} files are copied",
        ),
        _beyond_tags("later snapshot of dev", later_calls, SNAPSHOT_CALLS),
        _beyond_tags("rollback of dev", calls_of_rollback, ROLLBACK_CALLS),
        Figure("rollback, against cdk deploy", median(rollbacks) / median(by_cdk), "x", 1.0, how),
        Figure(
            "rollback with its smoke test",
            max(with_smoke_test),
            "s",
            TARGET_SECONDS,
            "the owner's target; slowest round",
        ),
    ]


def _beyond_tags(what: str, calls: Counter[str], limit: int) -> Figure:
    tags = calls[TAGS]
    return Figure(
        f"{what}, beyond reads of tags", calls.total() - tags, "calls", limit, f"{by_service(calls)}; {tags} tags"
    )


def _snapshot(account: Account, names: Names, label: str) -> tuple[Manifest, Counter[str]]:
    with counted(account, names) as (counting, calls):
        manifest = take_snapshot(counting, names, SnapshotRequest(label=label, occasion=Occasion(kind="operator")))
    return manifest, calls


def _roll_back(account: Account, names: Names, snapshot: str) -> tuple[float, float]:
    """Roll back; return the seconds in total and those of the smoke test, which `cdk deploy` does not have."""
    spent: list[float] = []

    def smoke() -> SmokeResult:
        start = time.perf_counter()
        result = smoke_test(account, names, on_step=lambda step: None)
        spent.append(time.perf_counter() - start)
        return result

    start = time.perf_counter()
    result = roll_back(account, names, RollbackRequest(snapshot=snapshot), smoke_test=smoke)
    seconds = time.perf_counter() - start
    if len(result.stacks_changed) != len(CHANGED):
        raise RuntimeError(f"Only {result.stacks_changed} were rolled back: the figure would be invalid.")
    return seconds, spent[0]


def _deploy_bad_release(account: Account, names: Names) -> None:
    """Change memory, timeout and configuration of every function, and the record of the release."""
    stacks = Stacks(account)
    for layer in CHANGED:
        definition = stacks.read(names.stack(layer))
        if definition is None:
            raise RuntimeError(f"{names.stack(layer)} is not deployed: the figure would be invalid.")
        template = parse_template(definition.template)
        for resource in template["Resources"].values():
            properties = resource.get("Properties", {})
            if resource["Type"] == FUNCTION:
                properties |= {"MemorySize": 128, "Timeout": 3}
                properties["Environment"]["Variables"]["LOG_LEVEL"] = "ERROR"
            elif properties.get("Name") == names.parameter("release"):
                properties["Value"] = json.dumps({"digest": "f" * 64, "version": "9.9.9"})
        stacks.restore(replace(definition, template=json.dumps(template)))
