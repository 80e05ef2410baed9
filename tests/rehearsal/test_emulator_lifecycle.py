"""The local AWS starts isolated and with enforced IAM, and leaves no process and no file behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from rehearsal.certificates import Authority
from rehearsal.emulator import Emulator, EmulatorError
from vectora_shared.aws_errors import error_code

REGION = "eu-west-3"
# Only a guard against hanging.
HANGS_AFTER_SECONDS = 600
CHILD = """
import json, signal, sys
from pathlib import Path
from rehearsal.certificates import Authority
from rehearsal.emulator import Emulator
python, code = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)
with Emulator(Path(python), Authority(), region="eu-west-3") as emulator:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = emulator.session().client("iam").create_role(RoleName="probe", AssumeRolePolicyDocument=document)
    functions = emulator.session().client("lambda")
    functions.create_function(
        FunctionName="probe", Runtime="python3.13", Handler="handler.lambda_handler",
        Role=role["Role"]["Arn"], Code={"ZipFile": Path(code).read_bytes()},
    )
    worker = json.load(functions.invoke(FunctionName="probe")["Payload"])["pid"]
    print(json.dumps({
        "scratch": str(emulator.scratch), "endpoint": emulator.endpoint, "pids": [emulator.pid, worker],
    }), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def running_elsewhere(
    root: Path, emulator_python: Path, function_zip: bytes, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A process with an emulator and a Lambda worker, and the state that it prints."""
    code = tmp_path / "code.zip"
    code.write_bytes(function_zip)
    path = os.pathsep.join([str(root), str(root / "lambda_src")])
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(emulator_python), str(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    ) as process:
        assert process.stdout
        yield process, json.loads(process.stdout.readline())
        process.kill()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended, although init has not yet waited for it.
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    return True


def _left_behind(state: dict[str, Any]) -> list[str]:
    found = [f"process {pid}" for pid in state["pids"] if _is_alive(pid)]
    if Path(state["scratch"]).exists():
        found.append(state["scratch"])
    with socket.socket() as probe:
        address = urlsplit(state["endpoint"])
        if probe.connect_ex((str(address.hostname), address.port or 0)) == 0:
            found.append(state["endpoint"])
    return found


def test_no_process_and_no_folder_is_left_after_sigkill_of_its_owner(
    running_elsewhere: tuple[subprocess.Popen[str], dict[str, Any]],
) -> None:
    process, state = running_elsewhere
    assert len(_left_behind(state)) == 4
    process.kill()
    process.wait()
    deadline = time.monotonic() + HANGS_AFTER_SECONDS
    while _left_behind(state) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _left_behind(state) == []


def test_nothing_is_left_when_its_owner_has_ended_after_ctrl_c(
    running_elsewhere: tuple[subprocess.Popen[str], dict[str, Any]],
) -> None:
    process, state = running_elsewhere
    process.send_signal(signal.SIGINT)
    process.wait()
    assert _left_behind(state) == []


def test_nothing_is_left_after_the_context(emulator_python: Path, authority: Authority) -> None:
    with Emulator(emulator_python, authority, region=REGION) as emulator:
        state = {"pids": [emulator.pid], "scratch": str(emulator.scratch), "endpoint": emulator.endpoint}
        assert len(_left_behind(state)) == 3
    assert _left_behind(state) == []


def test_nothing_is_left_after_an_exception_inside_the_context(emulator_python: Path, authority: Authority) -> None:
    state: dict[str, Any] = {}

    def fail_inside() -> None:
        with Emulator(emulator_python, authority, region=REGION) as emulator:
            state.update(pids=[emulator.pid], scratch=str(emulator.scratch), endpoint=emulator.endpoint)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert _left_behind(state) == []


def test_a_role_is_denied_an_operation_without_a_grant(emulator: Emulator, make_role: Any) -> None:
    session: boto3.Session = make_role(
        "reads-logs", [{"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"}]
    )
    with pytest.raises(ClientError) as denied:
        session.client("s3").list_buckets()
    assert error_code(denied.value) == "AccessDenied"


def test_functions_have_no_variables_of_the_host(
    emulator_python: Path, authority: Authority, function_zip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "secret")
    with Emulator(emulator_python, authority, region=REGION, worker_environment={"FOR_WORKERS": "yes"}) as emulator:
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = emulator.session().client("iam").create_role(RoleName="probe", AssumeRolePolicyDocument=document)
        functions = emulator.session().client("lambda")
        functions.create_function(
            FunctionName="probe",
            Runtime="python3.13",
            Handler="handler.lambda_handler",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": function_zip},
        )
        seen = json.load(functions.invoke(FunctionName="probe")["Payload"])["env"]
        assert seen["FOR_WORKERS"] == "yes"
        assert "SECRET_OF_THE_HOST" not in seen
        assert Path(seen["HOME"]).is_relative_to(emulator.scratch)


@pytest.fixture
def python_that_fails_with_iam(emulator_python: Path, tmp_path: Path) -> Path:
    """An interpreter that exits immediately when it should run the emulator with enforced IAM."""
    script = tmp_path / "python"
    script.write_text(
        f"""#!/bin/sh
if [ "$AUTH" = true ]; then echo no TLS on this machine; exit 1; fi
exec {emulator_python} "$@"
""",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return script


def test_it_does_not_start_without_enforced_iam(python_that_fails_with_iam: Path, authority: Authority) -> None:
    with (
        pytest.raises(EmulatorError, match="no TLS on this machine"),
        Emulator(python_that_fails_with_iam, authority, region=REGION),
    ):
        pass


def test_the_environment_of_tools_leads_to_the_emulator_only(emulator: Emulator) -> None:
    environment = emulator.environment()
    assert not [name for name in environment if "ENDPOINT" in name]
    assert environment["HTTPS_PROXY"] == environment["https_proxy"] == emulator.proxy.address
    assert environment["NODE_EXTRA_CA_CERTS"] == environment["AWS_CA_BUNDLE"] == str(emulator.ca_bundle)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "CDK_HOME", "TMPDIR"):
        assert Path(environment[name]).is_relative_to(emulator.scratch), name


def test_a_lost_account_answers_again_after_it_is_reinstated(emulator: Emulator) -> None:
    lost, other = "444444444444", "555555555555"
    callers = {account: emulator.session(account).client("sts") for account in (lost, other)}
    emulator.lose(lost)
    with pytest.raises(ClientError) as refused:
        callers[lost].get_caller_identity()
    assert error_code(refused.value) == "InvalidClientTokenId"
    assert callers[other].get_caller_identity()["Account"] == other
    emulator.reinstate(lost)
    assert callers[lost].get_caller_identity()["Account"] == lost
