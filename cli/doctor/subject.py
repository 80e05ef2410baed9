"""Account under examination: its settings, the caller, and AWS clients with short timeouts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from cli.cdk_bootstrap import CdkBootstrap, bootstrap_of, bootstrap_of_pipeline
from vectora_ops.settings import Settings

if TYPE_CHECKING:
    import boto3

# Throttling and transient failures are retried; an endpoint that does not answer must not block the other checks.
CLIENT_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=5, read_timeout=20)


@dataclass(frozen=True)
class Subject:
    """The account and what to check in it: the environments `envs`, and with `pipeline` the delivery pipeline."""

    root: Path
    settings: Settings
    envs: tuple[str, ...]
    pipeline: bool
    session: boto3.Session
    region: str
    account_id: str
    caller_arn: str
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    def client(self, service: str, region: str | None = None) -> Any:
        """Return the client of a service, which all threads share."""
        key = service, region or self.region
        # boto3 sessions are not thread-safe ("Multithreading", boto3 guide).
        with self._lock:
            if key not in self._clients:
                make: Any = self.session.client
                self._clients[key] = make(service, region_name=key[1], config=CLIENT_CONFIG)
            return self._clients[key]

    @property
    def bootstraps(self) -> tuple[CdkBootstrap, ...]:
        """The bootstraps of the environments, and with `pipeline` that of the pipeline."""
        of_environments = [bootstrap_of(self.settings.names(env), self.account_id, self.region) for env in self.envs]
        names = self.settings.names(self.envs[0])
        of_pipeline = [bootstrap_of_pipeline(names, self.account_id, self.region)] if self.pipeline else []
        return (*of_environments, *of_pipeline)
