"""Account with answers given by the test and validated against botocore's models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cli.doctor.finding import Check, Finding
from cli.doctor.subject import Subject
from tests.repository import ROOT
from vectora_ops.settings import Settings, load_settings

ACCOUNT, REGION = "000000000000", "eu-west-3"
OPERATOR = f"arn:aws:sts::{ACCOUNT}:assumed-role/vectora-inbox-operator/jane"

# One session for all tests, because it caches the service models.
SESSION = boto3.Session("key", "secret", region_name=REGION)

Run = Callable[..., list[Finding]]


class Aws:
    """Replacement for a boto3 session; each answer is used once, in the order of the test."""

    def __init__(self) -> None:
        self._stubbers: dict[tuple[str, str], Stubber] = {}

    def client(self, service: str, region_name: str = REGION, config: Any = None) -> Any:
        return self._stubber(service, region_name).client

    def answers(
        self, service: str, operation: str, response: dict[str, Any], *, region: str = REGION, **expected: Any
    ) -> None:
        self._stubber(service, region).add_response(operation, response, expected or None)

    def refuses(
        self, service: str, operation: str, code: str, *, region: str = REGION, message: str = "No.", **metadata: Any
    ) -> None:
        self._stubber(service, region).add_client_error(operation, code, message, response_meta=metadata or None)

    def assert_all_used(self) -> None:
        for stubber in self._stubbers.values():
            stubber.assert_no_pending_responses()

    def _stubber(self, service: str, region: str) -> Stubber:
        if (service, region) not in self._stubbers:
            make: Any = SESSION.client
            stubber = Stubber(make(service, region_name=region))
            stubber.activate()
            self._stubbers[service, region] = stubber
        return self._stubbers[service, region]


@pytest.fixture
def aws() -> Iterator[Aws]:
    account = Aws()
    yield account
    account.assert_all_used()


@pytest.fixture
def run(aws: Aws) -> Run:
    """Return a function that runs a check for stage, or with `pipeline=True` for everything."""

    def run_check(
        check: Check,
        *,
        pipeline: bool = False,
        env: str = "stage",
        caller: str = OPERATOR,
        root: Path = ROOT,
        settings: Settings | None = None,
    ) -> list[Finding]:
        session: Any = aws
        subject = Subject(
            root=root,
            settings=settings or load_settings(ROOT),
            envs=("dev", "stage", "prod") if pipeline else (env,),
            pipeline=pipeline,
            session=session,
            region=REGION,
            account_id=ACCOUNT,
            caller_arn=caller,
        )
        return check.run(subject)

    return run_check
