"""Steps in environments elsewhere: the relay asks the environment's function, and always answers the job."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from pipeline_relay.relay import relay_job
from stacks.assets.packages import Packages
from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.functions.invocation import deadline_of
from vectora_ops.promotion.job import RELAYED_KEY, Done, NotYet, Step, answer_step, is_step
from vectora_shared.errors import VectoraError

TOOLS, STAGE = "1" * 12, "3" * 12
ROLE = f"arn:aws:iam::{STAGE}:role/vectora-inbox/access/vectora-inbox-pipeline-role-stage"
PARAMETERS = {
    "operation": "snapshot",
    "execution": "e-1",
    "timeout_minutes": "30",
    "digest": "d" * 64,
    "environment": "stage",
    "task": "snapshot",
}


class Context:
    """Context of an invocation, with the seconds that are left."""

    def __init__(self, seconds: float = 900) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class Pipeline:
    """CodePipeline, which records the answers to jobs."""

    def __init__(self) -> None:
        self.success: dict[str, Any] | None = None
        self.failure: dict[str, Any] | None = None

    def put_job_success_result(self, **result: Any) -> None:
        self.success = result

    def put_job_failure_result(self, **result: Any) -> None:
        self.failure = result

    @property
    def sentence(self) -> str:
        assert self.success is None
        assert self.failure is not None
        return str(self.failure["failureDetails"]["message"])


class Lambda:
    """Lambda in the environment's account: the function runs a step, or an error replaces its answer."""

    def __init__(self, step: Step | None = None, *, answer: Any = None, error: Exception | None = None) -> None:
        self.step = step
        self.answer = answer
        self.error = error
        self.invoked: list[tuple[str, dict[str, Any]]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        event = json.loads(Payload)
        self.invoked.append((FunctionName, event))
        if self.error:
            raise self.error
        answer = self.answer
        if self.step:
            inside = Account(STAGE, "eu-west-3", session=None)  # type: ignore[arg-type]
            answer = answer_step(inside, event, {"snapshot": self.step})
        if isinstance(answer, bytes):
            return {"Payload": io.BytesIO(answer)}
        crashed = isinstance(answer, dict) and "errorMessage" in answer
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **({"FunctionError": "x"} if crashed else {})}


class Environment(Account):
    """The environment's account, whose Lambda client does not depend on how long the relay waits."""

    def invoker(self, wait_seconds: int = 0) -> Any:
        return self._clients["invoker"]


def relay(
    function: Lambda, parameters: object = PARAMETERS, token: str | None = None, context: Context | None = None
) -> Pipeline:
    pipeline = Pipeline()
    stage = Environment(STAGE, "eu-west-3", session=None, _clients={"invoker": function})  # type: ignore[arg-type]
    tools = Account(
        TOOLS,
        "eu-west-3",
        session=None,  # type: ignore[arg-type]
        elsewhere={"stage": stage},
        _clients={"codepipeline": pipeline},
    )
    data: dict[str, Any] = {"actionConfiguration": {"configuration": {"UserParameters": json.dumps(parameters)}}}
    if token:
        data["continuationToken"] = token
    event = {"CodePipeline.job": {"id": "job-1", "accountId": TOOLS, "data": data}}
    relay_job(tools, "vectora-inbox", event, context or Context())
    return pipeline


def test_a_step_that_is_done_elsewhere_succeeds_with_its_summary_and_variables() -> None:
    function = Lambda(lambda given, token: Done(summary="All well.", variables={"snapshot": "s-1"}))
    assert relay(function).success == {
        "jobId": "job-1",
        "executionDetails": {"summary": "All well.", "percentComplete": 100},
        "outputVariables": {"snapshot": "s-1"},
    }


def test_the_step_gets_its_parameters_and_not_those_of_the_relay() -> None:
    seen: list[Any] = []

    def step(given: Any, token: str | None) -> Done:
        seen.append((given, token))
        return Done(summary="ok")

    function = Lambda(step)
    relay(function)
    [(name, event)] = function.invoked
    assert name == "vectora-inbox-snapshot-stage"
    assert seen == [({key: PARAMETERS[key] for key in PARAMETERS if key not in ("environment", "task")}, None)]
    assert is_step(event)
    assert "CodePipeline.job" not in event, "the function must not answer the job itself"


def test_a_step_that_is_not_done_continues_where_it_stopped() -> None:
    seen: list[str | None] = []

    def step(given: Any, token: str | None) -> Done | NotYet:
        seen.append(token)
        return Done(summary="ok") if token else NotYet(token="half")

    first = relay(Lambda(step))
    assert first.success is not None
    token = first.success["continuationToken"]
    second = relay(Lambda(step), token=token)
    assert second.success is not None
    assert "continuationToken" not in second.success
    assert seen == [None, "half"]


def test_a_step_that_continues_for_too_long_fails() -> None:
    began = datetime.now(UTC) - timedelta(minutes=31)
    token = json.dumps({"began": began.isoformat(), "token": "half"})
    function = Lambda(lambda given, token: NotYet(token="half"))
    assert relay(function, token=token).sentence == "snapshot was not done within 30 minutes."
    assert not function.invoked


def test_the_failure_of_a_step_is_the_failure_of_the_job_in_its_own_words() -> None:
    def step(given: Any, token: str | None) -> Done:
        raise VectoraError("Nothing was deployed: stage is held.")

    assert relay(Lambda(step)).sentence == "Nothing was deployed: stage is held."


