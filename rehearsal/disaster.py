"""The disaster act: an environment is snapshot, broken in four ways, and rolled back by its own functions."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import boto3

from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names, OperationsTask
from vectora_ops.remote import run_remotely
from vectora_ops.runs import RunRequest, follow_run, start_run
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

LABEL = "rehearsal"
BROKEN_CODE = "def lambda_handler(event, context):\n    raise RuntimeError('broken by hand')\n"
Step = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class DisasterResult:
    """Result of the act; `differences` were shown by diff --live while the environment was broken."""

    env: str
    snapshot: str
    entries: int
    bytes: int
    broken: tuple[str, ...]
    failed_run: str
    differences: int
    safety_snapshot: str
    objects_written: int
    stacks_changed: tuple[str, ...]
    resources_recreated: tuple[str, ...]
    smoke_test: str
    rollback_seconds: float


class DisasterError(VectoraError):
    """A proof of the act failed."""


def rehearse_disaster(
    account: Account, names: Names, client_id: str, administrator: boto3.Session, step: Step
) -> DisasterResult:
    """Snapshot an environment that is deployed, break it as `administrator`, and roll it back.

    Raise DisasterError when a proof fails.
    """
    env = names.env
    with step(f"{env}: snapshot taken by {names.function('snapshot')}"):
        manifest = _remotely(account, names, "snapshot", {"operation": "create", "label": LABEL})["manifest"]
    with step(f"{env}: broken in four ways"):
        broken = _break(administrator, names, client_id)
    with step(f"{env}: a run fails, and diff --live shows the damage"):
        failed_run = _failed_run(account, names, client_id)
        differences = _differences(account, names, manifest["name"])
        if not differences:
            raise DisasterError(f"Environment {env} was broken in four ways, but diff --live shows no difference.")
    with step(f"{env}: rolled back by {names.function('rollback')}"):
        started = time.monotonic()
        rollback = {"operation": "rollback", "snapshot": manifest["name"]}
        result = _remotely(account, names, "rollback", rollback)["result"]
        seconds = time.monotonic() - started
    with step(f"{env}: compared with the snapshot"):
        if left := _differences(account, names, manifest["name"]):
            raise DisasterError(
                f"After the rollback of {env}, {len(left)} differences remain, such as {'; '.join(left[:5])}."
            )
    return DisasterResult(
        env=env,
        snapshot=manifest["name"],
        entries=sum(each["entries"] for each in manifest["components"].values()),
        bytes=sum(each["bytes"] for each in manifest["components"].values()),
        broken=broken,
        failed_run=failed_run,
        differences=len(differences),
        safety_snapshot=result["safety_snapshot"],
        objects_written=result["objects_written"],
        stacks_changed=tuple(result["stacks_changed"]),
        resources_recreated=tuple(result["resources_recreated"]),
        smoke_test=result["smoke_test"]["reason"] if result["smoke_test"] else "this release has no canary client",
        rollback_seconds=round(seconds, 1),
    )


def _remotely(account: Account, names: Names, task: OperationsTask, event: dict[str, Any]) -> dict[str, Any]:
    return run_remotely(account, names, task, event, lambda count: None)


def _break(administrator: boto3.Session, names: Names, client_id: str) -> tuple[str, ...]:
    functions = administrator.client("lambda")
    s3 = administrator.client("s3")
    config = names.bucket("config")
    bad_code = names.function("normalize-score-v2")
    functions.update_function_code(FunctionName=bad_code, ZipFile=_zip("handler.py", BROKEN_CODE))
    layered = names.function("newsletter-v2")
    layer = functions.publish_layer_version(
        LayerName=names.layer("vectora-core"), Content={"ZipFile": _zip("python/vectora_core/__init__.py", "")}
    )["LayerVersionArn"]
    others = [
        each["Arn"]
        for each in functions.get_function_configuration(FunctionName=layered)["Layers"]
        if names.layer("vectora-core") not in each["Arn"]
    ]
    functions.update_function_configuration(FunctionName=layered, Layers=[layer, *others])
    s3.put_object(Bucket=config, Key=f"clients/{client_id}.yaml", Body=b"client_profile: edited by hand\n")
    deleted = s3.list_objects_v2(Bucket=config, Prefix="canonical/prompts/")["Contents"][0]["Key"]
    s3.delete_object(Bucket=config, Key=deleted)
    gone = names.function("ingest-v2")
    functions.delete_function(FunctionName=gone)
    return (
        f"code of {bad_code} replaced",
        f"{layered} given another version of layer {names.layer('vectora-core')}",
        f"clients/{client_id}.yaml edited, {deleted} deleted",
        f"{gone} deleted",
    )


def _zip(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, text)
    return buffer.getvalue()


def _failed_run(account: Account, names: Names, client_id: str) -> str:
    states = account.client("stepfunctions")
    execution = start_run(states, account.state_machine_arn(names.state_machine), RunRequest(client_id=client_id))
    outcome = follow_run(states, execution, lambda step: None)
    if outcome.succeeded:
        raise DisasterError(f"Environment {names.env} was broken in four ways, but a run of {client_id} succeeded.")
    return outcome.reason or outcome.status


def _differences(account: Account, names: Names, snapshot: str) -> list[str]:
    vault = Vault(account, names)
    changes = with_live(vault, Environment(account, names), vault.manifest(snapshot), with_text=False)
    return [f"{change.component}: {change.path} {change.kind}" for change in changes]
