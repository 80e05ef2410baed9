"""The AWS account and region that an operator's credentials lead to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from vectora_core.errors import VectoraError
from vectora_ops.settings import EnvironmentSettings

if TYPE_CHECKING:
    import boto3

CONNECTIONS = 32
# An invocation of a function that is waited for may take 900 s.
READ_TIMEOUT_SECONDS = 930
# Throttling and passing failures are retried with growing waits, for about half a minute.
RETRYING = Config(
    retries={"mode": "standard", "total_max_attempts": 8},
    max_pool_connections=CONNECTIONS,
    connect_timeout=10,
)
INVOKING = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    tcp_keepalive=True,
    connect_timeout=10,
    read_timeout=READ_TIMEOUT_SECONDS,
)


@dataclass(frozen=True)
class Account:
    """`ca_bundle` is the file of certificate authorities that the session trusts; None for the usual ones."""

    account_id: str
    region: str
    session: boto3.Session
    ca_bundle: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """The client of a service, with retries; one for all threads."""
        with self._lock:
            if service not in self._clients:
                make: Any = self.session.client
                patience = Config(read_timeout=READ_TIMEOUT_SECONDS if service == "lambda" else 60)
                self._clients[service] = make(service, config=RETRYING.merge(patience))
            return self._clients[service]

    def invoker(self) -> Any:
        """The Lambda client for invocations: its connections survive long silence, and it never invokes twice.

        A network between may drop a connection without traffic (Lambda API reference, Invoke), and an invocation whose
        answer was lost has happened all the same.
        """
        with self._lock:
            if "invoker" not in self._clients:
                make: Any = self.session.client
                self._clients["invoker"] = make("lambda", config=INVOKING)
            return self._clients["invoker"]

    def state_machine_arn(self, name: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account_id}:stateMachine:{name}"

    def function_arn(self, name: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{name}"


def open_account(settings: EnvironmentSettings, env: str) -> Account:
    """The account of the ordinary credentials chain, in the environment's region.

    Raises VectoraError when there are no usable credentials, or when they belong to another account than configured.
    """
    account = account_of_credentials(settings.region)
    if settings.account and settings.account != account.account_id:
        raise VectoraError(
            f"Environment {env} belongs to account {settings.account}, your credentials to {account.account_id}: "
            "use the profile of that account."
        )
    return account


def account_of_credentials(region: str) -> Account:
    """Raises VectoraError when there are no usable credentials."""
    import boto3

    session = boto3.Session(region_name=region)
    try:
        account_id = session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise VectoraError(
            f"AWS does not know who you are ({error}): set AWS_PROFILE or log in, then try again."
        ) from error
    return Account(account_id, region, session, ca_bundle=os.environ.get("AWS_CA_BUNDLE"))
