"""The local AWS: one ministack process on loopback, at AWS's own host names, with TLS and enforced IAM."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from rehearsal import aws_names
from rehearsal.certificates import Authority
from rehearsal.disturbances import Disturbances
from rehearsal.proxy import Proxy, to_port
from rehearsal.supervisor import end_supervised, start_supervised
from vectora_shared.errors import VectoraError

ACCOUNT = "0" * 12
SCRATCH_PREFIX = "vectora-rehearsal-"
ENTRY = Path(__file__).resolve().parent / "inside" / "__main__.py"
RECORD = "calls.jsonl"
# Ids of the accounts that are lost, one a line.
LOST = "lost-accounts"
ADMINISTRATOR = "administrator"
START_SECONDS = 300.0
LOG_BYTES_READ = 1_000_000
# A port that is free when it is looked up may be taken when ministack binds it.
START_ATTEMPTS = 3


class EmulatorError(VectoraError):
    """The local AWS did not start."""


class _PortTakenError(EmulatorError):
    """Another process took the free port before ministack bound it."""


@dataclass(frozen=True)
class Identity:
    """Credentials of a user, or of a role's session with its `token`."""

    key: str
    secret: str
    token: str | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables that AWS tools read credentials from."""
        session = {"AWS_SESSION_TOKEN": self.token} if self.token else {}
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret, **session}


def root_user(account: str) -> Identity:
    """Return the root user of an account; the emulator accepts the account id as its key and checks no signature.

    It creates the account's administrator, and represents AWS's own services.
    """
    return Identity(account, "test")


class Emulator:
    """The emulator, as a context manager that starts it and removes it, also when this process is killed.

    `python` is the interpreter of the environment that has ministack; it also runs the Lambda functions.
    `proxy` routes AWS's host names to the emulator; by default the emulator has its own proxy.
    `worker_environment` are variables for every Lambda function.
    `with_pipelines`: CloudFormation passes pipelines to the stand-in for CodePipeline.
    `enforce_iam`: when False, the emulator speaks plain HTTP on `endpoint` and allows every call, for benchmarks that
    TLS and IAM would distort.
    `disturbances` are throttled, failed and truncated answers, from the start.
    """

    endpoint: str
    ca_bundle: Path
    scratch: Path
    proxy: Proxy

    def __init__(
        self,
        python: Path,
        authority: Authority,
        *,
        region: str,
        proxy: Proxy | None = None,
        worker_environment: Mapping[str, str] | None = None,
        enforce_iam: bool = True,
        with_pipelines: bool = False,
        disturbances: Disturbances | None = None,
    ) -> None:
        self._disturbances = disturbances
        self._enforce_iam = enforce_iam
        self._with_pipelines = with_pipelines
        self._python = python
        self.authority = authority
        self._worker_environment = dict(worker_environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._given_proxy = proxy
        self._administrators: dict[str, Identity] = {}
        self._sessions: dict[tuple[Identity, str], boto3.Session] = {}
        self.region = region

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.proxy = self._given_proxy or stack.enter_context(Proxy())
            stack.callback(self._end)
            self._start_on_free_port()
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.__exit__(kind, error, trace)

    @property
    def pid(self) -> int:
        """Id of the supervisor's process; ending it ends all of the emulator's processes."""
        if self._process is None:
            raise EmulatorError("The local AWS is not running: enter the emulator's context first.")
        return self._process.pid

    @property
    def log_file(self) -> Path:
        """The emulator's log."""
        return self.scratch / "emulator.log"

    @property
    def record(self) -> Path:
        """File of all signed requests, one JSON document per line (inside/front_door.py)."""
        return self.scratch / RECORD

    @property
    def mail(self) -> Path:
        """Folder of all messages that SES accepted, numbered in their order (inside/mail.py)."""
        return self.scratch / "mail"

    def environment(self, identity: Identity | None = None) -> dict[str, str]:
        """Return variables with which the CDK CLI, the AWS CLI and boto3 reach the emulator, and no other AWS.

        They act as `identity`, or as the account's administrator.
        """
        empty = str(self.scratch / "aws-config")
        return {
            **(identity or self.administrator()).environment(),
            **self.proxy.environment(),
            "AWS_CA_BUNDLE": str(self.ca_bundle),
            "NODE_EXTRA_CA_CERTS": str(self.ca_bundle),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": empty,
            "AWS_SHARED_CREDENTIALS_FILE": empty,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            # The CDK caches there which account a key belongs to; these keys must not enter the user's own cache.
            "CDK_HOME": str(self.scratch / "cdk"),
            "TMPDIR": str(self.scratch / "tmp"),
        }

    def reset(self) -> None:
        """Reset the emulator to its state after a start, in a fraction of the time."""
        request = urllib.request.Request(f"{self.endpoint}/_ministack/reset", method="POST")  # noqa: S310
        with self._opener().open(request, timeout=30):
            pass
        self._administrators.clear()
        (self.scratch / LOST).unlink(missing_ok=True)

    def lose(self, account: str) -> None:
        """Refuse all requests of an account from now on; what it has stays, as the names of its buckets do on AWS."""
        with (self.scratch / LOST).open("a", encoding="ascii") as lost:
            lost.write(f"{account}\n")

    def reinstate(self, account: str) -> None:
        """Answer the requests of a lost account again, as AWS does after it reinstates a suspended account."""
        lost = self.scratch / LOST
        left = [each for each in lost.read_text(encoding="ascii").splitlines() if each != account]
        lost.write_text("".join(f"{each}\n" for each in left), encoding="ascii")

    def administrator(self, account: str = ACCOUNT) -> Identity:
        """Return a user with all permissions in the account, created on first use; its signatures are checked."""
        if account not in self._administrators:
            iam = self.session_of(root_user(account)).client("iam")
            iam.create_user(UserName=ADMINISTRATOR)
            everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
            iam.put_user_policy(UserName=ADMINISTRATOR, PolicyName="everything", PolicyDocument=document)
            key = iam.create_access_key(UserName=ADMINISTRATOR)["AccessKey"]
            self._administrators[account] = Identity(key["AccessKeyId"], key["SecretAccessKey"])
        return self._administrators[account]

    def session(self, account: str = ACCOUNT, region: str | None = None) -> boto3.Session:
        """Return a session of the account's administrator."""
        return self.session_of(self.administrator(account), region)

    def session_of(self, identity: Identity, region: str | None = None) -> boto3.Session:
        """Return an ordinary session that reaches the emulator at AWS's host names."""
        key = (identity, region or self.region)
        if key not in self._sessions:
            core = botocore.session.Session()
            core.register_component("data_loader", _models())
            core.set_config_variable("ca_bundle", str(self.ca_bundle))
            core.set_default_client_config(Config(proxies={"https": self.proxy.address}))
            self._sessions[key] = boto3.Session(
                identity.key, identity.secret, identity.token, region or self.region, botocore_session=core
            )
        return self._sessions[key]

    def _start_on_free_port(self) -> None:
        for attempt in range(START_ATTEMPTS):
            try:
                self._start(_free_port())
                return
            except _PortTakenError:
                if attempt + 1 == START_ATTEMPTS:
                    raise

    def _start(self, port: int) -> None:
        # Resolved, because macOS's temporary folder is a symbolic link, and Node compares paths.
        self.scratch = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX)).resolve()
        self.endpoint = f"{'https' if self._enforce_iam else 'http'}://127.0.0.1:{port}"
        try:
            self._prepare()
            with self.log_file.open("w+b") as log:
                self._process = start_supervised(
                    # -P keeps the entry point's folder, with modules of our own, off the emulator's module path.
                    [str(self._python), "-P", str(ENTRY)],
                    environment=self._own_environment(port),
                    folder=self.scratch,
                    output=log,
                    remove=self.scratch,
                )
                self._wait_until_healthy(log)
            self.proxy.route_aws(to_port(port))
        except BaseException:
            self._end()
            raise

    def _prepare(self) -> None:
        for name in ("home", "tmp", "cdk"):
            (self.scratch / name).mkdir()
        (self.scratch / "aws-config").touch()
        self.ca_bundle = self.scratch / "ca.pem"
        self.authority.write_bundle(self.ca_bundle)
        self._trust = ssl.create_default_context(cafile=str(self.ca_bundle))
        self._certificate, self._key = self.authority.write_certificate(
            self.scratch, "127.0.0.1", "localhost", *aws_names.certificate_names()
        )

    def _own_environment(self, port: int) -> dict[str, str]:
        # No variables of the host: the emulator passes its environment to the Lambda functions.
        plain = {
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.scratch / "home"),
            "TMPDIR": str(self.scratch / "tmp"),
            "LANG": "C.UTF-8",
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": self.region,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CA_BUNDLE": str(self.ca_bundle),
            "SSL_CERT_FILE": str(self.ca_bundle),
            "REHEARSAL_RECORD": str(self.record),
            "REHEARSAL_LOST": str(self.scratch / LOST),
            "REHEARSAL_MAIL": str(self.mail),
            **self.proxy.environment(),
        }
        secure = {
            "AUTH": "true",
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(self._certificate),
            "MINISTACK_SSL_KEY": str(self._key),
        }
        # Benchmarks measure the cold starts of a whole interpreter, as Lambda has them.
        forks = {"REHEARSAL_FORKS": "yes"} if self._enforce_iam else {}
        pipelines = {"REHEARSAL_PIPELINES": "yes"} if self._with_pipelines else {}
        disturbed = self._disturbances.environment() if self._disturbances else {}
        return plain | (secure if self._enforce_iam else {}) | forks | pipelines | disturbed | self._worker_environment

    def _wait_until_healthy(self, log: IO[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                last_lines = _tail(log)
                kind = _PortTakenError if "already in use" in last_lines else EmulatorError
                raise kind(f"The local AWS ended while starting; the end of its log: {last_lines}")
            if self._is_healthy():
                return
            time.sleep(0.02)
        raise EmulatorError(
            f"The local AWS did not answer within {START_SECONDS:.0f} seconds; the end of its log: {_tail(log)}"
        )

    def _is_healthy(self) -> bool:
        try:
            with self._opener().open(f"{self.endpoint}/_ministack/health", timeout=2) as answer:
                state = json.load(answer)
        except (OSError, ValueError):
            return False
        return bool(state["auth"] == ("enabled" if self._enforce_iam else "disabled"))

    def _opener(self) -> urllib.request.OpenerDirector:
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._trust)
        )

    def _end(self) -> None:
        if self._process is not None:
            end_supervised(self._process)
            self._process = None
        shutil.rmtree(self.scratch, ignore_errors=True)


@functools.cache
def _models() -> Loader:
    """Return one loader for all sessions, because reading AWS's models takes longer than most tests."""
    loader: Loader = botocore.session.Session().get_component("data_loader")
    return loader


def _tail(log: IO[bytes]) -> str:
    # Read through the open file: its name is removed as soon as the process ends. pread leaves the shared offset alone.
    text = os.pread(log.fileno(), LOG_BYTES_READ, 0).decode("utf-8", "replace")
    return " | ".join([line for line in text.splitlines() if line.strip()][-5:]) or "empty"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
