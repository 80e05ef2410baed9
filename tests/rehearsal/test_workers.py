"""A forked worker of a function is like one whose interpreter was started for it, and shares nothing with others."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.emulator import Emulator

# Only a guard against hanging.
HANGS_AFTER_SECONDS = 600
# With any such variable, the interpreter is started for the function.
OF_PYTHON = {"PYTHONNODEBUGRANGES": "1"}
PROBE = """
import os, random, sys, time, uuid
SHARED = "boto3.session" in sys.modules
MODULES = sorted(name for name in sys.modules if name.startswith("vectora"))
def lambda_handler(event, context):
    if event.get("print"):
        print("printed by the function")
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("exit"):
        os._exit(3)
    if event.get("fail"):
        raise ValueError("bad event")
    return {
        "pid": os.getpid(), "shared": SHARED, "modules": MODULES, "environment": dict(os.environ), "path": sys.path,
        "folder": os.getcwd(), "arguments": sys.argv, "main": sys.modules["__main__"].__name__,
        "streams": [(each.encoding, each.line_buffering) for each in (sys.stdin, sys.__stdout__, sys.stderr)],
        "random": [random.random(), str(uuid.uuid4())], "zone": time.tzname[0],
    }
"""
# Of each worker.
OWN = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "_X_AMZN_TRACE_ID",
)
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def role(emulator: Emulator) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    created = emulator.session().client("iam").create_role(RoleName="probe", AssumeRolePolicyDocument=document)
    return str(created["Role"]["Arn"])


@pytest.fixture
def function(emulator: Emulator, role: str, request: pytest.FixtureRequest) -> Callable[..., Call]:
    """A function that creates a probe with variables, and returns how to invoke it."""
    functions = emulator.session().client("lambda")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", PROBE)

    def create(name: str, ends_after: int = 300, **variables: str) -> Call:
        functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="handler.lambda_handler",
            Role=role,
            Timeout=ends_after,
            Code={"ZipFile": code.getvalue()},
            Environment={"Variables": variables},
        )
        request.addfinalizer(lambda: functions.delete_function(FunctionName=name))

        def call(**event: Any) -> Any:
            answer = functions.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
            log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8")
            return json.load(answer["Payload"]), answer.get("FunctionError"), log

        return call

    return create


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def _comparable(seen: dict[str, Any]) -> str:
    """Return what a probe saw as text, without what differs between any two workers."""
    environment = {name: value for name, value in seen["environment"].items() if name not in (*OF_PYTHON, *OWN)}
    names = ("modules", "path", "folder", "arguments", "main", "streams", "zone")
    text = json.dumps({name: seen[name] for name in names} | {"environment": environment}, sort_keys=True)
    return text.replace(os.path.dirname(seen["folder"]), "FOLDER")  # noqa: PTH120


def test_a_function_finds_what_a_started_interpreter_gives_it(function: Callable[..., Call]) -> None:
    forked, _, _ = function("probe", NAME="value", TZ="Asia/Tokyo")()
    started, _, _ = function("same", NAME="value", TZ="Asia/Tokyo", **OF_PYTHON)()
    assert (forked["shared"], started["shared"]) == (True, False)
    assert _comparable(forked).replace("probe", "same") == _comparable(started)
    assert (forked["environment"]["NAME"], forked["zone"]) == ("value", "JST")
    assert forked["modules"] == []


def test_workers_share_no_variable_and_no_random_value(function: Callable[..., Call]) -> None:
    first, _, _ = function("first", OF_THE_FIRST="yes")()
    second, _, _ = function("second")()
    assert first["shared"]
    assert second["shared"]
    assert first["pid"] != second["pid"]
    assert "OF_THE_FIRST" not in second["environment"]
    assert not set(first["random"]) & set(second["random"])


def test_what_a_function_prints_is_in_its_log(function: Callable[..., Call]) -> None:
    _, failure, log = function("probe")(print=True)
    assert failure is None
    assert "printed by the function" in log


def test_a_worker_is_kept_for_the_next_call(function: Callable[..., Call]) -> None:
    call = function("probe")
    assert call()[0]["pid"] == call()[0]["pid"]


@pytest.mark.parametrize(("event", "message"), [({"fail": True}, "bad event"), ({"exit": True}, "Worker process died")])
def test_a_worker_that_failed_is_replaced(function: Callable[..., Call], event: dict[str, Any], message: str) -> None:
    call = function("probe")
    before = call()[0]["pid"]
    answer, failure, _ = call(**event)
    assert failure
    assert message in json.dumps(answer)
    assert call()[0]["pid"] != before


def test_a_worker_that_takes_too_long_is_ended(function: Callable[..., Call]) -> None:
    call = function("probe", ends_after=3)
    pid = call()[0]["pid"]
    answer, failure, _ = call(sleep=3600)
    assert failure
    assert "timed out" in json.dumps(answer)
    deadline = time.monotonic() + HANGS_AFTER_SECONDS
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_alive(pid)
    assert call()[0]["pid"] != pid
