"""The loss of an account: an environment is restored into a fresh one from the copy in the account of its backup."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from recovery.from_copy import RESTORED, RestoreRequest, RestoreResult, restore_from_copy
from recovery.vault_copy import copy_state, open_copy
from rehearsal.deployment import HOST_PLATFORM, run_cdk
from rehearsal.emulator import Emulator
from rehearsal.gaps.complete import complete_by_api
from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import STACK_LAYERS, Names
from vectora_ops.remote import run_remotely
from vectora_ops.runs import RunRequest, follow_run, start_run
from vectora_ops.settings import Settings, load_settings
from vectora_ops.smoke import smoke_test
from vectora_ops.snapshots.compare import with_live
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

LABEL = "before-the-loss"
Step = Callable[[str], AbstractContextManager[None]]


class AccountLossError(VectoraError):
    """A proof of the act failed."""


@dataclass(frozen=True, kw_only=True)
class AccountLossResult:
    """Result of the act.

    `recovery_point_seconds` is the age of the newest complete snapshot in the copy at the loss, `recovery_seconds` the
    time from the loss to the end of the proofs, with `deploy_seconds` and `restore_seconds` in it.
    """

    env: str
    lost_account: str
    fresh_account: str
    snapshot: str
    recovery_point_seconds: float
    recovery_seconds: float
    deploy_seconds: float
    restore_seconds: float
    objects_copied: int
    objects_written: int
    records: int
    smoke_test: str
    newsletter: str


@dataclass(frozen=True, kw_only=True)
class Loss:
    """The account to lose and the one to restore into.

    `checkout` is a copy of the repository, whose settings name the accounts of the environment and its backup.
    """

    emulator: Emulator
    checkout: Path
    env: str
    fresh_account: str
    bucket_suffix: str
    client_id: str


def deploy_copy(emulator: Emulator, checkout: Path, env: str) -> None:
    """Deploy the stack of the vault's copy as an administrator of the backup's account, before the environment."""
    settings = load_settings(checkout)
    account, region = _place_of_copy(settings, env)
    administrator = emulator.administrator(account)
    environment = {**emulator.environment(administrator), "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    run_cdk(checkout, "deploy", "--context", f"backup={env}", environment=environment)
    complete_by_api(emulator.session(account, region), settings.names(env).backup_stack)


def deploy_environment(emulator: Emulator, checkout: Path, env: str) -> None:
    """Prepare the account of an environment and deploy the environment, as an administrator of the account."""
    settings = load_settings(checkout)
    account = str(settings.environment(env).account)
    context = ("--context", f"env={env}", "--context", HOST_PLATFORM)
    administrator = emulator.environment(emulator.administrator(account))
    run_cdk(checkout, "bootstrap", *context, environment=administrator)
    run_cdk(checkout, "deploy", *context, environment=administrator)
    for layer in STACK_LAYERS:
        complete_by_api(emulator.session(account), settings.names(env).stack(layer))


def rehearse_account_loss(loss: Loss, step: Step) -> AccountLossResult:
    """Restore an environment into a fresh account, after its own account, which has a backup, is lost.

    Raise AccountLossError when a proof fails.
    """
    emulator, env = loss.emulator, loss.env
    settings = load_settings(loss.checkout)
    names, lost = settings.names(env), str(settings.environment(env).account)
    source = Account(lost, emulator.region, emulator.session(lost))
    with step(f"{env}: snapshot, and its copy in the account of the backup"):
        event = {"operation": "create", "label": LABEL}
        snapshot = run_remotely(source, names, "snapshot", event, lambda count: None)["snapshot"]
        copy = _copy(emulator, settings, names)
        state = copy_state(Vault(source, names), copy)
        if state.newest_complete != snapshot or state.age is None:
            raise AccountLossError(f"{snapshot} is not complete in the copy: {state.sentence}")
    with step(f"{env}: account {lost} is lost"):
        emulator.lose(lost)
        _require_refused(source, names)
        began = time.monotonic()
    with step(f"{env}: deployed in account {loss.fresh_account}"):
        move_environment(loss.checkout, env, lost, loss.fresh_account, loss.bucket_suffix)
        deploy_copy(emulator, loss.checkout, env)
        deploy_environment(emulator, loss.checkout, env)
        deployed = time.monotonic()
    with step(f"{env}: restored from the copy"):
        restored = _restore(loss, copy)
    with step(f"{env}: a newsletter of {loss.client_id}"):
        newsletter = _newsletter(loss)
    rollback = restored.rollback
    return AccountLossResult(
        env=env,
        lost_account=lost,
        fresh_account=loss.fresh_account,
        snapshot=snapshot,
        recovery_point_seconds=state.age.total_seconds(),
        recovery_seconds=round(time.monotonic() - began, 1),
        deploy_seconds=round(deployed - began, 1),
        restore_seconds=restored.seconds,
        objects_copied=restored.copied_objects,
        objects_written=restored.objects_written,
        records=restored.records,
        smoke_test=rollback.smoke_test.reason if rollback.smoke_test else "this release has no canary client",
        newsletter=newsletter,
    )


def move_environment(checkout: Path, env: str, lost: str, fresh: str, suffix: str) -> None:
    """Write the fresh account into the settings instead of the lost one, and a suffix for the environment's buckets."""
    path = checkout / "config" / "environments.yaml"
    text = path.read_text(encoding="utf-8").replace(f'"{lost}"', f'"{fresh}"')
    heading = f"\n  {env}:\n"
    path.write_text(text.replace(heading, f"{heading}    bucket_suffix: {suffix}\n", 1), encoding="utf-8")


