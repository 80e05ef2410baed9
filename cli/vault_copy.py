"""The copy of an environment's vault, as commands open and describe it."""

from __future__ import annotations

from botocore.exceptions import ProfileNotFound

from cli.access import unknown_profile
from cli.target import Target
from recovery.vault_copy import CopyState, copy_state, open_copy
from vectora_ops.account import Account, account_of_session
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError


def copy_of(
    target: Target, *, bucket: str | None = None, region: str | None = None, profile: str | None = None
) -> Vault:
    """Open the copy of a target's vault, or that in `bucket`.

    Raises VectoraError when the environment has no backup and no region is given, or when the copy cannot be read.
    """
    backup, names = target.settings.backup, target.names
    region = region or (backup.region if backup else None)
    if region is None:
        raise VectoraError(
            f"Environment {names.env} has no `backup` in config/environments.yaml: add it, or give --copy-region."
        )
    account = _account_of(profile, region) if profile else target.account.in_region(region)
    return open_copy(account, names, bucket or names.copy_bucket("snapshots-copy"))


def _account_of(profile: str, region: str) -> Account:
    import boto3

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
    except ProfileNotFound as error:
        raise VectoraError(unknown_profile(profile)) from error
    return account_of_session(session)


def state_of_copy(target: Target) -> CopyState | None:
    """Return how far the copy of a target's vault is; None for an environment without a backup."""
    if target.settings.backup is None:
        return None
    return copy_state(Vault(target.account, target.names), copy_of(target))


def sentence_on_copy(target: Target) -> str | None:
    """Return the state of the copy of a target's vault, or why it is not known; None without a backup."""
    try:
        state = state_of_copy(target)
    except VectoraError as error:
        return str(error)
    return state.sentence if state else None
