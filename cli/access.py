"""Access to the accounts of the environments and of the pipeline: profiles, roles and sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import ClientError, ProfileNotFound

from cli.profiles import GIVEN
from vectora_ops.account import Account, account_of_session
from vectora_ops.settings import ENVIRONMENT_NAMES, OperatorAccess, Place, Settings
from vectora_shared.aws_errors import error_message
from vectora_shared.errors import ConfigurationError, VectoraError

if TYPE_CHECKING:
    import boto3

PIPELINE = "pipeline"
PLACES = (*ENVIRONMENT_NAMES, PIPELINE)
# STS, AssumeRole, RoleSessionName.
NOT_IN_A_SESSION_NAME = re.compile(r"[^\w+=,.@-]", re.ASCII)
LONGEST_SESSION_NAME = 64


@dataclass(frozen=True)
class Access:
    """Account, region and credentials of an environment or the pipeline.

    Without a profile the credentials are those of the default credentials chain; with a role they assume it.
    """

    place: Place
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
    import boto3

    source = _source_session(access)
    if access.role is None:
        return source
    assuming = botocore.session.Session(profile=access.profile)
    assuming.register_component("credential_provider", CredentialResolver([_AssumedRole(source, access)]))
    return boto3.Session(botocore_session=assuming, region_name=access.place.region)


def open_account(settings: Settings, where: str) -> Account:
    """Return the account of an environment or of `pipeline`, in its region.

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
    return account


def _given_profile(where: str) -> str | None:
    """Return the profile that `--profile` names for an environment or the pipeline; the last one counts."""
    found = None
    for text in GIVEN.get():
        place, separator, name = text.rpartition("=")
        if separator and place not in PLACES:
            raise ConfigurationError(
                f"--profile {text} names no environment: write a profile's name, or ENV=NAME with ENV one of "
                f"{', '.join(PLACES)}."
            )
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
        raise VectoraError(
            f"There is no AWS profile '{access.profile}' on this machine: see aws configure list-profiles, or give "
            "another one (--profile NAME)."
        ) from error


class _AssumedRole(CredentialProvider):
    """Credentials of an operator's role, which are renewed before they expire."""

    METHOD = "operator-role"

    def __init__(self, source: boto3.Session, access: Access) -> None:
        super().__init__()
        self._source = source
        self._access = access

    def load(self) -> DeferredRefreshableCredentials:
        """Return credentials that are fetched when a request needs them."""
        return DeferredRefreshableCredentials(refresh_using=self._fetch, method=self.METHOD)

    def _fetch(self) -> Any:
        role = str(self._access.role)
        sts = self._source.client("sts")
        caller = sts.get_caller_identity()
        if not role.startswith("arn:"):
            role = f"arn:aws:iam::{self._access.place.account or caller['Account']}:role/{role}"
        # The session has the caller's name, because the ledger and CloudTrail record the session.
        name = NOT_IN_A_SESSION_NAME.sub("-", caller["Arn"].rpartition(":")[2].rpartition("/")[2])
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=partial(self._source.client),
            source_credentials=self._source.get_credentials(),
            role_arn=role,
            extra_args={"RoleSessionName": name[:LONGEST_SESSION_NAME]},
        )
        try:
            return fetcher.fetch_credentials()
        except ClientError as error:
            raise VectoraError(
                f"You may not assume {role} as {caller['Arn']} ({error_message(error)}): an administrator adds you to "
                "its trust, or give a profile (--profile NAME)."
            ) from error
