"""The AWS account and region that an operator's credentials lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from vectora_core.errors import VectoraError
from vectora_ops.settings import EnvironmentSettings

if TYPE_CHECKING:
    import boto3


@dataclass(frozen=True)
class Account:
    account_id: str
    region: str
    session: boto3.Session

    def state_machine_arn(self, name: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account_id}:stateMachine:{name}"


def open_account(settings: EnvironmentSettings, env: str) -> Account:
    """The account of the ordinary credentials chain, in the environment's region.

    Raises VectoraError when there are no usable credentials, or when they belong to another account than configured.
    """
    import boto3

    session = boto3.Session(region_name=settings.region)
    try:
        account_id = session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise VectoraError(
            f"AWS does not know who you are ({error}): set AWS_PROFILE or log in, then try again."
        ) from error
    if settings.account and settings.account != account_id:
        raise VectoraError(
            f"Environment {env} belongs to account {settings.account}, your credentials to {account_id}: "
            "use the profile of that account."
        )
    return Account(account_id=account_id, region=settings.region, session=session)
