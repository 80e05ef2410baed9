"""The local AWS: one ministack process on loopback with TLS and enforced IAM, gone without trace when we are."""

from __future__ import annotations

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
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import boto3
from botocore.config import Config

from rehearsal.certificates import Authority
from rehearsal.tether import end_tethered, start_tethered
from vectora_core.errors import VectoraError

# The emulator takes an access key of twelve digits for the root user of that account.
ACCOUNT = "0" * 12
SECRET = "test"  # noqa: S105
SCRATCH_PREFIX = "vectora-rehearsal-"
ENTRY = Path(__file__).resolve().parent / "emulator_types.py"
START_SECONDS = 300.0
LOG_BYTES_READ = 1_000_000
# A port that is free when we look may be taken when ministack binds it.
START_ATTEMPTS = 3


class EmulatorError(VectoraError):
    """The local AWS did not start."""


class _PortTakenError(EmulatorError):
    """Somebody took the port between our looking and ministack's binding it."""


class _Session(boto3.Session):
    """A boto3 session whose clients talk to the emulator and nothing else."""

    def __init__(self, endpoint: str, ca_bundle: Path, account: str, region: str, codepipeline: str | None) -> None:
        super().__init__(aws_access_key_id=account, aws_secret_access_key=SECRET, region_name=region)
        self._endpoint = endpoint
        self._ca_bundle = ca_bundle
        self._elsewhere = {"codepipeline": codepipeline} if codepipeline else {}

    def client(self, *args: Any, **kwargs: Any) -> Any:
        service = str(args[0] if args else kwargs["service_name"])
        kwargs.setdefault("endpoint_url", self._elsewhere.get(service, self._endpoint))
        kwargs.setdefault("verify", str(self._ca_bundle))
        # The host's proxy settings are not the emulator's business; synchronous executions would get a host prefix.
        direct = Config(proxies={}, inject_host_prefix=False, retries={"mode": "standard", "max_attempts": 2})
        kwargs["config"] = direct.merge(kwargs["config"]) if kwargs.get("config") else direct
        return super().client(*args, **kwargs)


