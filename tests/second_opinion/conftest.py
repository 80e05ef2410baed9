"""Fixtures of moto's server at AWS's own host names, which checks signatures and permissions."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import urllib3

from rehearsal.certificates import Authority
from rehearsal.promotion_in_process import with_promotion
from rehearsal.supervisor import end_supervised, start_supervised
from tests.environment_buckets import make_buckets
from tests.second_opinion.own_host_names import CERTIFICATE_NAMES, REGION, OwnHostNames
from vectora_ops.account import Account
from vectora_ops.names import Names

SERVER = Path(__file__).with_name("moto_server.py")
NAMES = Names(project="vectora-inbox", env="dev")
# Only a guard against hanging.
SECONDS_TO_START = 600
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


class Moto:
    """moto's server; `own` makes it reachable at AWS's host names."""

    def __init__(self, port: int, bundle: Path, own: OwnHostNames) -> None:
        self.own = own
        self._control = urllib3.HTTPSConnectionPool("127.0.0.1", port, ca_certs=str(bundle))

    def new_session(self) -> boto3.Session:
        """Reset the server, and return a session of a user with all permissions, whose signatures are checked."""
        self._do("reset-auth", "inf")
        self._do("reset")
        self.own.hosts.clear()
        iam = self.own.session("any", "any").client("iam", endpoint_url=f"https://iam.{REGION}.amazonaws.com")
        iam.create_user(UserName="operator")
        iam.put_user_policy(UserName="operator", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
        key = iam.create_access_key(UserName="operator")["AccessKey"]
        self._do("reset-auth", "0")
        return self.own.session(key["AccessKeyId"], key["SecretAccessKey"])

    def close(self) -> None:
        self._control.close()

    def _do(self, action: str, body: str = "") -> None:
        answer = self._control.request("POST", f"/moto-api/{action}", body=body)
        assert answer.status == 200, answer.data


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    folder = tmp_path_factory.mktemp("moto")
    authority, bundle, log = Authority(), folder / "ca.pem", folder / "log"
    authority.write_bundle(bundle)
    certificate, key = authority.write_certificate(folder, "127.0.0.1", *CERTIFICATE_NAMES)
    with log.open("wb") as output:
        command = [sys.executable, str(SERVER), str(certificate), str(key)]
        process = start_supervised(command, environment={"PYTHONWARNINGS": "ignore"}, folder=folder, output=output)
        try:
            with OwnHostNames(_port(log), bundle) as own:
                running = Moto(_port(log), bundle, own)
                yield running
                running.close()
        finally:
            end_supervised(process)


def _port(log: Path) -> int:
    """Return the port, which is the first line that the server prints."""
    deadline = time.monotonic() + SECONDS_TO_START
    while "\n" not in (output := log.read_text(encoding="utf-8")):
        if time.monotonic() > deadline:
            pytest.fail(f"moto did not start: {output}")
        time.sleep(0.02)
    first = output.partition("\n")[0]
    assert first.isdecimal(), f"moto did not start: {output}"
    return int(first)


@pytest.fixture
def account(moto: Moto) -> Account:
    """An account with the buckets of environment dev; its vault locks new objects for a day."""
    session = moto.new_session()
    account_id = session.client("sts").get_caller_identity()["Account"]
    account = with_promotion(Account(account_id, REGION, session), NAMES)
    make_buckets(account, NAMES)
    return account