def test_an_unexpected_error_of_a_step_fails_the_job_with_its_kind() -> None:
    def step(given: Any, token: str | None) -> Done:
        raise KeyError("x")

    assert relay(Lambda(step)).sentence == "KeyError: 'x'"


@pytest.mark.parametrize(
    "answer",
    [None, [], "done", {}, {"state": "done"}, {"state": "running"}, {"state": "running", "token": 3}, {"state": "?"}],
)
def test_an_answer_that_is_no_result_fails_the_job_and_names_the_function(answer: Any) -> None:
    function = Lambda(answer=answer)
    assert relay(function).sentence.startswith("vectora-inbox-snapshot-stage did not answer with a result of a step")


def test_a_function_that_crashes_fails_the_job_and_names_its_log() -> None:
    function = Lambda(answer={"errorMessage": "out of memory"})
    assert "log is /aws/lambda/vectora-inbox-snapshot-stage" in relay(function).sentence


def test_half_an_answer_fails_the_job() -> None:
    assert "it may still be running" in relay(Lambda(answer=b'{"state": "do')).sentence


def test_an_answer_that_never_comes_fails_the_job_before_the_relay_ends() -> None:
    function = Lambda(error=ReadTimeoutError(endpoint_url="https://lambda"))
    assert "it may still be running" in relay(function).sentence


def test_a_denied_invocation_fails_the_job_and_names_the_function() -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "Invoke")
    sentence = relay(Lambda(error=denied)).sentence
    assert sentence.startswith("vectora-inbox-snapshot-stage could not be invoked")
    assert "not authorized" in sentence


def test_a_role_that_cannot_be_assumed_fails_the_job_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")

    class Sts:
        def assume_role(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "AssumeRole")

    pipeline = Pipeline()
    own = Account(TOOLS, "eu-west-3", session=None, _clients={"sts": Sts(), "codepipeline": pipeline})  # type: ignore[arg-type]
    tools = own.with_roles({"stage": {"role": ROLE, "region": "eu-central-1"}})
    assert (tools.of("stage").account_id, tools.of("stage").region) == (STAGE, "eu-central-1")
    data = {"actionConfiguration": {"configuration": {"UserParameters": json.dumps(PARAMETERS)}}}
    relay_job(tools, "vectora-inbox", {"CodePipeline.job": {"id": "job-1", "data": data}}, Context())
    assert ROLE in pipeline.sentence
    assert "cannot be assumed" in pipeline.sentence


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({**PARAMETERS, "environment": "moon"}, "'environment' is none of stage"),
        ({key: PARAMETERS[key] for key in PARAMETERS if key != "environment"}, "'environment' is none of stage"),
        ({**PARAMETERS, "task": "../x"}, "'task' is '../x', which is no function"),
        ({**PARAMETERS, "operation": "rollback"}, "Operation 'rollback' is none of"),
        ({**PARAMETERS, "timeout_minutes": "soon"}, "'timeout_minutes'"),
        ("rubbish", "they are no JSON object"),
    ],
)
def test_wrong_parameters_fail_the_job_and_invoke_nothing(parameters: object, sentence: str) -> None:
    function = Lambda(lambda given, token: Done(summary="never"))
    assert sentence in relay(function, parameters).sentence
    assert not function.invoked


def test_the_step_stops_in_time_for_the_relay_to_answer() -> None:
    function = Lambda(lambda given, token: Done(summary="ok"))
    relay(function, context=Context(300))
    [(_, event)] = function.invoked
    waits = event[RELAYED_KEY]["seconds"]
    assert 0 < waits < 300
    # The function itself has 900 seconds, of which it may use those that the relay waits, without the reserve.
    context = Context(900)
    over = deadline_of(context, event)
    assert not over()
    context.seconds = 900 - waits + 59
    assert over()
    context.seconds = 900 - waits + 61
    assert not over()
    assert not deadline_of(Context(61), {})()


def test_a_direct_job_is_still_answered_by_the_function_itself() -> None:
    pipeline = Pipeline()
    own = Account(STAGE, "eu-west-3", session=None, _clients={"codepipeline": pipeline})  # type: ignore[arg-type]
    data = {"actionConfiguration": {"configuration": {"UserParameters": json.dumps(PARAMETERS)}}}
    event = {"CodePipeline.job": {"id": "job-1", "data": data}}
    answer_step(own, event, {"snapshot": lambda given, token: Done(summary="ok")})
    assert pipeline.success is not None


def test_the_relays_package_runs_with_nothing_but_lambdas_runtime(tmp_path: Path) -> None:
    package = Packages(ROOT, "lambda").relay()
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")}
    # Lambda's runtime has boto3 and its dependencies, and nothing else of the layers.
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "for name in ('pydantic', 'yaml', 'jinja2'): sys.modules[name] = None\n"
        "import pipeline_relay.handler, vectora_ops, boto3, botocore.credentials\n"
        "assert vectora_ops.__file__.startswith(sys.argv[1])\n"
        "print(*sorted(m.__file__[len(sys.argv[1]) + 1:] for n, m in sys.modules.items()"
        " if n.partition('.')[0] in ('vectora_ops', 'vectora_shared', 'pipeline_relay') and m.__file__))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(tmp_path)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == names, "the package has a module that the relay does not import"


def test_an_account_sees_what_is_beside_it_with_its_own_credentials() -> None:
    own = Account(TOOLS, "eu-west-3", session=None)  # type: ignore[arg-type]
    assert own.of("pipeline") is own
    assert replace(own, elsewhere={"pipeline": own}).of("pipeline") is own