def _place_of_copy(settings: Settings, env: str) -> tuple[str, str]:
    chosen = settings.environment(env)
    if chosen.backup is None:
        raise AccountLossError(f"Environment {env} has no `backup` in config/environments.yaml.")
    return chosen.backup.account_beside(chosen.account), chosen.backup.region


def _copy(emulator: Emulator, settings: Settings, names: Names) -> Vault:
    account, region = _place_of_copy(settings, names.env)
    administrator = Account(account, region, emulator.session(account, region))
    return open_copy(administrator, names, names.copy_bucket("snapshots-copy"))


def _require_refused(source: Account, names: Names) -> None:
    try:
        source.client("s3").list_objects_v2(Bucket=names.bucket("snapshots"))
    except (ClientError, BotoCoreError):
        return
    raise AccountLossError(f"Account {source.account_id} is lost, but its vault can be read.")


def _fresh(loss: Loss) -> tuple[Account, Names]:
    account = Account(loss.fresh_account, loss.emulator.region, loss.emulator.session(loss.fresh_account))
    return account, load_settings(loss.checkout).names(loss.env)


def _restore(loss: Loss, copy: Vault) -> RestoreResult:
    """Restore as an administrator of the fresh account, and compare the content with the copy itself."""
    account, names = _fresh(loss)
    result = restore_from_copy(
        account,
        names,
        copy,
        RestoreRequest(),
        smoke_test=lambda: smoke_test(account, names, on_step=lambda each: None),
    )
    left = list(with_live(copy, Environment(account, names), copy.manifest(result.plan.snapshot), RESTORED))
    if left:
        named = "; ".join(f"{each.component}: {each.path} {each.kind}" for each in left[:5])
        raise AccountLossError(f"The content of {loss.env} differs from the copy: {named}.")
    return result


def _newsletter(loss: Loss) -> str:
    account, names = _fresh(loss)
    states = account.client("stepfunctions")
    execution = start_run(states, account.state_machine_arn(names.state_machine), RunRequest(client_id=loss.client_id))
    outcome = follow_run(states, execution, lambda each: None)
    if not outcome.succeeded:
        raise AccountLossError(f"The run of {loss.client_id} {outcome.status.lower()}: {outcome.reason}")
    return outcome.status
