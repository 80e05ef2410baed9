"""Access to the accounts of the environments and of the pipeline: profiles, roles and sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ProfileNotFound

from cli.profiles import GIVEN
from vectora_ops.account import PIPELINE, Account, account_of_session, role_credentials
from vectora_ops.settings import ENVIRONMENT_NAMES, Location, OperatorAccess, Settings
from vectora_ops.unknown_names import unknown_name
from vectora_shared.errors import UnknownWordError, VectoraError

if TYPE_CHECKING:
    import boto3

PLACES = (*ENVIRONMENT_NAMES, PIPELINE)
# STS, AssumeRole, RoleSessionName.
NOT_IN_A_SESSION_NAME = re.compile(r"[^\w+=,.@-]", re.ASCII)
LONGEST_SESSION_NAME = 64


@dataclass(frozen=True)
class Access:
    """Account, region and credentials of an environment or the pipeline.

    Without a profile the credentials are those of the default credentials chain; with a role they assume it.
    """

    place: Location
    profile: str | None
    role: str | None


def access_to(settings: Settings, where: str) -> Access:
    """Return the access to an environment or to `pipeline`: that of `--profile`, otherwise that of the settings."""
    if where == PIPELINE and settings.pipeline.account is None:
        # The pipeline is in the account of dev, which the credentials for dev belong to.
        own: OperatorAccess = settings.environments.dev
    else:
        own = settings.pipeline if where == PIPELINE else settings.environment(where)
    place = settings.pipeline_place if where == PIPELINE else settings.place(where)
    if profile := _given_profile(where):
        return Access(place, profile, None)
    return Access(place, own.profile, own.operator_role)


def open_session(access: Access) -> boto3.Session:
    """Return a session, without a call to AWS; raises VectoraError when the machine does not know the profile."""
    # Imported here because they take long, and help needs no session.
    import boto3
    import botocore.session
    from botocore.credentials import DeferredRefreshableCredentials

    source = _source_session(access)
    if access.role is None:
        return source
    assuming: Any = botocore.session.Session(profile=access.profile)
    # boto3 has no public way to give a session credentials that are renewed (botocore/session.py).
    assuming._credentials = DeferredRefreshableCredentials(
        refresh_using=partial(_role_credentials, source, access), method="sts-assume-role"
    )
    return boto3.Session(botocore_session=assuming, region_name=access.place.region)


def open_account(settings: Settings, where: str) -> Account:
    """Return the account of an environment or of `pipeline`, in its region, with what is elsewhere.

    Raises VectoraError without usable credentials, or when they belong to another account than the settings name.
    """
    access = access_to(settings, where)
    account = account_of_session(open_session(access))
    if access.place.account and access.place.account != account.account_id:
        raise VectoraError(
            f"AWS account {account.account_id} is not that of {where} ({access.place.account}): use a profile of that "
            f"account (--profile {where}=NAME), or set `profile` or `operator_role` of {where} in "
            "config/environments.yaml."
        )
    return replace(account, elsewhere=_Elsewhere(settings, where))


def _given_profile(where: str) -> str | None:
    """Return the profile that `--profile` names for an environment or the pipeline; the last one counts."""
    found = None
    for text in GIVEN.get():
        place, separator, name = text.rpartition("=")
        if separator and place not in PLACES:
            advice = "Write --profile NAME or --profile ENV=NAME."
            raise UnknownWordError(unknown_name("environment", place, PLACES, advice=advice))
        if not separator and found is None:
            found = name
        if place == where:
            found = name
    return found


def _source_session(access: Access) -> boto3.Session:
    import boto3

    try:
        return boto3.Session(profile_name=access.profile, region_name=access.place.region)
    except ProfileNotFound as error:
        raise VectoraError(unknown_profile(str(access.profile))) from error


def unknown_profile(name: str) -> str:
    """Return the sentence on a profile that this machine does not have, with those that it has."""
    import boto3

    known = sorted(boto3.Session().available_profiles)
    return unknown_name("AWS profile", name, known, where="on this machine", advice="Give one with --profile NAME.")


def _role_credentials(source: boto3.Session, access: Access) -> dict[str, str]:
    """Return credentials of the role in a session with the caller's name, which the ledger and CloudTrail record."""
    role, sts = str(access.role), source.client("sts")
    caller = sts.get_caller_identity()
    if not role.startswith("arn:"):
        role = f"arn:aws:iam::{access.place.account or caller['Account']}:role/{role}"
    name = NOT_IN_A_SESSION_NAME.sub("-", caller["Arn"].rpartition(":")[2].rpartition("/")[2])
    return role_credentials(sts, role, name[:LONGEST_SESSION_NAME])


class _Elsewhere(Mapping[str, Account]):
    """The pipeline and the environments in another account or region than one of them, opened when they are used."""

    def __init__(self, settings: Settings, here: str) -> None:
        place = access_to(settings, here).place
        self._settings = settings
        self._there = tuple(where for where in PLACES if access_to(settings, where).place != place)

    def __getitem__(self, where: str) -> Account:
        if where not in self._there:
            raise KeyError(where)
        return open_account(self._settings, where)

    def __iter__(self) -> Iterator[str]:
        return iter(self._there)

    def __len__(self) -> int:
        return len(self._there)
