"""AWS account and region of the credentials in use, with their clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from vectora_ops.names import PIPELINE as PIPELINE
from vectora_shared.aws import RETRYING, with_complete_responses
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

if TYPE_CHECKING:
    import boto3

READ_TIMEOUT_SECONDS = 60
# Operations whose names begin so change nothing; `Validate` is CloudFormation's ValidateTemplate.
READS = ("BatchGet", "Describe", "Get", "Head", "List", "Validate")
# A synchronous invocation may take 900 s. Routers drop connections that are silent for long, hence the keepalive, and a
# repeated request would run the function again (Lambda API reference, Invoke).
INVOKING = Config(tcp_keepalive=True, retries={"mode": "standard", "total_max_attempts": 1})
LONGEST_INVOCATION_SECONDS = 930


@dataclass(frozen=True)
class Account:
    """One account in one region, with one client per service."""

    account_id: str
    region: str
    session: boto3.Session
    # What is in another account or region: the pipeline, or environments by name.
    elsewhere: Mapping[str, Account] = field(default_factory=dict, repr=False, compare=False)
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)
    # Called with the address of each request that may change something, before it is sent.
    _checks: list[Callable[[str], None]] = field(default_factory=list, init=False, repr=False, compare=False)

    @contextmanager
    def checking_changes(self, check: Callable[[str], None]) -> Iterator[None]:
        """Call `check` before each attempt of each request that may change something; its error stops the request.

        It gets the address of the request. Clients that were made elsewhere are not checked.
        """
        self._checks.append(check)
        try:
            yield
        finally:
            self._checks.remove(check)

    def _check(self, request: Any, operation_name: str, **_: Any) -> None:
        if not operation_name.startswith(READS):
            for check in tuple(self._checks):
                check(request.url)

    def in_region(self, region: str) -> Account:
        """Return the same account and credentials in another region."""
        return Account(self.account_id, region, self.session)

    def client(self, service: str) -> Any:
        """Return the client of a service, with retries; all threads share it."""
        return self._client(service, service, Config(read_timeout=READ_TIMEOUT_SECONDS))

    def invoker(self, wait_seconds: int = LONGEST_INVOCATION_SECONDS) -> Any:
        """Return the Lambda client for synchronous invocations, which never repeats a request."""
        name = "invoker" if wait_seconds == LONGEST_INVOCATION_SECONDS else f"invoker {wait_seconds}"
        return self._client(name, "lambda", INVOKING.merge(Config(read_timeout=wait_seconds)))

    def of(self, what: str) -> Account:
        """Return the account and region of the pipeline or of an environment, as this account may use them."""
        return self.elsewhere.get(what, self)

    def with_roles(self, routes: Mapping[str, Mapping[str, str]]) -> Account:
        """Return this account with what is elsewhere, each with the `role` to assume for it and its `region`."""
        return replace(
            self, elsewhere={what: self.as_role(route["role"], route["region"]) for what, route in routes.items()}
        )

    def as_role(self, role_arn: str, region: str) -> Account:
        """Return the account of a role in `region`, whose clients assume the role before their first request.

        Their requests raise VectoraError, which names the role, when it is missing or does not trust these credentials.
        """
        import boto3
        from botocore.credentials import DeferredRefreshableCredentials
        from botocore.session import Session

        name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "vectora")
        session: Any = Session()
        # boto3 has no public way to give a session credentials that are renewed (botocore/session.py).
        session._credentials = DeferredRefreshableCredentials(
            refresh_using=lambda: role_credentials(self.client("sts"), role_arn, name), method="sts-assume-role"
        )
        return Account(role_arn.split(":")[4], region, boto3.Session(botocore_session=session, region_name=region))

    def http_session(self, url: str) -> URLLib3Session:
        """Return an HTTP session for presigned addresses, with the CA bundle and proxies of the session's clients."""
        # boto3 has no public name for this setting, which botocore gives to every client (botocore/session.py).
        trusted = self.session._session.get_config_variable("ca_bundle")
        proxies = self.client("lambda").meta.config.proxies
        return URLLib3Session(
            verify=trusted or True,
            proxies=get_environ_proxies(url) if proxies is None else proxies,
            timeout=READ_TIMEOUT_SECONDS,
        )

    def _client(self, name: str, service: str, config: Config) -> Any:
        with self._lock:
            if name not in self._clients:
                make: Any = self.session.client
                client = with_complete_responses(make(service, region_name=self.region, config=RETRYING.merge(config)))
                # Emitted for each attempt of a request (botocore/endpoint.py).
                client.meta.events.register("request-created", self._check)
                self._clients[name] = client
            return self._clients[name]

    def state_machine_arn(self, name: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account_id}:stateMachine:{name}"

    def function_arn(self, name: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{name}"


def role_credentials(sts: Any, role_arn: str, session_name: str) -> dict[str, str]:
    """Return the credentials of a role as botocore's metadata; raises VectoraError that names the role."""
    try:
        found = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]
    except (BotoCoreError, ClientError) as error:
        # STS answers AccessDenied for a missing role and for one that does not trust the caller alike.
        raise VectoraError(
            f"Role {role_arn} cannot be assumed ({plain(error)}): deploy the stack that defines it, and check that it "
            "trusts the caller (docs/architecture/accounts.md)."
        ) from error
    return {
        "access_key": found["AccessKeyId"],
        "secret_key": found["SecretAccessKey"],
        "token": found["SessionToken"],
        "expiry_time": found["Expiration"].isoformat(),
    }


def account_of_credentials(region: str) -> Account:
    """Return the account of the default credentials chain; raises VectoraError without usable credentials."""
    import boto3

    return account_of_session(boto3.Session(region_name=region))


def account_of_session(session: boto3.Session) -> Account:
    """Return the account and region of a session; raises VectoraError without usable credentials."""
    try:
        account_id = with_complete_responses(session.client("sts", config=RETRYING)).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise VectoraError(
            f"AWS did not accept your credentials ({error}): set AWS_PROFILE or log in, then try again."
        ) from error
    return Account(account_id, session.region_name, session)
