"""Calls to the emulator with the roles that AWS would use, so that a missing permission fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.codepipeline.errors import ActionFailedError
from rehearsal.emulator import ACCOUNT, Emulator, Identity, root_user
from rehearsal.proxy import Proxy
from vectora_shared.aws_errors import error_message


@dataclass(frozen=True)
class Credentials:
    """Credentials of a role's session."""

    role_arn: str
    identity: Identity
    expires: datetime


class Aws:
    """The emulator for CodePipeline and CodeBuild.

    No caller of the emulator can be a service, but its root user can assume a role that trusts a service. So the
    stand-in acts as root, after a check that the role trusts the service. `network` is the network of builds.
    `account` and `region` are those of the pipelines; actions may use roles of other accounts, in other regions.
    """

    def __init__(self, emulator: Emulator, network: Proxy, account: str = ACCOUNT, region: str | None = None) -> None:
        self.emulator = emulator
        self.account = account
        self.region = region or emulator.region
        self._network = network
        self._session = botocore.session.Session()
        self._session.set_config_variable("ca_bundle", str(emulator.ca_bundle))
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, Identity, str], Any] = {}
        self._config = Config(
            proxies={"https": emulator.proxy.address},
            retries={"mode": "standard", "max_attempts": 2},
            max_pool_connections=20,
        )

    def admin_client(self, service: str, account: str | None = None, region: str | None = None) -> Any:
        """Return a client of an account's administrator, for work that AWS does without a role.

        The account and region are those of the pipeline by default.
        """
        return self._client(service, self.emulator.administrator(account or self.account), region)

    def service_client(self, service: str) -> Any:
        """Return a client of the root user, for calls that only AWS's services may make."""
        return self._client(service, root_user(self.account))

    def client(self, service: str, credentials: Credentials, region: str | None = None) -> Any:
        """Return a client of a role's session, by default in the pipeline's region."""
        return self._client(service, credentials.identity, region)

    def build_environment(self, role: Credentials) -> dict[str, str]:
        """Return the variables with which the tools of a build use the project's role."""
        own = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        return {**self.emulator.environment(role.identity), **own, **self._network.environment()}

    def as_service(self, service: str, role_arn: str, session: str) -> Credentials:
        """Assume a role as `service`; raise ActionFailedError when the role does not trust the service."""
        if not self.trusts(role_arn, service):
            raise _not_assumed(service, role_arn, f"its trust policy does not name {service}")
        return self._assume(self.service_client("sts"), service, role_arn, session)

    def assume(self, by: Credentials, role_arn: str, session: str) -> Credentials:
        """Assume a role as another role; raise ActionFailedError when that is not permitted."""
        return self._assume(self.client("sts", by), by.role_arn, role_arn, session)

    def trusts(self, role_arn: str, service: str) -> bool:
        """Return whether the role exists and its trust policy allows `service`."""
        try:
            iam = self.admin_client("iam", _account_of(role_arn))
            role = iam.get_role(RoleName=role_arn.rpartition("/")[2])["Role"]
        except ClientError:
            return False
        return service in _trusted_services(role["AssumeRolePolicyDocument"])

    def allows(self, role_arn: str, action: str, resource: str) -> bool:
        """Return whether IAM allows the role an action that the emulator does not check by itself."""
        answer = self.admin_client("iam", _account_of(role_arn)).simulate_principal_policy(
            PolicySourceArn=role_arn, ActionNames=[action], ResourceArns=[resource]
        )
        return all(result["EvalDecision"] == "allowed" for result in answer["EvaluationResults"])

    def require(self, role_arn: str, action: str, resource: str) -> None:
        """Raise ActionFailedError when IAM does not allow the role an action."""
        if not self.allows(role_arn, action, resource):
            message = f"The role {role_arn} is not authorized to perform: {action} on resource: {resource}"
            raise ActionFailedError(message, "PermissionError")

    def _assume(self, sts: Any, who: str, role_arn: str, session: str) -> Credentials:
        try:
            answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=session)["Credentials"]
        except (ClientError, BotoCoreError) as error:
            raise _not_assumed(who, role_arn, str(error)) from error
        identity = Identity(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
        return Credentials(role_arn, identity, answer["Expiration"])

    def _client(self, service: str, identity: Identity, region: str | None = None) -> Any:
        key = (service, identity, region or self.region)
        # botocore's loading of service models is not thread-safe; its clients are, and take long to create.
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._session.create_client(
                    service,
                    region_name=key[2],
                    aws_access_key_id=identity.key,
                    aws_secret_access_key=identity.secret,
                    aws_session_token=identity.token,
                    config=self._config,
                )
            return self._clients[key]


def _account_of(role_arn: str) -> str:
    return role_arn.split(":")[4]


def _not_assumed(who: str, role_arn: str, reason: str) -> ActionFailedError:
    return ActionFailedError(
        f"{who} is not authorized to perform AssumeRole on role {role_arn}: {reason}", "PermissionError"
    )


def _trusted_services(trust: Mapping[str, Any]) -> set[str]:
    return set(_services_in(trust))


def _services_in(trust: Mapping[str, Any]) -> Iterator[str]:
    statements = trust["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        if statement["Effect"] == "Allow" and isinstance(principal, dict):
            services = principal.get("Service", [])
            yield from services if isinstance(services, list) else [services]


def error_text(error: Exception) -> str:
    """Return the message of an AWS API's error, without the text that botocore puts around it."""
    if isinstance(error, ClientError):
        return error_message(error) or str(error)
    return str(error)