class Emulator:
    """Context manager: started and healthy inside, ended and removed afterwards, also when this process is killed.

    `python` is the interpreter of the environment that holds ministack; it also runs the Lambda functions.
    `worker_environment` is seen by every Lambda function, as the emulator hands its own environment on. With
    `enforce_iam` False it speaks plain HTTP and lets everybody do everything, at a fraction of the cost. With
    `codepipeline`, the address of the stand-in, CloudFormation knows pipelines and clients find them there.
    """

    endpoint: str
    ca_bundle: Path
    scratch: Path
    iam_enforced: bool
    note: str | None

    def __init__(
        self,
        python: Path,
        authority: Authority,
        *,
        region: str,
        worker_environment: Mapping[str, str] | None = None,
        enforce_iam: bool = True,
        codepipeline: str | None = None,
    ) -> None:
        self._enforce_iam = enforce_iam
        self._codepipeline = codepipeline
        self._python = python
        self._authority = authority
        self._worker_environment = dict(worker_environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.region = region
        self.note = None

    def __enter__(self) -> Self:
        if not self._enforce_iam:
            self._start_on_free_port(enforced=False)
            return self
        try:
            self._start_on_free_port(enforced=True)
        except EmulatorError as error:
            if os.environ.get("CI", "").lower() == "true":
                raise
            self._start_on_free_port(enforced=False)
            self.note = f"IAM IS NOT ENFORCED in this rehearsal: {error}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """The process that holds the emulator; ending it ends everything of the emulator's."""
        if self._process is None:
            raise EmulatorError("The local AWS is not running: enter the emulator's context first.")
        return self._process.pid

    @property
    def log_file(self) -> Path:
        return self.scratch / "emulator.log"

    def environment(self, account: str = ACCOUNT) -> dict[str, str]:
        """What the CDK CLI, the AWS CLI and boto3 need in order to talk to the emulator and to nothing else."""
        empty = str(self.scratch / "aws-config")
        direct = ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1", "localhost")))
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_CA_BUNDLE": str(self.ca_bundle),
            "NODE_EXTRA_CA_CERTS": str(self.ca_bundle),
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": empty,
            "AWS_SHARED_CREDENTIALS_FILE": empty,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "NO_PROXY": direct,
            "no_proxy": direct,
            # The CDK remembers there which account a key belongs to; ours must not enter the user's own cache.
            "CDK_HOME": str(self.scratch / "cdk"),
            "TMPDIR": str(self.scratch / "tmp"),
            **self._codepipeline_address(),
        }

    def reset(self) -> None:
        """Forget everything: as after a start, in a fraction of the time."""
        request = urllib.request.Request(f"{self.endpoint}/_ministack/reset", method="POST")  # noqa: S310
        with self._opener().open(request, timeout=30):
            pass

    def session(self, account: str = ACCOUNT, region: str | None = None) -> boto3.Session:
        """A session as the root user of `account`."""
        return _Session(self.endpoint, self.ca_bundle, account, region or self.region, self._codepipeline)

    def _codepipeline_address(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_CODEPIPELINE": self._codepipeline} if self._codepipeline else {}

    def _start_on_free_port(self, *, enforced: bool) -> None:
        for attempt in range(START_ATTEMPTS):
            try:
                self._start(_free_port(), enforced=enforced)
                return
            except _PortTakenError:
                if attempt + 1 == START_ATTEMPTS:
                    raise

    def _start(self, port: int, *, enforced: bool) -> None:
        # Resolved, because macOS's temporary folder is a link and Node compares paths.
        self.scratch = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX)).resolve()
        self.endpoint = f"{'https' if enforced else 'http'}://127.0.0.1:{port}"
        self.iam_enforced = enforced
        try:
            self._prepare()
            with self.log_file.open("w+b") as log:
                self._process = start_tethered(
                    # -P: this folder's modules are not the emulator's.
                    [str(self._python), "-P", str(ENTRY)],
                    environment=self._own_environment(port, enforced=enforced),
                    folder=self.scratch,
                    output=log,
                    remove=self.scratch,
                )
                self._wait_until_healthy(log)
        except BaseException:
            self._end()
            raise

    def _prepare(self) -> None:
        for name in ("home", "tmp", "cdk"):
            (self.scratch / name).mkdir()
        (self.scratch / "aws-config").touch()
        self.ca_bundle = self.scratch / "ca.pem"
        self._authority.write_bundle(self.ca_bundle)
        self._trust = ssl.create_default_context(cafile=str(self.ca_bundle))
        self._certificate, self._key = self._authority.write_certificate(self.scratch, "127.0.0.1", "localhost")

    def _own_environment(self, port: int, *, enforced: bool) -> dict[str, str]:
        # Nothing of the host's: whatever stands here reaches the Lambda functions too.
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
        }
        secure = {
            "AUTH": "true",
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(self._certificate),
            "MINISTACK_SSL_KEY": str(self._key),
        }
        return plain | (secure if enforced else {}) | self._codepipeline_address() | self._worker_environment

    def _wait_until_healthy(self, log: IO[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                said = _tail(log)
                kind = _PortTakenError if "already in use" in said else EmulatorError
                raise kind(f"The local AWS ended while starting; its log said: {said}")
            if self._is_healthy():
                return
            time.sleep(0.02)
        raise EmulatorError(
            f"The local AWS did not answer within {START_SECONDS:.0f} seconds; its log said: {_tail(log)}"
        )

    def _is_healthy(self) -> bool:
        try:
            with self._opener().open(f"{self.endpoint}/_ministack/health", timeout=2) as answer:
                state = json.load(answer)
        except (OSError, ValueError):
            return False
        return bool(state["auth"] == ("enabled" if self.iam_enforced else "disabled"))

    def _opener(self) -> urllib.request.OpenerDirector:
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._trust)
        )

    def _end(self) -> None:
        if self._process is not None:
            end_tethered(self._process)
            self._process = None
        shutil.rmtree(self.scratch, ignore_errors=True)


def _tail(log: IO[bytes]) -> str:
    # Through the open file, whose name is gone as soon as the process is; without moving the offset that they share.
    text = os.pread(log.fileno(), LOG_BYTES_READ, 0).decode("utf-8", "replace")
    return " | ".join([line for line in text.splitlines() if line.strip()][-5:]) or "nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
