"""Fixtures: a local AWS for each test module, roles, and a function's code."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from rehearsal.certificates import Authority
from rehearsal.emulator import ACCOUNT, Emulator, Identity
from tests.repository import ROOT

EMULATOR_PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
REGION = "eu-west-3"

RoleMaker = Callable[[str, list[dict[str, Any]]], boto3.Session]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def emulator_python() -> Path:
    return EMULATOR_PYTHON


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def worker_environment() -> dict[str, str]:
    """Variables of a module's Lambda functions; a module can override them."""
    return {}


@pytest.fixture(scope="module")
def emulator(authority: Authority, worker_environment: dict[str, str]) -> Iterator[Emulator]:
    with Emulator(EMULATOR_PYTHON, authority, region=REGION, worker_environment=worker_environment) as running:
        yield running


@pytest.fixture(scope="module")
def function_zip() -> bytes:
    """Code of a function that returns its process id and its environment."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "handler.py",
            "import os\n\n"
            "def lambda_handler(event, context):\n"
            "    return {'pid': os.getpid(), 'env': dict(os.environ)}\n",
        )
    return buffer.getvalue()


@pytest.fixture(scope="module")
def make_role(emulator: Emulator) -> RoleMaker:
    """A function that creates a role with these statements, and returns its session."""

    def make(name: str, statements: list[dict[str, Any]]) -> boto3.Session:
        iam = emulator.session().client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        policy = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=json.dumps(policy))
        role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        assumed = emulator.session().client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        identity = Identity(assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])
        return emulator.session_of(identity)

    return make
